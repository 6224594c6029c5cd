//! What agents have, what is kept for roles, what is held.

use super::ReserveError;
use rsk_proto::{AgentId, Resources, RoleName};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// All agents.
#[derive(Debug, Default)]
pub(super) struct Pool {
    agents: BTreeMap<AgentId, Agent>,
    /// Agents that are offered and have something free, by their free cpus, what is kept for any role included.
    open: BTreeSet<(u64, AgentId)>,
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
    /// What nobody holds. Less than is kept where others held it before.
    unheld: Resources,
    /// Where it is in the index, if it is.
    open_at: Option<u64>,
}

#[derive(Debug, Default)]
struct Part {
    reserved: Resources,
    held: Resources,
}

impl Agent {
    fn count(&mut self) {
        let taken = |part: &Part| part.reserved.checked_add(&part.held.saturating_sub(&part.reserved));
        self.free.clone_from(&self.total);
        self.unheld.clone_from(&self.total);
        for part in self.roles.values() {
            self.free = self.free.saturating_sub(&taken(part).unwrap_or_else(|| part.held.clone()));
            self.unheld = self.unheld.saturating_sub(&part.held);
        }
    }

    /// What a role could be offered.
    pub(super) fn free_for(&self, role: &RoleName) -> Cow<'_, Resources> {
        let reserved = self.roles.get(role).filter(|part| !part.reserved.is_empty());
        let kept = reserved.map(|part| part.reserved.saturating_sub(&part.held));
        match kept.and_then(|kept| self.free.checked_add(&kept)) {
            Some(free) => Cow::Owned(free.saturating_sub(&free.saturating_sub(&self.unheld))),
            None => Cow::Borrowed(&self.free),
        }
    }

    /// What a role could be offered if nobody held anything.
    pub(super) fn most_for(&self, role: &RoleName) -> Cow<'_, Resources> {
        let others = self.roles.iter().filter(|(other, part)| *other != role && !part.reserved.is_empty());
        others.fold(Cow::Borrowed(&self.total), |most, (_, part)| {
            Cow::Owned(most.saturating_sub(&part.reserved))
        })
    }

    /// Whether a part of it is kept for somebody.
    pub(super) fn has_reservations(&self) -> bool {
        self.roles.values().any(|part| !part.reserved.is_empty())
    }

    /// Its free cpus, for whomever they are; nothing if nothing is free.
    fn free_cpus(&self) -> Option<u64> {
        let mut is_full = self.free.is_empty();
        let mut cpus = self.free.cpus_milli;
        for part in self.roles.values() {
            let kept = part.reserved.saturating_sub(&part.held);
            is_full &= kept.is_empty();
            cpus = cpus.saturating_add(kept.cpus_milli);
        }
        (!is_full).then_some(cpus)
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

    /// Agents that are offered and have so many cpus free, beginning after one of them.
    pub(super) fn open_after(&self, after: Option<AgentId>, cpus_milli: u64) -> Vec<AgentId> {
        let open = self.open.range((cpus_milli, AgentId::from_u64(0))..);
        let mut open: Vec<_> = open.map(|(_, agent)| *agent).collect();
        open.sort_unstable();
        let first = open.partition_point(|agent| Some(*agent) <= after);
        open.rotate_left(first);
        open
    }

    pub(super) fn is_open(&self, agent: AgentId) -> bool {
        self.agents.get(&agent).is_some_and(|agent| agent.open_at.is_some())
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
        self.set_offered(id, false);
        self.set(id, Resources::default());
        self.agents.remove(&id);
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
            return Err(ReserveError { agent: id, wanted: Box::new(wanted), free: Box::new(free) });
        }
        self.keep(id, role, wanted);
        Ok(())
    }

    /// Keeps a part for a role, whatever is held of it.
    pub(super) fn keep(&mut self, id: AgentId, role: &RoleName, part: Resources) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.roles.entry(role.clone()).or_default().reserved = part;
            agent.roles.retain(|_, part| !part.held.is_empty() || !part.reserved.is_empty());
            self.changed(id);
        }
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

    fn changed(&mut self, id: AgentId) {
        let Some(agent) = self.agents.get_mut(&id) else { return };
        agent.count();
        let open_at = agent.free_cpus().filter(|_| agent.is_offered);
        let before = std::mem::replace(&mut agent.open_at, open_at);
        if before != open_at {
            before.map(|cpus| self.open.remove(&(cpus, id)));
            open_at.map(|cpus| self.open.insert((cpus, id)));
        }
    }
}
