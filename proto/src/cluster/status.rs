//! The cluster as people see it: what `/state` answers, and tables and web pages show.
//!
//! Units: moments are milliseconds since 1970; resources are strings in the form that [`super::Resources`] parses from.
//! Fields are only ever added.

use super::{
    AgentId, Attributes, Demand, DriverId, ExecutorKey, FrameworkEpoch, FrameworkId, OfferId, Resources,
    RoleName,
};
use serde::{Deserialize, Serialize};

/// The whole cluster at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// The master.
    pub master: MasterStatus,
    /// Agents, by id.
    pub agents: Vec<AgentStatus>,
    /// Frameworks that have not ended, by id.
    pub frameworks: Vec<FrameworkStatus>,
    /// Frameworks that have, the last first, as far as they are remembered.
    pub ended: Vec<FrameworkStatus>,
    /// Roles that have frameworks, a quota, a weight or a reservation, by name.
    pub roles: Vec<RoleStatus>,
    /// Offers that stand, by id.
    pub offers: Vec<OfferStatus>,
    /// Executors that have not ended, by framework and number.
    pub executors: Vec<ExecutorStatus>,
    /// Drivers that the cluster runs, by id.
    pub drivers: Vec<DriverStatus>,
}

/// The master of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MasterStatus {
    /// Where it listens.
    pub address: String,
    /// Its build.
    pub build: String,
    /// The version of its messages.
    pub version: u32,
    /// How often it had been started with its registry.
    pub term: u32,
    /// When it was started.
    pub started_at: u64,
    /// When this was.
    pub now: u64,
    /// Agents that are still expected after a restart; roles with a quota get no offers until enough are back.
    pub agents_expected: u32,
}

/// What of an amount is used, and how.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct UseStatus {
    /// All.
    pub total: Resources,
    /// Bought by executors.
    pub used: Resources,
    /// Offered, and not answered yet.
    pub offered: Resources,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Its name.
    pub id: AgentId,
    /// Its host.
    pub host: String,
    /// Where it serves files.
    pub address: String,
    /// What it says of itself.
    pub attributes: Attributes,
    /// What programs it can run.
    pub platform: String,
    /// Where it is on its way.
    pub state: AgentState,
    /// Its resources.
    pub resources: UseStatus,
    /// What is kept for roles.
    pub reserved: Vec<ReservedStatus>,
    /// When it registered last.
    pub registered_at: u64,
}

/// Where an agent is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// There, and offered.
    Active,
    /// Not offered: an operator asked for that; its executors go on or are ending.
    Draining,
    /// Not offered, and no executor is left.
    Drained,
    /// Known of from before the master's restart, and not back yet; or its stream has just ended.
    Expected,
    /// Silent for too long.
    Lost,
}

/// A part of an agent that is kept for a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReservedStatus {
    /// The role.
    pub role: RoleName,
    /// The part.
    pub resources: Resources,
    /// What of it the agent itself keeps: only its own settings can change that.
    #[serde(default)]
    pub by_agent: Resources,
}

/// A framework.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameworkStatus {
    /// Its id.
    pub id: FrameworkId,
    /// Its name, for people.
    pub name: String,
    /// Who started it.
    pub user: String,
    /// The driver's host.
    pub host: String,
    /// The role that pays.
    pub role: RoleName,
    /// Where the driver answers those who ask about tasks.
    pub address: String,
    /// Where its web pages are.
    pub web: Option<String>,
    /// How often its driver subscribed.
    pub epoch: FrameworkEpoch,
    /// Where it is on its way.
    pub state: FrameworkState,
    /// What it uses.
    pub used: Resources,
    /// What it is offered.
    pub offered: Resources,
    /// When it subscribed first.
    pub started_at: u64,
    /// When it ended.
    pub ended_at: Option<u64>,
    /// Why it waits, if it does.
    pub waiting: WaitingStatus,
}

/// Where a framework is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameworkState {
    /// Its driver is there.
    Active,
    /// Its driver is there, and wants nothing.
    Idle,
    /// Its driver is gone; it has until then to be back.
    Disconnected {
        /// When the framework ends otherwise.
        ends_at: u64,
    },
    /// It ended as it should.
    Succeeded {
        /// What it says.
        summary: String,
    },
    /// It did not.
    Failed {
        /// Why.
        why: String,
    },
}

/// Why a job waits: what it asked for, what it was offered, who refused what and why.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WaitingStatus {
    /// What it could use; nothing when it wants nothing.
    pub demand: Option<Demand>,
    /// What keeps it from offers now, in whole sentences.
    pub reasons: Vec<String>,
    /// The last offers, the newest first, and what became of them.
    pub offers: Vec<PastOffer>,
}

/// An offer and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastOffer {
    /// The offer.
    pub id: OfferId,
    /// Whose resources they were.
    pub agent: AgentId,
    /// The agent's host.
    pub host: String,
    /// The resources.
    pub resources: Resources,
    /// When it was made.
    pub made_at: u64,
    /// What became of it.
    pub answer: OfferAnswer,
}

/// What became of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferAnswer {
    /// It stands.
    Standing,
    /// It bought so many executors.
    Accepted {
        /// How many.
        executors: u32,
    },
    /// It was refused.
    Declined {
        /// Why.
        why: String,
    },
    /// It was not answered in time.
    Expired,
    /// The master took it back.
    Rescinded,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleStatus {
    /// Its name.
    pub name: RoleName,
    /// How much it is to get, compared to others, in thousandths.
    pub weight_milli: u32,
    /// The most that it may use; amounts that are zero are not limited.
    pub quota: Option<Resources>,
    /// What it uses.
    pub used: Resources,
    /// What it is offered.
    pub offered: Resources,
    /// What is kept for it.
    pub reserved: Resources,
    /// The largest share of any resource of the cluster that it has, in thousandths.
    pub share_milli: u32,
    /// How many frameworks it has.
    pub frameworks: u32,
}

/// An offer that stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfferStatus {
    /// The offer.
    pub id: OfferId,
    /// To whom.
    pub framework: FrameworkId,
    /// Whose resources.
    pub agent: AgentId,
    /// The resources.
    pub resources: Resources,
    /// When it was made.
    pub made_at: u64,
}

/// An executor that has not ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutorStatus {
    /// Its name.
    pub key: ExecutorKey,
    /// Its agent.
    pub agent: AgentId,
    /// What it uses.
    pub resources: Resources,
    /// Room for so many tasks.
    pub slots: u32,
    /// Where it is on its way: `starting`, `running` or `ending`.
    pub state: String,
    /// When it was ordered.
    pub started_at: u64,
}

/// A driver that the cluster runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverStatus {
    /// Its id.
    pub id: DriverId,
    /// Its name, for people.
    pub name: String,
    /// Who submitted it.
    pub user: String,
    /// Where it is on its way.
    pub state: DriverState,
    /// How often it was started.
    pub starts: u32,
    /// The framework that it is, once it has subscribed.
    pub framework: Option<FrameworkId>,
    /// The executor that runs it, whose logs are its output.
    pub executor: Option<ExecutorKey>,
    /// The agent that runs it, or ran it last.
    pub agent: Option<AgentId>,
    /// When it was submitted.
    pub submitted_at: u64,
}

/// Where a driver that the cluster runs is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriverState {
    /// No agent has had room for it yet.
    Waiting {
        /// Why, in a sentence.
        why: String,
    },
    /// Its process runs, or is being started.
    Running,
    /// It has ended, and is not started again.
    Ended {
        /// Its exit code, if it ended by itself.
        code: Option<i32>,
        /// How it ended, for people.
        how: String,
    },
}

/// What a driver answers to `GET /tasks`. Its numbers are those of its own log: `stage-3`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TasksStatus {
    /// The stages that have tasks to do, the earliest first.
    pub stages: Vec<StageStatus>,
    /// The tasks that run, or wait at an executor.
    pub running: Vec<TaskStatus>,
    /// Executors and hosts that get none, because tasks failed there.
    #[serde(default)]
    pub excluded: Vec<ExclusionStatus>,
}

/// An executor or a host that gets no tasks, because some failed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExclusionStatus {
    /// The stage that does without it; nothing where the whole application does.
    pub stage: Option<u64>,
    /// The executor, if it is one.
    pub executor: Option<u64>,
    /// The host, if it is all of one.
    pub host: Option<String>,
    /// Why, in a sentence.
    pub why: String,
}

/// One stage that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageStatus {
    /// Its number.
    pub stage: u64,
    /// What it does.
    pub name: String,
    /// Its tasks.
    pub tasks: u64,
    /// Those that are done.
    pub done: u64,
    /// Those that run.
    pub running: u64,
    /// Milliseconds since it began.
    pub age_ms: u64,
}

/// One task that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskStatus {
    /// Its number.
    pub task: u64,
    /// Its stage.
    pub stage: u64,
    /// Its partition.
    pub partition: u32,
    /// How many tries failed before.
    pub attempt: u32,
    /// The executor it was sent to.
    pub executor: u64,
    /// Milliseconds since then.
    pub age_ms: u64,
}
