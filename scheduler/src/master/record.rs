//! What a master must know again after a restart.

use rsk_proto::{
    AgentFacts, AgentId, DriverId, DriverSpec, FrameworkEpoch, FrameworkFacts, FrameworkId, Incarnation,
    Resources, RoleName, status::DriverState,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// All that is durable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// The registry's own number, random, made with it.
    pub registry: u32,
    /// How often a master was started with it, this start included.
    pub term: u32,
    /// Names given out so far.
    pub counters: Counters,
    /// Agents that have not been removed.
    pub agents: BTreeMap<AgentId, AgentRecord>,
    /// Frameworks that have not ended.
    pub frameworks: BTreeMap<FrameworkId, FrameworkRecord>,
    /// What was set of roles.
    pub roles: BTreeMap<RoleName, RoleRecord>,
    /// Submitted drivers that are remembered.
    pub drivers: BTreeMap<DriverId, DriverRecord>,
}

/// The greatest number of each kind of name that was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Agents.
    pub agents: u32,
    /// Frameworks.
    pub frameworks: u32,
    /// Drivers.
    pub drivers: u32,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRecord {
    /// What it said of itself last.
    pub facts: AgentFacts,
    /// Its last start.
    pub incarnation: Incarnation,
    /// What is kept for roles beyond what the agent itself keeps.
    pub reserved: BTreeMap<RoleName, Resources>,
    /// Whether it is being drained, or is, and how long executors may go on there.
    pub drain: Option<Drain>,
    /// When it was given up, in milliseconds since 1970, if it has not been back since: what it still runs is not to be
    /// adopted, because its frameworks were told that it is lost.
    #[serde(default)]
    pub lost_at: Option<u64>,
}

impl AgentRecord {
    /// The roles that something is kept for.
    pub(super) fn roles_kept_for(&self) -> BTreeSet<&RoleName> {
        self.facts.reserved.keys().chain(self.reserved.keys()).collect()
    }

    /// What is kept for a role, by the agent's own word or an operator's.
    pub(super) fn kept_for(&self, role: &RoleName) -> Resources {
        let [own, more] = [&self.facts.reserved, &self.reserved].map(|kept| kept.get(role).cloned());
        let own = own.unwrap_or_default();
        more.and_then(|more| own.checked_add(&more)).unwrap_or(own)
    }
}

/// How an agent is drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// How long executors may go on; `None`: as long as they like.
    pub grace: Option<Duration>,
}

/// A framework.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameworkRecord {
    /// What it said of itself last.
    pub facts: FrameworkFacts,
    /// Its last subscription.
    pub epoch: FrameworkEpoch,
    /// The last subscription that its driver is known to have heard of: it said so when it subscribed again.
    #[serde(default)]
    pub heard: FrameworkEpoch,
    /// When it subscribed first, in milliseconds since 1970.
    pub started_at: u64,
}

/// What was set of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRecord {
    /// The most it may use.
    pub limit: Option<Resources>,
    /// How much it gets, compared to others, in thousandths.
    pub weight_milli: u32,
}

impl Default for RoleRecord {
    fn default() -> Self {
        RoleRecord { limit: None, weight_milli: 1000 }
    }
}

/// A submitted driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverRecord {
    /// What to run.
    pub spec: DriverSpec,
    /// The framework that agents know it by: it has a sandbox as any executor has.
    pub framework: FrameworkId,
    /// How often it was started; its executor has this number.
    pub starts: u32,
    /// Where it is on its way.
    pub state: DriverState,
    /// Where it runs, or ran last.
    pub agent: Option<AgentId>,
    /// When it was submitted, in milliseconds since 1970.
    pub submitted_at: u64,
}

/// One change of what is durable. It is on disk before anything that follows it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Names were given out.
    Counters(Counters),
    /// An agent is as this, or gone.
    Agent(AgentId, Option<AgentRecord>),
    /// A framework is as this, or has ended.
    Framework(FrameworkId, Option<FrameworkRecord>),
    /// A role is as this.
    Role(RoleName, RoleRecord),
    /// A driver is as this, or forgotten.
    Driver(DriverId, Option<DriverRecord>),
}

impl Recovered {
    /// Folds one change in.
    pub fn apply(&mut self, change: Change) {
        fn set<K: Ord, V>(all: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
            match value {
                Some(value) => drop(all.insert(key, value)),
                None => drop(all.remove(&key)),
            }
        }
        match change {
            Change::Counters(counters) => self.counters = counters,
            Change::Agent(id, record) => set(&mut self.agents, id, record),
            Change::Framework(id, record) => set(&mut self.frameworks, id, record),
            Change::Role(name, record) => set(&mut self.roles, name, Some(record)),
            Change::Driver(id, record) => set(&mut self.drivers, id, record),
        }
    }
}
