//! Roles.

use super::milli;
use crate::table::Table;
use rsk_proto::status::ClusterStatus;

/// All of them.
pub(crate) fn roles(status: &ClusterStatus) -> String {
    let mut table =
        Table::new(&["ROLE", ">WEIGHT", ">SHARE", ">APPS", "USES", "OFFERED", "QUOTA", "RESERVED"]);
    for role in &status.roles {
        table.row([
            role.name.to_string(),
            milli(u64::from(role.weight_milli)),
            format!("{} %", milli(u64::from(role.share_milli) * 100)),
            role.frameworks.to_string(),
            role.used.to_string(),
            role.offered.to_string(),
            role.quota.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
            role.reserved.to_string(),
        ]);
    }
    table.print("No role is in use.")
}
