//! Dominant resource fairness over roles, and over the frameworks of each.

use super::{
    Allocator, Grant, ReserveError,
    filters::Filters,
    pool::Pool,
    quota,
    sorter::{self, Sorter},
};
use rsk_proto::{AgentId, Demand, FrameworkId, Resources, RoleName, Time};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

const WEIGHT_MILLI: u32 = 1000;

/// The role that has least, by its weight, gets the next offer, and in it the framework that has least. A framework is
/// offered no more than it could use, and what it could use several times over comes from several agents.
///
/// Cost: what changed is looked at and no more: an agent with something free is held against the frameworks, and a
/// framework that wants something against the agents with something free.
#[derive(Debug, Default)]
pub struct DrfAllocator {
    pub(super) pool: Pool,
    pub(super) roles: BTreeMap<RoleName, Role>,
    pub(super) frameworks: BTreeMap<FrameworkId, Framework>,
    pub(super) filters: Filters,
    pub(super) is_quota_held_back: bool,
    /// Roles with frameworks, by share.
    order: Sorter<RoleName>,
    /// The agent that was granted last: the next framework begins behind it.
    last: Option<AgentId>,
    /// What the cluster has has changed, and so have all shares.
    is_order_stale: bool,
    changed_agents: BTreeSet<AgentId>,
    changed_frameworks: BTreeSet<FrameworkId>,
}

#[derive(Debug)]
pub(super) struct Role {
    weight_milli: u32,
    pub(super) limit: Option<Resources>,
    pub(super) held: Resources,
    /// Its frameworks, by share.
    order: Sorter<FrameworkId>,
    frameworks: u32,
}

#[derive(Debug)]
pub(super) struct Framework {
    pub(super) role: RoleName,
    pub(super) demand: Option<Demand>,
    held: Resources,
    is_gone: bool,
}

impl Default for Role {
    fn default() -> Self {
        let (limit, held, order) = (None, Resources::default(), Sorter::default());
        Role { weight_milli: WEIGHT_MILLI, limit, held, order, frameworks: 0 }
    }
}

/// Sums of ports over agents mean nothing.
fn countable(resources: &Resources) -> Resources {
    Resources { ports: rsk_proto::Ports::default(), ..resources.clone() }
}

impl DrfAllocator {
    /// What a framework would be granted of an agent now, at most so many shapes.
    pub(super) fn part(&self, id: FrameworkId, agent: AgentId, shapes_max: Option<u32>) -> Option<Resources> {
        let framework = self.frameworks.get(&id)?;
        let wanted = framework.demand.as_ref()?;
        let role = self.roles.get(&framework.role)?;
        let mut free = self.pool.get(agent)?.free_for(&framework.role);
        if let Some(limit) = &role.limit {
            if self.is_quota_held_back {
                return None;
            }
            free = Cow::Owned(quota::within(limit, &role.held, &free));
        }
        let part = match shapes_max {
            None => wanted.part_of(&free),
            Some(max) => {
                Demand { count: Some(wanted.count.unwrap_or(max).min(max)), ..wanted.clone() }.part_of(&free)
            }
        };
        let part = part.filter(|part| !part.is_empty())?;
        (!self.filters.blocks(id, agent, &part)).then_some(part)
    }

    /// Frameworks, who has least first.
    fn in_order(&self) -> impl Iterator<Item = FrameworkId> {
        let roles = self.order.in_order().filter_map(|role| self.roles.get(role));
        roles.flat_map(|role| role.order.in_order()).copied()
    }

    /// Who gets the next part of an agent.
    fn next_of(&self, agent: AgentId) -> Option<(FrameworkId, Resources)> {
        self.in_order().find_map(|id| Some((id, self.part(id, agent, None)?)))
    }

    /// Grants a part of an agent to whoever has least and wants it, until nobody does.
    fn share_out(&mut self, agent: AgentId, grants: &mut Vec<Grant>) {
        while self.pool.is_open(agent)
            && let Some((framework, part)) = self.next_of(agent)
        {
            self.grant(framework, agent, part, grants);
        }
    }

    /// Grants a framework what it wants, spread over the agents that have something free.
    fn serve(&mut self, id: FrameworkId, grants: &mut Vec<Grant>) {
        let demand = self.frameworks.get(&id).and_then(|framework| framework.demand.as_ref());
        let Some(cpus) = demand.map(|demand| demand.shape.cpus_milli) else { return };
        let open = self.pool.open_after(self.last, cpus);
        let fitting: Vec<AgentId> =
            open.into_iter().filter(|agent| self.part(id, *agent, None).is_some()).collect();
        let count = self.frameworks.get(&id).and_then(|framework| framework.demand.as_ref()?.count);
        let agents = u32::try_from(fitting.len()).unwrap_or(u32::MAX).max(1);
        for shapes_max in [count.map(|count| count.div_ceil(agents)), None] {
            for agent in &fitting {
                if let Some(part) = self.part(id, *agent, shapes_max) {
                    self.grant(id, *agent, part, grants);
                }
            }
        }
    }

    fn grant(&mut self, id: FrameworkId, agent: AgentId, resources: Resources, grants: &mut Vec<Grant>) {
        if let Some(demand) = self.frameworks.get_mut(&id).and_then(|framework| framework.demand.as_mut()) {
            let shapes = Demand { count: None, ..demand.clone() }.shapes_in(&resources);
            demand.count = demand.count.map(|count| count.saturating_sub(shapes));
        }
        self.charge(id, agent, &resources);
        self.last = Some(agent);
        // Grants of one agent to one framework are one offer.
        match grants.iter_mut().rev().find(|grant| grant.framework == id && grant.agent == agent) {
            Some(grant) => {
                grant.resources =
                    grant.resources.checked_add(&resources).unwrap_or_else(|| grant.resources.clone());
            }
            None => grants.push(Grant { framework: id, agent, resources }),
        }
    }

    fn charge(&mut self, id: FrameworkId, agent: AgentId, resources: &Resources) {
        let Some(framework) = self.frameworks.get_mut(&id) else { return };
        let amounts = countable(resources);
        framework.held = framework.held.checked_add(&amounts).unwrap_or_else(|| framework.held.clone());
        let name = framework.role.clone();
        let role = self.roles.entry(name.clone()).or_default();
        role.held = role.held.checked_add(&amounts).unwrap_or_else(|| role.held.clone());
        self.pool.hold(agent, &name, resources);
        self.sort(id);
    }

    /// Puts a framework and its role where their shares belong.
    fn sort(&mut self, id: FrameworkId) {
        let Some(framework) = self.frameworks.get(&id) else { return };
        let total = self.pool.total();
        let Some(role) = self.roles.get_mut(&framework.role) else { return };
        if framework.is_gone {
            role.order.remove(&id);
        } else {
            role.order.set(&id, sorter::share(&framework.held, total, WEIGHT_MILLI));
        }
        if role.frameworks > 0 {
            self.order.set(&framework.role, sorter::share(&role.held, total, role.weight_milli));
        } else {
            self.order.remove(&framework.role);
        }
    }

    fn sort_role(&mut self, name: &RoleName) {
        if let Some(role) = self.roles.get(name).filter(|role| role.frameworks > 0) {
            self.order.set(name, sorter::share(&role.held, self.pool.total(), role.weight_milli));
        }
    }

    /// Frameworks of a role may get what they could not get before.
    fn role_changed(&mut self, name: &RoleName) {
        if let Some(role) = self.roles.get(name) {
            self.changed_frameworks.extend(role.order.in_order().copied());
        }
    }
}

impl Allocator for DrfAllocator {
    fn set_agent(&mut self, agent: AgentId, total: Resources) {
        self.pool.set(agent, total);
        self.is_order_stale = true;
        self.changed_agents.insert(agent);
    }

    fn remove_agent(&mut self, agent: AgentId) {
        for (name, held) in self.pool.held_of(agent) {
            if let Some(role) = self.roles.get_mut(&name) {
                role.held = role.held.saturating_sub(&held);
            }
            self.role_changed(&name);
        }
        self.pool.remove(agent);
        self.filters.forget_agent(agent);
        self.is_order_stale = true;
    }

    fn set_offered(&mut self, agent: AgentId, is_offered: bool) {
        self.pool.set_offered(agent, is_offered);
        self.changed_agents.insert(agent);
    }

    fn reserve(&mut self, agent: AgentId, role: &RoleName, part: Resources) -> Result<(), ReserveError> {
        self.pool.reserve(agent, role, part)?;
        self.changed_agents.insert(agent);
        Ok(())
    }

    fn keep(&mut self, agent: AgentId, role: &RoleName, part: Resources) {
        self.pool.keep(agent, role, part);
        self.changed_agents.insert(agent);
    }

    fn set_quota(&mut self, role: &RoleName, limit: Option<Resources>) {
        self.roles.entry(role.clone()).or_default().limit = limit;
        self.role_changed(role);
    }

    fn set_weight(&mut self, role: &RoleName, weight_milli: u32) {
        self.roles.entry(role.clone()).or_default().weight_milli = weight_milli;
        self.sort_role(role);
    }

    fn hold_back_quota_roles(&mut self, is_held_back: bool) {
        self.is_quota_held_back = is_held_back;
        let limited = self.roles.values().filter(|role| role.limit.is_some());
        self.changed_frameworks.extend(limited.flat_map(|role| role.order.in_order().copied()));
    }

    fn add_framework(&mut self, id: FrameworkId, role: RoleName) {
        self.roles.entry(role.clone()).or_default().frameworks += 1;
        let held = Resources::default();
        self.frameworks.insert(id, Framework { role, demand: None, held, is_gone: false });
        self.sort(id);
    }

    fn remove_framework(&mut self, id: FrameworkId) {
        self.filters.forget_framework(id);
        self.changed_frameworks.remove(&id);
        let Some(framework) = self.frameworks.get_mut(&id).filter(|framework| !framework.is_gone) else {
            return;
        };
        framework.is_gone = true;
        framework.demand = None;
        if let Some(role) = self.roles.get_mut(&framework.role) {
            role.frameworks -= 1;
        }
        let is_empty = framework.held.is_empty();
        self.sort(id);
        if is_empty {
            self.frameworks.remove(&id);
        }
    }

    fn set_demand(&mut self, id: FrameworkId, demand: Option<Demand>) {
        if let Some(framework) = self.frameworks.get_mut(&id).filter(|framework| !framework.is_gone) {
            framework.demand = demand;
            self.changed_frameworks.insert(id);
        }
    }

    fn revive(&mut self, framework: FrameworkId) {
        self.filters.forget_framework(framework);
        self.changed_frameworks.insert(framework);
    }

    fn refuse(&mut self, framework: FrameworkId, agent: AgentId, resources: Resources, until: Time) {
        if self.pool.get(agent).is_some() && self.frameworks.contains_key(&framework) {
            self.filters.refuse(framework, agent, resources, until);
        }
    }

    fn hold(&mut self, id: FrameworkId, role: &RoleName, agent: AgentId, resources: &Resources) {
        let held = Resources::default();
        let of_nobody = || Framework { role: role.clone(), demand: None, held, is_gone: true };
        self.frameworks.entry(id).or_insert_with(of_nobody);
        self.charge(id, agent, resources);
    }

    fn give_back(&mut self, id: FrameworkId, agent: AgentId, resources: &Resources, is_unused: bool) {
        let Some(framework) = self.frameworks.get_mut(&id) else { return };
        let amounts = countable(resources);
        framework.held = framework.held.saturating_sub(&amounts);
        if let Some(demand) = framework.demand.as_mut().filter(|_| is_unused) {
            let shapes = Demand { count: None, ..demand.clone() }.shapes_in(resources);
            demand.count = demand.count.map(|count| count.saturating_add(shapes));
        }
        let name = framework.role.clone();
        let is_over = framework.is_gone && framework.held.is_empty();
        // The sum of a role that an agent took with it is less already.
        if self.pool.get(agent).is_some() {
            if let Some(role) = self.roles.get_mut(&name) {
                role.held = role.held.saturating_sub(&amounts);
                if role.limit.is_some() {
                    self.role_changed(&name);
                }
            }
            self.pool.give_back(agent, &name, resources);
            self.changed_agents.insert(agent);
        }
        if is_unused {
            self.changed_frameworks.insert(id);
        }
        self.sort(id);
        if is_over {
            self.frameworks.remove(&id);
        }
    }

    fn allocate(&mut self, now: Time) -> Vec<Grant> {
        if std::mem::take(&mut self.is_order_stale) {
            for id in self.frameworks.keys().copied().collect::<Vec<_>>() {
                self.sort(id);
            }
        }
        for (framework, _) in self.filters.ended(now) {
            self.changed_frameworks.insert(framework);
        }
        let mut grants = Vec::new();
        for agent in std::mem::take(&mut self.changed_agents) {
            self.share_out(agent, &mut grants);
        }
        let mut waiting = std::mem::take(&mut self.changed_frameworks);
        // Who has least is served first, again after each.
        loop {
            let next = self.in_order().find(|id| waiting.contains(id));
            let Some(next) = next.filter(|next| waiting.remove(next)) else { break };
            self.serve(next, &mut grants);
        }
        grants
    }

    fn wake_at(&self) -> Option<Time> {
        self.filters.first_end()
    }

    fn held_by(&self, role: &RoleName) -> Resources {
        self.roles.get(role).map(|role| role.held.clone()).unwrap_or_default()
    }

    fn share_milli(&self, role: &RoleName) -> u32 {
        let share = sorter::share(&self.held_by(role), self.pool.total(), WEIGHT_MILLI) / 1_000_000;
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    fn reasons(&self, framework: FrameworkId, _now: Time) -> Vec<String> {
        super::reasons::reasons(self, framework)
    }

    fn largest(&self, role: &RoleName) -> Option<Resources> {
        let agents = self.pool.agents().map(|(_, agent)| agent.most_for(role));
        let largest = agents.max_by_key(|most| (most.cpus_milli, most.memory_bytes));
        largest.map(Cow::into_owned)
    }

    fn is_satisfiable(&self, role: &RoleName, demand: &Demand) -> bool {
        let one = Demand { count: Some(1), ..demand.clone() };
        self.pool.agents().any(|(_, agent)| one.part_of(&agent.most_for(role)).is_some())
    }
}
