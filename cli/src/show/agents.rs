//! Agents.

use super::{milli, since};
use crate::table::Table;
use rsk_proto::{
    ByteSize,
    status::{AgentState, ClusterStatus},
};

/// All of them.
pub(crate) fn agents(status: &ClusterStatus) -> String {
    let mut table = Table::new(&[
        "AGENT",
        "HOST",
        "STATE",
        ">CPUS",
        ">MEMORY",
        "RESERVED",
        "ATTRIBUTES",
        "PLATFORM",
        ">AGE",
    ]);
    for agent in &status.agents {
        let state = match agent.state {
            AgentState::Active => "active",
            AgentState::Draining => "draining",
            AgentState::Drained => "drained",
            AgentState::Expected => "expected",
            AgentState::Lost => "lost",
        };
        let (used, total) = (&agent.resources.used, &agent.resources.total);
        let reserved = agent.reserved.iter().map(|part| format!("{}={}", part.role, part.resources));
        table.row([
            agent.id.to_string(),
            agent.host.clone(),
            state.to_owned(),
            format!("{} of {}", milli(used.cpus_milli), milli(total.cpus_milli)),
            format!("{} of {}", ByteSize(used.memory_bytes), ByteSize(total.memory_bytes)),
            reserved.collect::<Vec<_>>().join(" "),
            agent.attributes.to_string(),
            agent.platform.clone(),
            since(status.master.now, agent.registered_at),
        ]);
    }
    let mut text = table.print("No agent has registered: `rsk agent -m HOST:PORT` starts one.");
    if status.master.agents_expected > 0 {
        text.extend([format!(
            "{} more are expected back after the master's restart\n",
            status.master.agents_expected
        )]);
    }
    text
}
