//! What an agent and the master say to each other.
//!
//! Shape: the agent dials and says [`AgentToMaster::Register`]; the master answers [`MasterToAgent::Registered`] or
//! [`MasterToAgent::Refused`]; the agent keeps its name in its work folder and says [`AgentToMaster::Heartbeat`] at once,
//! and only then is it offered; then heartbeats go both ways, with orders in between. A stream that ends, or a side that
//! is silent for too long, is dialled again by the agent.

use super::{
    AgentId, Attributes, ExecutorEnd, ExecutorKey, ExecutorReport, ExecutorSpec, FrameworkId, Hello,
    Incarnation, Refusal, Resources, RoleName,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// What an agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct AgentFacts {
    /// Its host, by the name that others reach it with.
    pub host: String,
    /// Where it serves shuffle files and logs, `host:port`.
    pub address: String,
    /// What it has.
    pub resources: Resources,
    /// What of it is kept for roles, by the agent's own word.
    #[serde(default)]
    #[cfg_attr(
        test,
        proptest(strategy = "proptest::collection::btree_map(proptest::prelude::any::<RoleName>(), \
        proptest::prelude::any::<Resources>(), 0..3)")
    )]
    pub reserved: BTreeMap<RoleName, Resources>,
    /// What it says of itself.
    pub attributes: Attributes,
    /// Architecture, system and C library: what programs it can run.
    pub platform: String,
}

/// What an agent says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub enum AgentToMaster {
    /// The first message.
    Register {
        /// Its version.
        hello: Hello,
        /// The name that a master gave it, kept in its work folder.
        id: Option<AgentId>,
        /// Which start of it this is.
        incarnation: Incarnation,
        /// What it is.
        facts: Box<AgentFacts>,
        /// All executors whose end no master has acknowledged.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))]
        executors: Vec<ExecutorReport>,
        /// All frameworks of which there are files in its work folder.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))]
        frameworks: Vec<FrameworkId>,
    },
    /// It is there.
    Heartbeat,
    /// An executor's process runs.
    ExecutorRuns(ExecutorKey),
    /// An executor's process is gone. Said again until it is acknowledged.
    ExecutorEnded {
        /// The executor.
        key: ExecutorKey,
        /// How.
        end: ExecutorEnd,
    },
    /// No file of a framework that has ended is left.
    Cleaned(FrameworkId),
    /// It stops on purpose: its executors have ended and it will not be back soon.
    Leaving,
}

/// What the master says to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub enum MasterToAgent {
    /// The answer to [`AgentToMaster::Register`]. Orders to kill or clean what should not be there follow.
    Registered {
        /// The master's version.
        hello: Hello,
        /// The agent's name from now on.
        id: AgentId,
        /// How often each side says that it is there.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::durations()"))]
        heartbeat_every: Duration,
        /// How long a side may be silent before the other takes it for gone.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::durations()"))]
        lost_after: Duration,
    },
    /// The agent is not taken; the stream ends.
    Refused(Refusal),
    /// The master is there.
    Heartbeat,
    /// Start an executor. Said twice for one executor, the second is ignored.
    Launch(Box<ExecutorSpec>),
    /// End an executor. For one that is not there, say [`ExecutorEnd::Dropped`].
    Kill {
        /// The executor.
        key: ExecutorKey,
        /// How long it may take to end by itself.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::durations()"))]
        grace: Duration,
    },
    /// The end of an executor is known: it need not be told again.
    Acknowledge(ExecutorKey),
    /// A framework has ended: end its executors, delete its files, then say [`AgentToMaster::Cleaned`].
    End(FrameworkId),
}
