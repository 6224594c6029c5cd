//! Why a framework gets nothing.

use super::{DrfAllocator, quota};
use rsk_proto::{Demand, FrameworkId};

/// Whole sentences for people. Cost: looks at each agent once.
pub(super) fn reasons(all: &DrfAllocator, id: FrameworkId) -> Vec<String> {
    let Some(framework) = all.frameworks.get(&id) else {
        return vec!["The master does not know it.".to_owned()];
    };
    let Some(demand) = &framework.demand else { return vec!["It wants nothing now.".to_owned()] };
    if demand.count == Some(0) {
        return vec!["It has been offered, or has bought, all that it wants.".to_owned()];
    }
    let mut reasons = Vec::new();
    let one = Demand { count: Some(1), ..demand.clone() };
    if let Some((limit, role)) =
        all.roles.get(&framework.role).and_then(|role| Some((role.limit.as_ref()?, role)))
    {
        if all.is_quota_held_back {
            let name = &framework.role;
            reasons.push(format!(
                "Role {name} has a quota, and waits until most agents are back after a restart."
            ));
        }
        let shape = &demand.shape;
        if !quota::within(limit, &role.held, shape).contains(shape) {
            let held = &role.held;
            reasons.push(format!("Role {} holds {held} of its quota of {limit}.", framework.role));
        }
    }
    let (mut small, mut busy, mut kept, mut closed, mut refused) = (0, 0, 0, 0, 0);
    for (agent_id, agent) in all.pool.agents() {
        let free = agent.free_for(&framework.role);
        if one.part_of(&agent.total).is_none() {
            small += 1;
        } else if !agent.is_offered {
            closed += 1;
        } else if one.part_of(&free).is_some() {
            let is_refused =
                demand.part_of(&free).is_some_and(|part| all.filters.blocks(id, agent_id, &part));
            refused += u32::from(is_refused);
        } else if agent.has_reservations() {
            kept += 1;
        } else {
            busy += 1;
        }
    }
    let agents = all.pool.agents().count();
    if agents == 0 {
        reasons.push("There is no agent.".to_owned());
    }
    let shape = &demand.shape;
    for (count, what) in [
        (small, format!("too small for {shape}")),
        (closed, "drained, or not back yet".to_owned()),
        (busy, "busy".to_owned()),
        (kept, "busy, or kept for other roles".to_owned()),
        (refused, "refused by itself for now".to_owned()),
    ] {
        if count > 0 {
            reasons.push(format!("{count} of {agents} agents: {what}."));
        }
    }
    reasons
}
