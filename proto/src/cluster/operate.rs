//! What people ask of a master.

use super::{AgentId, BlobHash, DriverId, FrameworkId, Refusal, Resources, RoleName};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// A driver that the cluster is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct DriverSpec {
    /// For people.
    pub name: String,
    /// Who submitted it.
    pub user: String,
    /// The role that pays.
    pub role: RoleName,
    /// What the driver itself uses.
    pub resources: Resources,
    /// What to start; the master has it.
    pub program: BlobHash,
    /// Files to lay beside it, named by where they go.
    #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::named()"))]
    pub files: BTreeMap<String, BlobHash>,
    /// The program's arguments.
    #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))]
    pub arguments: Vec<String>,
    /// Variables for it.
    #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::named()"))]
    pub environment: BTreeMap<String, String>,
    /// Whether it is started again when it ends with an error or its agent is lost.
    pub supervise: bool,
}

impl DriverSpec {
    /// What it is started with: its program and its files.
    pub fn blobs(&self) -> impl Iterator<Item = BlobHash> {
        std::iter::once(self.program).chain(self.files.values().copied())
    }
}

/// What people ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub enum OperatorRequest {
    /// End a framework, and all of it.
    Kill(FrameworkId),
    /// Offer no more of an agent; end what runs there after a grace.
    Drain {
        /// The agent.
        agent: AgentId,
        /// How long executors may go on; `None`: as long as they like.
        #[cfg_attr(test, proptest(strategy = "proptest::option::of(crate::cluster::sample::durations())"))]
        grace: Option<Duration>,
    },
    /// Offer a drained agent again.
    Reactivate(AgentId),
    /// Forget an agent that will not be back.
    Remove(AgentId),
    /// The most that a role may use; `None`: no limit.
    SetQuota {
        /// The role.
        role: RoleName,
        /// The limit. Amounts that are zero in it are not limited.
        limit: Option<Resources>,
        /// Set it even below what the role uses now.
        force: bool,
    },
    /// How much a role is to get, compared to others, whose weight is 1000.
    SetWeight {
        /// The role.
        role: RoleName,
        /// Thousandths, at least 1.
        weight_milli: u32,
    },
    /// Keep a part of an agent for a role, in place of what was kept before; nothing gives it back to all.
    Reserve {
        /// The agent.
        agent: AgentId,
        /// The role.
        role: RoleName,
        /// What to keep.
        resources: Resources,
    },
    /// Run a driver.
    Submit(Box<DriverSpec>),
    /// End a driver, for good.
    KillDriver(DriverId),
}

/// What the master answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub enum OperatorReply {
    /// It is done, or going on.
    Done,
    /// The driver that will be run.
    Submitted(DriverId),
    /// It is not done.
    Refused(Refusal),
}
