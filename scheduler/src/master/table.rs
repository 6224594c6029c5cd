//! What a master knows of each agent, framework, offer, executor and driver.

use super::{
    event::LinkId,
    record::{AgentRecord, DriverRecord, FrameworkRecord},
};
use rsk_proto::{
    AgentId, Demand, DriverId, ExecutorId, ExecutorKey, ExecutorState, FrameworkId, OfferId, Resources, Time,
    status::{OfferAnswer, PastOffer},
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// So many offers of a framework are remembered, for those who ask why it waits.
const PAST_MAX: usize = 16;

#[derive(Debug)]
pub(super) struct Agent {
    pub(super) record: AgentRecord,
    pub(super) link: Option<LinkId>,
    pub(super) standing: Standing,
    pub(super) heard: Time,
    /// Whether it is known to know its name: before that, nothing is durable or offered.
    pub(super) has_spoken: bool,
    pub(super) registered_at: u64,
    /// When executors are ended that still run on a drained agent.
    pub(super) drained_by: Option<Time>,
    pub(super) executors: BTreeSet<ExecutorKey>,
    pub(super) offers: BTreeSet<OfferId>,
    /// Frameworks that have, or may have, files there.
    pub(super) frameworks: BTreeSet<FrameworkId>,
}

/// Whether an agent is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was, before the master's restart, and what it runs is not known yet.
    Expected,
    /// It is, or its stream has just ended.
    There,
    /// It has been silent for too long: what it ran has been given up.
    Lost,
}

#[derive(Debug)]
pub(super) struct Framework {
    pub(super) record: FrameworkRecord,
    pub(super) link: Option<LinkId>,
    pub(super) heard: Time,
    /// Whether anything was heard on its link after the subscription: only then does the driver surely know its epoch.
    pub(super) has_spoken: bool,
    /// When it ends, if its driver is not back by then.
    pub(super) ends: Option<Time>,
    pub(super) demand: Option<Demand>,
    /// Since when it wants something and has nothing.
    pub(super) wanting_since: Option<Time>,
    pub(super) hinted: Option<Time>,
    /// Executors that its driver believes to be on agents that are not back yet.
    pub(super) claims: BTreeMap<ExecutorId, AgentId>,
    pub(super) executors: BTreeSet<ExecutorKey>,
    pub(super) offers: BTreeSet<OfferId>,
    pub(super) past: VecDeque<PastOffer>,
}

impl Framework {
    pub(super) fn new(record: FrameworkRecord, now: Time) -> Self {
        Framework {
            record,
            link: None,
            heard: now,
            has_spoken: false,
            ends: None,
            demand: None,
            wanting_since: None,
            hinted: None,
            claims: BTreeMap::new(),
            executors: BTreeSet::new(),
            offers: BTreeSet::new(),
            past: VecDeque::new(),
        }
    }

    pub(super) fn remember(&mut self, offer: PastOffer) {
        self.past.push_front(offer);
        self.past.truncate(PAST_MAX);
    }

    pub(super) fn answered(&mut self, id: OfferId, answer: OfferAnswer) {
        if let Some(past) = self.past.iter_mut().find(|past| past.id == id) {
            past.answer = answer;
        }
    }

    /// Whether it wants something and has neither executors nor offers.
    pub(super) fn is_starving(&self) -> bool {
        let wants = self.demand.as_ref().is_some_and(|demand| demand.count != Some(0));
        wants && self.link.is_some() && self.offers.is_empty() && self.executors.is_empty()
    }
}

#[derive(Debug)]
pub(super) struct Offered {
    pub(super) framework: FrameworkId,
    pub(super) agent: AgentId,
    pub(super) resources: Resources,
    pub(super) made: Time,
}

#[derive(Debug)]
pub(super) struct Executor {
    pub(super) agent: AgentId,
    pub(super) resources: Resources,
    pub(super) slots: u32,
    pub(super) state: ExecutorState,
    /// Its framework has ended or has been told that it is gone: nobody waits for its end.
    pub(super) is_disowned: bool,
    pub(super) started_at: u64,
}

#[derive(Debug)]
pub(super) struct Driver {
    pub(super) record: DriverRecord,
    /// When it is started again.
    pub(super) retry: Option<Time>,
    /// An operator wants it to end.
    pub(super) is_killed: bool,
    /// The framework that it is, once it has subscribed.
    pub(super) subscribed: Option<FrameworkId>,
}

impl Driver {
    /// The executor that runs it, or ran it last.
    pub(super) fn executor(&self) -> Option<ExecutorKey> {
        let executor = ExecutorId(self.record.starts.into());
        (self.record.starts > 0).then_some(ExecutorKey { framework: self.record.framework, executor })
    }
}

/// Drivers, and whose framework is which.
#[derive(Debug, Default)]
pub(super) struct Drivers {
    pub(super) all: BTreeMap<DriverId, Driver>,
    pub(super) by_framework: BTreeMap<FrameworkId, DriverId>,
}
