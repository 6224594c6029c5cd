//! What an agent is to start, what becomes of it.

use super::{AgentId, BlobHash, DriverId, FrameworkEpoch, FrameworkId, Resources, RoleName};
use crate::{Cause, ExecutorId};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// An executor as its framework orders it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct ExecutorSpec {
    /// The framework it belongs to.
    pub framework: FrameworkId,
    /// Which subscription of the framework ordered it.
    pub epoch: FrameworkEpoch,
    /// Chosen by the framework; never used twice in it.
    pub executor: ExecutorId,
    /// The role that pays.
    pub role: RoleName,
    /// What it uses of the offers that it is bought with.
    pub resources: Resources,
    /// Room for so many tasks at a time.
    pub slots: u32,
    /// What to start.
    pub program: BlobHash,
    /// Files to lay into its sandbox, named by where they go in it.
    #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::named()"))]
    pub files: BTreeMap<String, BlobHash>,
    /// The program's arguments.
    #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))]
    pub arguments: Vec<String>,
    /// Variables beside those that the agent sets.
    #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::named()"))]
    pub environment: BTreeMap<String, String>,
    /// What the program is to be.
    pub part: Part,
}

impl ExecutorSpec {
    /// Its name in the whole cluster.
    pub fn key(&self) -> ExecutorKey {
        ExecutorKey { framework: self.framework, executor: self.executor }
    }
}

/// What a started program is to be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub enum Part {
    /// It runs tasks of the driver that it dials.
    Executor {
        /// Where the driver listens, `host:port`.
        driver: String,
        /// What proves to the driver that it was ordered.
        token: String,
    },
    /// It is a driver itself, which the cluster runs for who submitted it.
    Driver {
        /// Its name, over all restarts.
        driver: DriverId,
    },
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The token is a secret, and logs are not.
            Part::Executor { driver, .. } => write!(f, "Executor of the driver at {driver}"),
            Part::Driver { driver } => write!(f, "Driver {driver}"),
        }
    }
}

/// Where an executor is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub enum ExecutorState {
    /// Ordered; its process does not run yet.
    Starting,
    /// Its process runs.
    Running,
    /// It was told to end.
    Ending,
    /// Its process is gone.
    Ended(ExecutorEnd),
}

impl ExecutorState {
    /// Whether its process is gone.
    pub fn has_ended(&self) -> bool {
        matches!(self, ExecutorState::Ended(_))
    }
}

/// How an executor ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub enum ExecutorEnd {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal that nobody of ours sent.
    Signalled(i32),
    /// As it was told to.
    Killed,
    /// It used more memory than it had.
    OutOfMemory {
        /// What it had, in bytes.
        limit_bytes: u64,
        /// The most it used, in bytes, where that is known.
        peak_bytes: u64,
    },
    /// It never ran.
    LaunchFailed(Cause),
    /// The order never reached the agent; ordering another is safe.
    Dropped,
    /// Its agent is gone, and it with it, or it will be told to end when the agent is back.
    AgentLost,
    /// It is gone, and how is not known: its agent had been started again meanwhile, and was not its parent any
    /// more, or not there.
    Unseen,
}

impl fmt::Display for ExecutorEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExecutorEnd::Exited(code) => write!(f, "exited with {code}"),
            ExecutorEnd::Signalled(signal) => write!(f, "ended by signal {signal}"),
            ExecutorEnd::Killed => f.write_str("killed as asked"),
            ExecutorEnd::OutOfMemory { limit_bytes, peak_bytes } => {
                let (limit, peak) = (crate::ByteSize(*limit_bytes), crate::ByteSize(*peak_bytes));
                write!(f, "used {peak} of memory where it had {limit}: give it more")
            }
            ExecutorEnd::LaunchFailed(cause) => {
                f.write_str("could not be started")?;
                cause.chain().try_for_each(|why| write!(f, ": {why}"))
            }
            ExecutorEnd::Dropped => f.write_str("never reached its agent"),
            ExecutorEnd::AgentLost => f.write_str("lost with its agent"),
            ExecutorEnd::Unseen => {
                f.write_str("ended unseen: its agent had been started again, so its exit code is lost")
            }
        }
    }
}

/// Names an executor in the whole cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct ExecutorKey {
    /// The framework.
    pub framework: FrameworkId,
    /// The executor in it.
    pub executor: ExecutorId,
}

impl fmt::Display for ExecutorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.executor, self.framework)
    }
}

/// An executor as its agent knows it, told when the agent registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct ExecutorReport {
    /// Its name.
    pub key: ExecutorKey,
    /// The role that pays.
    pub role: RoleName,
    /// What it uses.
    pub resources: Resources,
    /// Room for so many tasks at a time.
    pub slots: u32,
    /// Which driver it is, if it is one.
    pub driver: Option<DriverId>,
    /// Where it is on its way. One that has ended is told until the master acknowledges it.
    pub state: ExecutorState,
}

/// An executor that a driver believes to be there, told when it subscribes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct ExecutorClaim {
    /// The executor.
    pub executor: ExecutorId,
    /// The agent it was ordered from.
    pub agent: AgentId,
}
