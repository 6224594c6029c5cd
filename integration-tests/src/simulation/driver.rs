//! A driver's process: its core as a framework, its task sets, and the conversations with the master and the executors.

use super::{
    Sabotage, World,
    job::Jobs,
    network::{End, Letter, Node, StreamId},
};
use rsk::simulation::{Command, Event, FrameworkCore, Order, Sizes};
use rsk_proto::{
    BlobHash, ExecutorId, ExecutorSpec, FrameworkEpoch, FrameworkFacts, FrameworkId, FrameworkToMaster,
    Hello, MasterToFramework, Part, PartitionId, Refusal, Refuse, RoleName, Time,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// So many drivers are started in one world at most.
pub(crate) const DRIVERS_MAX: usize = 6;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
const SUBSCRIBED_WITHIN: Duration = Duration::from_secs(20);
const RELEASE_GRACE: Duration = Duration::from_secs(5);

/// The conversation with the master.
#[derive(Debug)]
enum Session {
    Off { dial_at: Time },
    Dialling { until: Time, stream: StreamId },
    Up { stream: StreamId, epoch: FrameworkEpoch, heard_at: Time, beat_at: Time, look_at: Time },
}

/// An executor that has dialled.
#[derive(Debug)]
pub(crate) struct Member {
    stream: StreamId,
    running: BTreeMap<PartitionId, u32>,
}

/// A driver.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) core: FrameworkCore,
    session: Session,
    wait: Duration,
    pub(crate) known: Option<(FrameworkId, FrameworkEpoch)>,
    slots: u32,
    pub(crate) jobs: Jobs,
    expected: BTreeSet<ExecutorId>,
    pub(crate) members: BTreeMap<ExecutorId, Member>,
    failover_timeout: Duration,
    wake_not_before: Time,
    /// Its process is gone.
    pub(crate) is_dead: bool,
    /// It gave up, and why.
    pub(crate) failed: Option<String>,
}

const EVERY: Duration = Duration::from_secs(5);
const LOST_AFTER: Duration = Duration::from_secs(25);

impl Driver {
    pub(crate) fn new(slots: u32, slots_max: u32, failover_timeout: Duration, jobs: Jobs, now: Time) -> Self {
        let sizes = Sizes {
            executor_slots: slots,
            executor_memory_bytes: u64::from(slots) << 29,
            slots_min: 0,
            slots_max,
            idle_timeout: Duration::from_mins(1),
        };
        Driver {
            core: FrameworkCore::new(sizes),
            session: Session::Off { dial_at: now },
            wait: RETRY_MIN,
            known: None,
            slots,
            jobs,
            expected: BTreeSet::new(),
            members: BTreeMap::new(),
            failover_timeout,
            wake_not_before: Time::default(),
            is_dead: false,
            failed: None,
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.session, Session::Up { .. })
    }

    pub(crate) fn wake_at(&self) -> Option<Time> {
        if self.is_dead {
            return None;
        }
        let at = match &self.session {
            Session::Off { dial_at } => *dial_at,
            Session::Dialling { until, .. } => *until,
            Session::Up { beat_at, look_at, .. } => {
                self.core.wake_at().map_or(*look_at, |at| at.min(*look_at)).min(*beat_at)
            }
        };
        Some(at.max(self.wake_not_before))
    }

    fn load(&self) -> Event {
        let busy = self.members.iter().filter(|(_, member)| !member.running.is_empty());
        Event::Load { tasks: self.jobs.tasks(), busy: busy.map(|(id, _)| *id).collect() }
    }
}

impl World {
    pub(crate) fn wake_driver(&mut self, at: usize) {
        let now = self.now;
        let driver = &mut self.drivers[at];
        driver.wake_not_before = now + Duration::from_millis(1);
        driver.jobs.begin(now);
        match &mut driver.session {
            Session::Off { dial_at } if *dial_at <= now => {
                let stream = self.dial(Node::Driver(at), Node::Master);
                self.drivers[at].session = Session::Dialling { until: now + SUBSCRIBED_WITHIN, stream };
            }
            Session::Dialling { until, .. } if *until <= now => self.lose_master(at),
            Session::Up { stream, heard_at, beat_at, look_at, .. } => {
                let stream = *stream;
                if *beat_at <= now {
                    *beat_at = now + EVERY;
                    if now.since(*heard_at) > LOST_AFTER {
                        return self.lose_master(at);
                    }
                    self.send(stream, End::Dialler, Letter::DriverToMaster(FrameworkToMaster::Heartbeat));
                } else if *look_at <= now {
                    *look_at = now + LOOK_EVERY;
                    let load = driver.load();
                    self.step_driver(at, load);
                } else {
                    self.step_driver(at, Event::Wake);
                }
                self.hand_out(at);
            }
            Session::Off { .. } | Session::Dialling { .. } => {}
        }
    }

    fn lose_master(&mut self, at: usize) {
        let driver = &mut self.drivers[at];
        let (Session::Dialling { stream, .. } | Session::Up { stream, .. }) = driver.session else { return };
        if driver.is_up() {
            driver.wait = RETRY_MIN;
        }
        driver.session = Session::Off { dial_at: self.now + driver.wait };
        driver.wait = (driver.wait * 2).min(RETRY_MAX);
        let keeps_tail = self.chance.one_in(2);
        self.close(stream, End::Dialler, keeps_tail);
    }

    pub(crate) fn driver_receives(&mut self, at: usize, stream: StreamId, letter: Letter) {
        let now = self.now;
        let driver = &mut self.drivers[at];
        let is_current = match driver.session {
            Session::Off { .. } => false,
            Session::Dialling { stream: current, .. } | Session::Up { stream: current, .. } => {
                current == stream
            }
        };
        if driver.is_dead || !is_current {
            return;
        }
        match letter {
            Letter::Closed => self.lose_master(at),
            Letter::Connected => self.subscribe(at, stream),
            Letter::MasterToDriver(message) => {
                if let Session::Up { heard_at, .. } = &mut driver.session {
                    *heard_at = now;
                    self.step_driver(at, Event::Master(message));
                    self.hand_out(at);
                } else {
                    self.subscribed(at, stream, message);
                }
            }
            _ => {}
        }
    }

    fn subscribe(&mut self, at: usize, stream: StreamId) {
        let driver = &mut self.drivers[at];
        let facts = FrameworkFacts {
            name: format!("app {at}"),
            user: "ann".to_owned(),
            host: "home".to_owned(),
            role: RoleName::default(),
            address: at.to_string(),
            web: None,
            failover_timeout: driver.failover_timeout,
            driver: None,
            blobs: Vec::new(),
        };
        let subscribe = FrameworkToMaster::Subscribe {
            hello: Hello::ours(),
            known: driver.known,
            facts: Box::new(facts),
            demand: driver.core.demand(),
            executors: driver.core.claims(),
        };
        self.log(|_| format!("driver {at}: {subscribe:?}"));
        self.send(stream, End::Dialler, Letter::DriverToMaster(subscribe));
    }

    fn subscribed(&mut self, at: usize, stream: StreamId, message: MasterToFramework) {
        let now = self.now;
        match message {
            MasterToFramework::Subscribed { id, epoch, .. } => {
                let heard = self.epochs.heard(at, id, epoch);
                self.hold(heard);
                let driver = &mut self.drivers[at];
                driver.known = Some((id, epoch));
                self.apps.insert(id, at);
                driver.wait = RETRY_MIN;
                driver.session = Session::Up { stream, epoch, heard_at: now, beat_at: now, look_at: now };
                let demand = driver.core.demand();
                for command in driver.core.subscribed(demand) {
                    self.carry_out_of_driver(at, stream, epoch, command);
                }
            }
            MasterToFramework::Refused(refusal) => {
                if matches!(refusal, Refusal::Unknown(_)) {
                    self.drivers[at].known = None;
                }
                let is_final = !matches!(refusal, Refusal::NotReady(_) | Refusal::Unknown(_));
                self.lose_master(at);
                if is_final {
                    self.give_up(at, refusal.to_string());
                }
            }
            _ => self.lose_master(at),
        }
    }

    fn step_driver(&mut self, at: usize, event: Event) {
        self.log(|_| format!("driver {at}: {event:?}"));
        let now = self.now;
        for command in self.drivers[at].core.step(event, now) {
            self.log(|_| format!("driver {at} > {command:?}"));
            if let Command::Release(executor) | Command::End(executor) = command {
                self.ended.released(at, executor, now);
            }
            let Session::Up { stream, epoch, .. } = self.drivers[at].session else {
                // As the shell does: nobody is there to hear it.
                continue;
            };
            self.carry_out_of_driver(at, stream, epoch, command);
        }
    }

    fn carry_out_of_driver(&mut self, at: usize, stream: StreamId, epoch: FrameworkEpoch, command: Command) {
        let say =
            |world: &mut World, message| world.send(stream, End::Dialler, Letter::DriverToMaster(message));
        match command {
            Command::Accept { offer, executors } => {
                let executors: Vec<_> =
                    executors.into_iter().map(|order| self.spec(at, epoch, order)).collect();
                let rest = Refuse::because("it has what it can use");
                say(self, FrameworkToMaster::Accept { offers: vec![offer], executors, rest });
            }
            Command::Decline { offers, refuse } => say(self, FrameworkToMaster::Decline { offers, refuse }),
            Command::Want(demand) => {
                let is_some = demand.is_some();
                say(self, FrameworkToMaster::Want(demand));
                if is_some {
                    say(self, FrameworkToMaster::Revive);
                }
            }
            Command::Release(executor) => {
                say(self, FrameworkToMaster::Kill { executor, grace: RELEASE_GRACE });
                self.member_is_gone(at, executor, false);
            }
            Command::End(executor) => say(self, FrameworkToMaster::Kill { executor, grace: Duration::ZERO }),
            Command::Acknowledge(executor) => say(self, FrameworkToMaster::Acknowledge(executor)),
            Command::Forget { executor, .. } => {
                self.drivers[at].expected.remove(&executor);
                self.member_is_gone(at, executor, true);
                self.ended.heard(at, executor);
            }
            Command::ForgetAgent(_) | Command::Tell(_) => {}
            Command::GiveUp(why) => self.give_up(at, why),
        }
    }

    fn give_up(&mut self, at: usize, why: String) {
        self.log(|_| format!("driver {at} gives up: {why}"));
        if !self.is_quiet && why.contains("executors in a row") {
            // So it may be while everything fails. The user starts the program again.
            self.report.gave_up += 1;
            self.end_driver(at);
            if self.drivers.len() < DRIVERS_MAX {
                self.start_driver();
            }
            return;
        }
        self.drivers[at].failed.get_or_insert(why);
    }

    fn spec(&mut self, at: usize, epoch: FrameworkEpoch, order: Order) -> ExecutorSpec {
        let driver = &mut self.drivers[at];
        let framework = driver.known.map_or(FrameworkId { registry: 0, number: 0 }, |(id, _)| id);
        driver.expected.insert(order.executor);
        self.ended.accepted(at, order.executor);
        ExecutorSpec {
            framework,
            epoch,
            executor: order.executor,
            role: RoleName::default(),
            resources: order.resources,
            slots: order.slots,
            program: BlobHash([0; 32]),
            files: BTreeMap::new(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            part: Part::Executor { driver: at.to_string(), token: String::new() },
        }
    }

    /// An executor gets no more tasks. If it is gone, those that it has are tried again.
    fn member_is_gone(&mut self, at: usize, executor: ExecutorId, is_over: bool) {
        let driver = &mut self.drivers[at];
        driver.jobs.forget_place(executor, self.now);
        if !is_over {
            driver.jobs.leaving.insert(executor);
            return;
        }
        if let Some(member) = driver.members.remove(&executor) {
            driver.jobs.leaving.remove(&executor);
            let now = self.now;
            for (partition, attempt) in member.running {
                if self.sabotage == Some(Sabotage::CommitTwice) {
                    // The output of an attempt that was given up is committed all the same.
                    driver.jobs.commit(partition);
                }
                driver.jobs.lost(attempt, now);
            }
            self.close(member.stream, End::Listener, true);
        }
        self.hand_out(at);
    }

    pub(crate) fn driver_hears_executor(&mut self, at: usize, stream: StreamId, letter: &Letter) {
        if self.drivers[at].is_dead {
            return;
        }
        match letter {
            &Letter::Hello(executor) => {
                if !self.drivers[at].expected.remove(&executor) {
                    return self.close(stream, End::Listener, true);
                }
                let member = Member { stream, running: BTreeMap::new() };
                self.drivers[at].members.insert(executor, member);
                self.step_driver(at, Event::Joined(executor));
                self.hand_out(at);
            }
            Letter::Closed => {
                let members = &self.drivers[at].members;
                let Some(executor) = members.iter().find(|(_, it)| it.stream == stream).map(|(id, _)| *id)
                else {
                    return;
                };
                self.member_is_gone(at, executor, true);
                self.step_driver(at, Event::Stuck(executor));
            }
            &Letter::Done(partition, attempt) => self.done(at, stream, partition, attempt),
            _ => {}
        }
    }

    fn done(&mut self, at: usize, stream: StreamId, partition: PartitionId, attempt: u32) {
        let sabotage = self.sabotage;
        if sabotage == Some(Sabotage::LoseResult) && partition == PartitionId(0) {
            return;
        }
        let driver = &mut self.drivers[at];
        let Some(member) = driver.members.values_mut().find(|it| it.stream == stream) else { return };
        if member.running.get(&partition) == Some(&attempt) {
            member.running.remove(&partition);
            driver.jobs.done(partition, attempt, self.now);
        }
        let load = driver.load();
        if self.chance.one_in(3) {
            self.step_driver(at, load);
        }
        self.hand_out(at);
    }

    /// Brings tasks to executors that have room.
    fn hand_out(&mut self, at: usize) {
        let (now, slots) = (self.now, usize::try_from(self.drivers[at].slots).unwrap_or(1));
        let mut tasks = Vec::new();
        let driver = &mut self.drivers[at];
        for (executor, member) in &mut driver.members {
            while member.running.len() < slots
                && let Some((partition, attempt)) = driver.jobs.take(*executor, now)
            {
                member.running.insert(partition, attempt);
                tasks.push((member.stream, partition, attempt));
            }
        }
        for (stream, partition, attempt) in tasks {
            self.send(stream, End::Listener, Letter::Task(partition, attempt));
        }
    }

    /// The application ends by itself.
    pub(crate) fn end_driver(&mut self, at: usize) {
        if let Session::Up { stream, .. } = self.drivers[at].session {
            let teardown = FrameworkToMaster::Teardown { has_succeeded: true, summary: String::new() };
            self.send(stream, End::Dialler, Letter::DriverToMaster(teardown));
        }
        self.kill_driver(at, true);
    }

    /// The driver's process is gone.
    pub(crate) fn kill_driver(&mut self, at: usize, keeps_tail: bool) {
        self.log(|_| format!("driver {at} ends"));
        self.drivers[at].is_dead = true;
        for (stream, end) in self.network.of(Node::Driver(at)) {
            self.close(stream, end, keeps_tail);
        }
    }
}
