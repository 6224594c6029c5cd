//! The master's decisions, without a clock, a socket or a disk.
//!
//! Shape: the shell hands over what happens, one event after the other, and carries out the commands that come back, in
//! order. Between events it hands over [`Event::Wake`] at [`MasterCore::wake_at`]. What each kind of peer says is folded
//! in the files beside this one; offers are made after each event.

use super::{
    event::{Command, Event, LinkId, Rules},
    record::{AgentRecord, Change, Counters, Recovered, RoleRecord},
    table::{Agent, Driver, Drivers, Executor, Framework, Offered, Standing},
};
use crate::allocator::{Allocator, DrfAllocator};
use rsk_proto::{
    AgentId, BlobHash, ExecutorKey, FrameworkId, MasterToAgent, MasterToFramework, OfferId, RoleName, Time,
    status::{DriverState, FrameworkStatus},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// How often the master looks for what has become too old.
const TICK: Duration = Duration::from_millis(500);

/// Who is at the other end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Agent(AgentId),
    Framework(FrameworkId),
}

/// The state of a master.
#[derive(Debug)]
pub struct MasterCore {
    pub(super) rules: Rules,
    pub(super) registry: u32,
    pub(super) term: u32,
    pub(super) counters: Counters,
    pub(super) allocator: DrfAllocator,
    pub(super) agents: BTreeMap<AgentId, Agent>,
    pub(super) frameworks: BTreeMap<FrameworkId, Framework>,
    pub(super) ended: VecDeque<FrameworkStatus>,
    pub(super) offers: BTreeMap<OfferId, Offered>,
    pub(super) offers_made: u64,
    pub(super) executors: BTreeMap<ExecutorKey, Executor>,
    pub(super) roles: BTreeMap<RoleName, RoleRecord>,
    pub(super) drivers: Drivers,
    pub(super) links: BTreeMap<LinkId, Peer>,
    /// Agents that were there before the restart, and until when they may be back.
    pub(super) expected: BTreeSet<AgentId>,
    pub(super) expected_all: usize,
    pub(super) expected_until: Time,
    /// Moments are counted from here, in milliseconds since 1970.
    pub(super) started_at: u64,
    pub(super) now: Time,
    next_tick: Time,
    next_beat: Time,
    pub(super) commands: Vec<Command>,
}

impl MasterCore {
    /// A master that knows what it knew before. `started_at`: what `Time::default()` is in milliseconds since 1970.
    pub fn new(rules: Rules, recovered: Recovered, started_at: u64) -> Self {
        let now = Time::default();
        let mut core = MasterCore {
            registry: recovered.registry,
            term: recovered.term,
            counters: recovered.counters,
            allocator: DrfAllocator::default(),
            agents: BTreeMap::new(),
            frameworks: BTreeMap::new(),
            ended: VecDeque::new(),
            offers: BTreeMap::new(),
            offers_made: 0,
            executors: BTreeMap::new(),
            roles: recovered.roles,
            drivers: Drivers::default(),
            links: BTreeMap::new(),
            expected: BTreeSet::new(),
            expected_all: 0,
            expected_until: now + rules.reregister_within,
            started_at,
            now,
            next_tick: now,
            next_beat: now,
            commands: Vec::new(),
            rules,
        };
        for (name, role) in &core.roles {
            core.allocator.set_quota(name, role.limit.clone());
            core.allocator.set_weight(name, role.weight_milli);
        }
        for (id, record) in recovered.agents {
            let standing = if record.lost_at.is_some() { Standing::Lost } else { Standing::Expected };
            core.expected.extend((standing == Standing::Expected).then_some(id));
            let agent = Agent { has_spoken: true, ..Agent::new(record, standing, now) };
            core.agents.insert(id, agent);
        }
        core.expected_all = core.expected.len();
        for (id, record) in recovered.frameworks {
            core.allocator.add_framework(id, record.facts.role.clone());
            let mut framework = Framework::new(record, now);
            // Even who may not be gone for a moment must have the time to hear of the restart.
            let stays = framework.record.facts.failover_timeout.max(core.rules.lost_after * 2);
            framework.ends = Some(now + stays);
            core.frameworks.insert(id, framework);
        }
        for (id, record) in recovered.drivers {
            core.drivers.by_framework.insert(record.framework, id);
            core.allocator.add_framework(record.framework, record.spec.role.clone());
            let is_its =
                |(_, framework): &(&FrameworkId, &Framework)| framework.record.facts.driver == Some(id);
            let subscribed = core.frameworks.iter().find(is_its).map(|(framework, _)| *framework);
            let is_waiting = matches!(record.state, DriverState::Waiting { .. });
            let driver = Driver { record, retry: is_waiting.then_some(now), is_killed: false, subscribed };
            core.drivers.all.insert(id, driver);
        }
        core.allocator.hold_back_quota_roles(core.is_held_back());
        core
    }

    /// Folds one event into the state, and says what is to be done.
    pub fn step(&mut self, event: Event, now: Time) -> Vec<Command> {
        self.now = self.now.max(now);
        match event {
            Event::Agent(link, message) => self.agent_said(link, message),
            Event::Framework(link, message) => self.framework_said(link, message),
            Event::Closed(link) => self.closed(link),
            Event::Asked(request, asked) => {
                let reply = self.asked(asked);
                self.commands.push(Command::Answer(request, reply));
            }
            Event::Wake => {}
        }
        if self.now >= self.next_tick {
            self.tick();
        }
        self.make_offers();
        std::mem::take(&mut self.commands)
    }

    /// When to call with [`Event::Wake`], if nothing else happens before.
    pub fn wake_at(&self) -> Time {
        self.allocator.wake_at().map_or(self.next_tick, |end| end.min(self.next_tick))
    }

    fn tick(&mut self) {
        let late = self.now.since(self.next_tick);
        // A master that was stopped has heard nobody: that is not their fault.
        if late > self.rules.lost_after / 2 {
            self.agents.values_mut().for_each(|agent| agent.heard = agent.heard + late);
            self.frameworks.values_mut().for_each(|framework| framework.heard = framework.heard + late);
        }
        self.next_tick = self.now + TICK;
        if self.now >= self.next_beat {
            self.next_beat = self.now + self.rules.heartbeat_every;
            let beat = |(link, peer): (&LinkId, &Peer)| match peer {
                Peer::Agent(_) => Command::ToAgent(*link, MasterToAgent::Heartbeat),
                Peer::Framework(_) => Command::ToFramework(*link, MasterToFramework::Heartbeat),
            };
            self.commands.extend(self.links.iter().map(beat));
        }
        self.look_for_lost_agents();
        self.look_for_lost_frameworks();
        self.look_for_old_offers();
        self.look_for_drained_agents();
        self.look_for_waiting_drivers();
        self.look_for_hopeless_demands();
    }

    fn closed(&mut self, link: LinkId) {
        match self.links.remove(&link) {
            Some(Peer::Agent(id)) => self.agent_unlinked(id, link),
            Some(Peer::Framework(id)) => self.framework_unlinked(id, link),
            None => {}
        }
    }

    /// Ends a link from this side.
    pub(super) fn close(&mut self, link: LinkId) {
        self.links.remove(&link);
        self.commands.push(Command::Close(link));
    }

    pub(super) fn write(&mut self, change: Change) {
        self.commands.push(Command::Write(change));
    }

    pub(super) fn say_to_agent(&mut self, id: AgentId, message: MasterToAgent) {
        if let Some(link) = self.agents.get(&id).and_then(|agent| agent.link) {
            self.commands.push(Command::ToAgent(link, message));
        }
    }

    pub(super) fn say_to_framework(&mut self, id: FrameworkId, message: MasterToFramework) {
        if let Some(link) = self.frameworks.get(&id).and_then(|framework| framework.link) {
            self.commands.push(Command::ToFramework(link, message));
        }
    }

    /// Whether too few agents are back after a restart to know what roles with a quota hold.
    pub(super) fn is_held_back(&self) -> bool {
        let back = self.expected_all - self.expected.len();
        let wanted = self.expected_all * self.rules.reregister_percent as usize;
        back * 100 < wanted && self.now < self.expected_until
    }

    /// Whether there is a framework, or a driver's own, of this name, and it has not ended.
    pub(super) fn is_known(&self, framework: FrameworkId) -> bool {
        let driver =
            self.drivers.by_framework.get(&framework).and_then(|driver| self.drivers.all.get(driver));
        let is_alive = |driver: &Driver| !matches!(driver.record.state, DriverState::Ended { .. });
        self.frameworks.contains_key(&framework) || driver.is_some_and(is_alive)
    }

    /// Programs and files of all that lives: applications, and drivers that have not ended.
    pub fn blobs_needed(&self) -> BTreeSet<BlobHash> {
        let frameworks =
            self.frameworks.values().flat_map(|framework| framework.record.facts.blobs.iter().copied());
        let drivers = self.drivers.all.values().map(|driver| &driver.record);
        let drivers = drivers.filter(|driver| !matches!(driver.state, DriverState::Ended { .. }));
        frameworks.chain(drivers.flat_map(|driver| driver.spec.blobs())).collect()
    }

    /// Now, in milliseconds since 1970.
    pub(super) fn unix(&self) -> u64 {
        self.unix_at(self.now)
    }

    /// A moment, in milliseconds since 1970.
    pub(super) fn unix_at(&self, moment: Time) -> u64 {
        self.started_at + u64::try_from(moment.0.as_millis()).unwrap_or(u64::MAX / 2)
    }
}

impl Agent {
    pub(super) fn new(record: AgentRecord, standing: Standing, now: Time) -> Self {
        Agent {
            record,
            link: None,
            standing,
            heard: now,
            has_spoken: false,
            registered_at: 0,
            drained_by: None,
            executors: BTreeSet::new(),
            offers: BTreeSet::new(),
            frameworks: BTreeSet::new(),
        }
    }
}
