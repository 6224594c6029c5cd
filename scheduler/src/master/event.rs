//! What happens to a master, and what it has done.

use super::record::Change;
use rsk_proto::{
    AgentToMaster, FrameworkToMaster, MasterToAgent, MasterToFramework, OperatorReply, OperatorRequest,
};
use std::{fmt, time::Duration};

/// One stream with one peer, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link-{}", self.0)
    }
}

/// One question of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An agent, or one who wants to be, says something. Its first message on a link makes the link an agent's.
    Agent(LinkId, AgentToMaster),
    /// A driver says something.
    Framework(LinkId, FrameworkToMaster),
    /// A stream has ended.
    Closed(LinkId),
    /// Somebody asks for something.
    Asked(RequestId, OperatorRequest),
    /// Time has passed.
    Wake,
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make it durable before anything that follows.
    Write(Change),
    /// Say something to an agent.
    ToAgent(LinkId, MasterToAgent),
    /// Say something to a driver.
    ToFramework(LinkId, MasterToFramework),
    /// End a stream, when all that was said has been sent. No event of it is wanted any more.
    Close(LinkId),
    /// Answer an operator.
    Answer(RequestId, OperatorReply),
}

/// Times and bounds of a master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How often each side says that it is there.
    pub heartbeat_every: Duration,
    /// How long a side may be silent.
    pub lost_after: Duration,
    /// How long an offer stands.
    pub offer_lasts: Duration,
    /// How long an offer stands that is not answered while somebody has nothing.
    pub hoard_lasts: Duration,
    /// How long agents have to be back after a restart of the master.
    pub reregister_within: Duration,
    /// Roles with a quota get offers once so many in a hundred of the agents are back.
    pub reregister_percent: u32,
    /// How long an executor may take to end when its framework did not say.
    pub kill_grace: Duration,
    /// So many frameworks and drivers that have ended are remembered.
    pub ended_max: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            heartbeat_every: Duration::from_secs(5),
            lost_after: Duration::from_secs(25),
            offer_lasts: Duration::from_secs(30),
            hoard_lasts: Duration::from_secs(1),
            reregister_within: Duration::from_mins(10),
            reregister_percent: 80,
            kill_grace: Duration::from_secs(30),
            ended_max: 50,
        }
    }
}
