//! Who gets the next offer.
//!
//! Shape: the master tells what there is (agents, roles, frameworks), what they want and what they have; then
//! [`Allocator::allocate`] says what to offer, and counts it as held by whom it is offered to. Whatever is not held any
//! more is given back, offers and executors alike.

mod filters;
mod pool;
mod sorter;
pub(crate) mod quota;
mod drf;
mod reasons;
pub mod suite;
#[cfg(test)]
mod tests;

pub use drf::DrfAllocator;

use rsk_proto::{AgentId, Demand, FrameworkId, Resources, RoleName, Time};

/// Resources of an agent that a framework is to be offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who gets the offer.
    pub framework: FrameworkId,
    /// Whose resources.
    pub agent: AgentId,
    /// The resources.
    pub resources: Resources,
}

/// More was to be reserved than an agent has left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{agent} has no {wanted} to reserve: {free} is left of it")]
pub struct ReserveError {
    /// The agent.
    pub agent: AgentId,
    /// What was to be reserved.
    pub wanted: Box<Resources>,
    /// What could be.
    pub free: Box<Resources>,
}

/// Shares agents out. Pure: no clock, no I/O, the same calls give the same grants. [`suite::allocator`] defines it.
pub trait Allocator {
    /// There is an agent with these resources, or it has these from now on. It is offered.
    fn set_agent(&mut self, agent: AgentId, total: Resources);
    /// An agent is gone, with all that is held of it.
    fn remove_agent(&mut self, agent: AgentId);
    /// Whether an agent's free resources are offered.
    fn set_offered(&mut self, agent: AgentId, is_offered: bool);
    /// Keeps a part of an agent for a role, in place of what was kept for it before.
    fn reserve(&mut self, agent: AgentId, role: &RoleName, part: Resources) -> Result<(), ReserveError>;

    /// The same, whatever is held of it now: the agent itself says so.
    fn keep(&mut self, agent: AgentId, role: &RoleName, part: Resources);

    /// The most that a role may hold; amounts that are zero are not limited.
    fn set_quota(&mut self, role: &RoleName, limit: Option<Resources>);
    /// How much a role gets, compared to others, in thousandths.
    fn set_weight(&mut self, role: &RoleName, weight_milli: u32);
    /// Whether roles with a quota get nothing for now, because not all that they hold is known yet.
    fn hold_back_quota_roles(&mut self, is_held_back: bool);

    /// There is a framework, which wants nothing yet.
    fn add_framework(&mut self, framework: FrameworkId, role: RoleName);
    /// A framework is gone. What it holds stays held until it is given back.
    fn remove_framework(&mut self, framework: FrameworkId);
    /// What a framework could use beyond what it has bought, and how often: what it is granted from now on comes off.
    fn set_demand(&mut self, framework: FrameworkId, demand: Option<Demand>);
    /// Forgets what a framework refused.
    fn revive(&mut self, framework: FrameworkId);
    /// A framework refuses these resources of an agent, and whatever is less, until then.
    fn refuse(&mut self, framework: FrameworkId, agent: AgentId, resources: Resources, until: Time);

    /// A framework holds resources that it was not granted here: it had them before a restart.
    fn hold(&mut self, framework: FrameworkId, role: &RoleName, agent: AgentId, resources: &Resources);
    /// A framework holds these no more. `is_unused`: it never used them, and wants as much as before.
    fn give_back(&mut self, framework: FrameworkId, agent: AgentId, resources: &Resources, is_unused: bool);

    /// What to offer to whom: everything that somebody wants and may have.
    fn allocate(&mut self, now: Time) -> Vec<Grant>;
    /// When to allocate even if nothing is told in between: the first refusal ends.
    fn wake_at(&self) -> Option<Time>;

    /// What a role holds, offers included.
    fn held_by(&self, role: &RoleName) -> Resources;
    /// The largest part of any resource of the cluster that a role holds, in thousandths.
    fn share_milli(&self, role: &RoleName) -> u32;
    /// Why a framework that wants something gets nothing, in whole sentences.
    fn reasons(&self, framework: FrameworkId, now: Time) -> Vec<String>;
    /// The most that an agent which had nothing to do could give a role: by cpus, and then memory.
    fn largest(&self, role: &RoleName) -> Option<Resources>;
    /// Whether an agent that had nothing to do could give a role one shape of a demand.
    fn is_satisfiable(&self, role: &RoleName, demand: &Demand) -> bool;
}
