//! What agents have, what is kept for roles, what is held.

use super::ReserveError;
use rsk_proto::{AgentId, Demand, Resources, RoleName};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// All agents.
#[derive(Debug, Default)]
pub(super) struct Pool {
    agents: BTreeMap<AgentId, Agent>,
    /// Agents that are offered and have something free.
    open: BTreeSet<AgentId>,
    /// All that agents have, as far as it is known.
    total: Resources,
}

/// One agent.
///
/// A role uses up what is kept for it before what is free for all, so the two need not be told apart where they are held:
/// what a role holds beyond its reservation is taken from all.
#[derive(Debug, Default)]
pub(super) struct Agent {
    pub(super) total: Resources,
    pub(super) is_offered: bool,
    roles: BTreeMap<RoleName, Part>,
    /// What nobody holds and nothing keeps.
    free: Resources,
}

#[derive(Debug, Default)]
struct Part {
    reserved: Resources,
    held: Resources,
}

impl Agent {
    fn count(&mut self) {
        let taken = |part: &Part| part.reserved.checked_add(&part.held.saturating_sub(&part.reserved));
        let mut free = self.total.clone();
        for part in self.roles.values() {
            free = free.saturating_sub(&taken(part).unwrap_or_else(|| part.held.clone()));
        }
        self.free = free;
    }

    /// What a role could be offered.
    pub(super) fn free_for(&self, role: &RoleName) -> Cow<'_, Resources> {
        let reserved = self.roles.get(role).filter(|part| !part.reserved.is_empty());
        let kept = reserved.map(|part| part.reserved.saturating_sub(&part.held));
        match kept.and_then(|kept| self.free.checked_add(&kept)) {
            Some(free) => Cow::Owned(free),
            None => Cow::Borrowed(&self.free),
        }
    }

    /// Whether a part of it is kept for somebody.
    pub(super) fn has_reservations(&self) -> bool {
        self.roles.values().any(|part| !part.reserved.is_empty())
    }

    fn is_full(&self) -> bool {
        self.free.is_empty()
            && self.roles.values().all(|part| part.reserved.saturating_sub(&part.held).is_empty())
    }
}

impl Pool {
    /// All that agents have.
    pub(super) fn total(&self) -> &Resources {
        &self.total
    }

    pub(super) fn get(&self, agent: AgentId) -> Option<&Agent> {
        self.agents.get(&agent)
    }

    pub(super) fn agents(&self) -> impl Iterator<Item = (AgentId, &Agent)> {
        self.agents.iter().map(|(id, agent)| (*id, agent))
    }

    /// Agents that are offered and have something free, beginning after one of them.
    pub(super) fn open_after(&self, after: Option<AgentId>) -> Vec<AgentId> {
        let Some(after) = after else { return self.open.iter().copied().collect() };
        let behind = self.open.range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded));
        behind.chain(self.open.range(..=after)).copied().collect()
    }

    pub(super) fn is_open(&self, agent: AgentId) -> bool {
        self.open.contains(&agent)
    }

    /// Adds an agent or changes what it has.
    pub(super) fn set(&mut self, id: AgentId, total: Resources) {
        let agent = self.agents.entry(id).or_insert_with(|| Agent { is_offered: true, ..Agent::default() });
        // Ports of one number on two agents are two ports, so ports are left out of the sum.
        let countable = |all: &Resources| Resources { ports: rsk_proto::Ports::default(), ..all.clone() };
        let others = self.total.saturating_sub(&countable(&agent.total));
        self.total = others.checked_add(&countable(&total)).unwrap_or(others);
        agent.total = total;
        self.changed(id);
    }

    pub(super) fn remove(&mut self, id: AgentId) {
        self.set(id, Resources::default());
        self.agents.remove(&id);
        self.open.remove(&id);
    }

    /// What each role holds of an agent.
    pub(super) fn held_of(&self, id: AgentId) -> Vec<(RoleName, Resources)> {
        let roles = self.agents.get(&id).into_iter().flat_map(|agent| &agent.roles);
        roles.map(|(role, part)| (role.clone(), part.held.clone())).collect()
    }

    pub(super) fn set_offered(&mut self, id: AgentId, is_offered: bool) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.is_offered = is_offered;
            self.changed(id);
        }
    }

    /// Keeps a part for a role.
    pub(super) fn reserve(
        &mut self,
        id: AgentId,
        role: &RoleName,
        wanted: Resources,
    ) -> Result<(), ReserveError> {
        let none = Agent::default();
        let agent = self.agents.get(&id).unwrap_or(&none);
        let mut free = agent.total.clone();
        for (other, part) in &agent.roles {
            let kept = if other == role { &Resources::default() } else { &part.reserved };
            let beyond = if other == role { &wanted } else { &part.reserved };
            free = free.saturating_sub(kept).saturating_sub(&part.held.saturating_sub(beyond));
        }
        if !free.contains(&wanted) {
            return Err(ReserveError { agent: id, wanted, free });
        }
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.roles.entry(role.clone()).or_default().reserved = wanted;
            self.changed(id);
        }
        Ok(())
    }

    /// A role holds more of an agent. More than there is is held too, so that it is missed when it is given back.
    pub(super) fn hold(&mut self, id: AgentId, role: &RoleName, resources: &Resources) {
        if let Some(agent) = self.agents.get_mut(&id) {
            let part = agent.roles.entry(role.clone()).or_default();
            part.held = part.held.checked_add(resources).unwrap_or_else(|| part.held.clone());
            self.changed(id);
        }
    }

    /// A role holds less of an agent.
    pub(super) fn give_back(&mut self, id: AgentId, role: &RoleName, resources: &Resources) {
        if let Some(agent) = self.agents.get_mut(&id)
            && let Some(part) = agent.roles.get_mut(role)
        {
            part.held = part.held.saturating_sub(resources);
            if part.held.is_empty() && part.reserved.is_empty() {
                agent.roles.remove(role);
            }
            self.changed(id);
        }
    }

    /// Whether an agent that had nothing to do could give one shape.
    pub(super) fn could_give(&self, demand: &Demand) -> bool {
        let one = Demand { count: Some(1), ..demand.clone() };
        self.agents.values().any(|agent| one.part_of(&agent.total).is_some())
    }

    fn changed(&mut self, id: AgentId) {
        let Some(agent) = self.agents.get_mut(&id) else { return };
        agent.count();
        if agent.is_offered && !agent.is_full() {
            self.open.insert(id);
        } else {
            self.open.remove(&id);
        }
    }
}
