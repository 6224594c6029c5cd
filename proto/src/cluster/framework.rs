//! What a driver and the master say to each other.
//!
//! Shape: the driver dials and says [`FrameworkToMaster::Subscribe`]; the master answers
//! [`MasterToFramework::Subscribed`] or [`MasterToFramework::Refused`]; then offers go one way and answers the other,
//! with heartbeats in between. A stream that ends, or a side that is silent for too long, is dialled again by the driver.

use super::{
    AgentId, BlobHash, Demand, DriverId, ExecutorClaim, ExecutorEnd, ExecutorSpec, FrameworkEpoch,
    FrameworkId, Hello, Offer, OfferId, Refusal, Refuse, Resources, RoleName,
};
use crate::ExecutorId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a framework is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct FrameworkFacts {
    /// For people.
    pub name: String,
    /// Who started it.
    pub user: String,
    /// The driver's host.
    pub host: String,
    /// The role that pays.
    pub role: RoleName,
    /// Where the driver listens to executors and to those who ask about tasks, `host:port`.
    pub address: String,
    /// Where its web pages are, if it has some.
    pub web: Option<String>,
    /// How long it stays when its driver is gone; zero ends it at once.
    #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::durations()"))]
    pub failover_timeout: Duration,
    /// The cluster's own run of it, if the cluster runs it.
    pub driver: Option<DriverId>,
    /// The program and the files that its executors are started with: the master keeps them for as long as it lives.
    #[serde(default)]
    #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))]
    pub blobs: Vec<BlobHash>,
}

/// What a driver says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub enum FrameworkToMaster {
    /// The first message.
    Subscribe {
        /// Its version.
        hello: Hello,
        /// Its name and last epoch, if it has subscribed before: `None` makes a new framework.
        known: Option<(FrameworkId, FrameworkEpoch)>,
        /// What it is.
        facts: Box<FrameworkFacts>,
        /// What it could use; `None` is the same as to be suppressed.
        demand: Option<Demand>,
        /// The executors that it believes to be there: the master says [`MasterToFramework::ExecutorEnded`] of those
        /// that are not.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))]
        executors: Vec<ExecutorClaim>,
    },
    /// It is there. Said at once when it has subscribed, so that the master knows that it knows its name.
    Heartbeat,
    /// Buys executors with offers of one agent. What they leave is refused.
    Accept {
        /// Offers of one agent.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))]
        offers: Vec<OfferId>,
        /// What to start. If an offer is not there any more, each of them is said to have been dropped, perhaps by an
        /// agent of no name.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))]
        executors: Vec<ExecutorSpec>,
        /// What becomes of the rest.
        rest: Refuse,
    },
    /// Gives offers back.
    Decline {
        /// The offers.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))]
        offers: Vec<OfferId>,
        /// Until when, and why.
        refuse: Refuse,
    },
    /// What it could use from now on. `None`: nothing, make no offers. What was refused stays so.
    Want(Option<Demand>),
    /// Forget what was refused, and make offers again.
    Revive,
    /// End an executor.
    Kill {
        /// The executor.
        executor: ExecutorId,
        /// How long it may take to end by itself.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::durations()"))]
        grace: Duration,
    },
    /// It knows that an executor has ended, which need not be said again.
    Acknowledge(ExecutorId),
    /// It has ended: whatever is left of it goes.
    Teardown {
        /// Whether it did what it should.
        has_succeeded: bool,
        /// One line for people.
        summary: String,
    },
}

/// What the master says to a driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub enum MasterToFramework {
    /// The answer to [`FrameworkToMaster::Subscribe`]. Offers that it had are gone; executors that it wants to end and
    /// that have not ended are to be killed again.
    Subscribed {
        /// The master's version.
        hello: Hello,
        /// Its name from now on.
        id: FrameworkId,
        /// Its epoch from now on.
        epoch: FrameworkEpoch,
        /// How often each side says that it is there.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::durations()"))]
        heartbeat_every: Duration,
        /// How long a side may be silent before the other takes it for gone.
        #[cfg_attr(test, proptest(strategy = "crate::cluster::sample::durations()"))]
        lost_after: Duration,
    },
    /// The driver is not taken, or not any more; the stream ends.
    Refused(Refusal),
    /// The master is there.
    Heartbeat,
    /// Resources that it may use.
    Offers(#[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))] Vec<Offer>),
    /// Offers that do not stand any more: they have expired, or their agent has gone.
    Rescinded(#[cfg_attr(test, proptest(strategy = "crate::cluster::sample::few()"))] Vec<OfferId>),
    /// An executor's process runs.
    ExecutorRuns {
        /// The executor.
        executor: ExecutorId,
        /// Its agent.
        agent: AgentId,
    },
    /// An executor's process is gone. Said again until it is acknowledged.
    ExecutorEnded {
        /// The executor.
        executor: ExecutorId,
        /// Its agent.
        agent: AgentId,
        /// How.
        end: ExecutorEnd,
    },
    /// An agent is gone, and the shuffle files on it.
    AgentLost(AgentId),
    /// No agent can ever give what is wanted, said at most every 15 seconds.
    Unsatisfiable {
        /// What is wanted of one agent.
        shape: Resources,
        /// The agent that has the most, if there is one.
        largest: Option<Resources>,
        /// What to do about it.
        why: String,
    },
    /// The framework has been ended by somebody else.
    Stop {
        /// Who, and why.
        why: String,
    },
}
