//! Offers that stand.

use super::since;
use crate::table::Table;
use rsk_proto::status::ClusterStatus;

/// All of them.
pub(crate) fn offers(status: &ClusterStatus) -> String {
    let mut table = Table::new(&["OFFER", "APP", "NAME", "AGENT", "RESOURCES", ">AGE"]);
    for offer in &status.offers {
        let app = status.frameworks.iter().find(|app| app.id == offer.framework);
        table.row([
            offer.id.to_string(),
            offer.framework.to_string(),
            app.map(|app| app.name.clone()).unwrap_or_default(),
            offer.agent.to_string(),
            offer.resources.to_string(),
            since(status.master.now, offer.made_at),
        ]);
    }
    table.print("No offer stands.")
}
