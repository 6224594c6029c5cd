//! Executors.

use super::{executor, since};
use crate::table::Table;
use rsk_proto::{FrameworkId, status::ClusterStatus};

/// All of them, or those of one application.
pub(crate) fn executors(status: &ClusterStatus, of: Option<FrameworkId>) -> String {
    let mut table = Table::new(&["EXECUTOR", "AGENT", "HOST", "RESOURCES", ">SLOTS", "STATE", ">AGE"]);
    for one in status.executors.iter().filter(|one| of.is_none_or(|app| one.key.framework == app)) {
        let agent = status.agents.iter().find(|agent| agent.id == one.agent);
        table.row([
            executor(one.key),
            one.agent.to_string(),
            agent.map(|agent| agent.host.clone()).unwrap_or_default(),
            one.resources.to_string(),
            one.slots.to_string(),
            one.state.clone(),
            since(status.master.now, one.started_at),
        ]);
    }
    table.print("No executor runs.")
}
