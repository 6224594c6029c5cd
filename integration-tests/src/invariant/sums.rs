//! What is offered, used and free of an agent is what it has; the allocator's sums are those of the master's tables.

use super::{Violation, holds};
use crate::simulation::World;
use rsk_proto::{
    Resources,
    status::{AgentState, ClusterStatus},
};

const INVARIANT: &str = "sums equal the agent";

pub(crate) fn sums(world: &World, status: &ClusterStatus) -> Result<(), Violation> {
    let add = |sum: Resources, one: &Resources| sum.checked_add(one).unwrap_or_default();
    let mut of_agents = Resources::default();
    for agent in status.agents.iter().filter(|agent| agent.state != AgentState::Lost) {
        let of_it = status.executors.iter().filter(|it| it.agent == agent.id).map(|it| &it.resources);
        let used = of_it.fold(Resources::default(), add);
        holds(used == agent.resources.used, INVARIANT, || {
            format!("executors of {} use {used}, and it says {}", agent.id, agent.resources.used)
        })?;
        if let Some(machine) = world.machines.iter().find(|machine| machine.id == Some(agent.id)) {
            holds(machine.total == agent.resources.total, INVARIANT, || {
                format!(
                    "{} has {}, and is believed to have {}",
                    agent.id, machine.total, agent.resources.total
                )
            })?;
        }
        of_agents = add(add(of_agents, &agent.resources.used), &agent.resources.offered);
    }
    // All frameworks here have one role.
    if let [role] = &status.roles[..] {
        let of_role = add(role.used.clone(), &role.offered);
        holds(of_role == of_agents, INVARIANT, || {
            format!("the allocator holds {of_role}, and {of_agents} is offered or used")
        })?;
    }
    Ok(())
}
