//! All pure cores together, under a network, machines and a clock that a seed decides.
//!
//! A seed decides everything: who there is, what is wanted, what fails and when. For a while everything may fail; then the
//! world is quiet, all views must come to agree, all jobs must be done, and when their drivers have ended nothing may be
//! left. What must hold is in [`crate::invariant`], one file each. `RSK_SEED=7 cargo test --test simulation` runs one
//! seed alone and prints what happens.

mod chance;
mod network;
mod master;
mod machine;
mod process;
mod job;
mod driver;
mod fault;

use crate::invariant::{Ended, Epochs, ResourcesUsed, Views, Violation};
use chance::Chance;
use driver::Driver;
use job::Jobs;
use machine::{Machine, Work};
use master::Master;
use network::{End, Letter, Network, Node, StreamId};
pub(crate) use process::Process;
use rsk_proto::{ExecutorId, FrameworkId, PartitionId, Time, status::ClusterStatus};
use rsk_scheduler::master::Event as MasterEvent;
use std::{collections::BTreeMap, time::Duration};

/// How something is broken on purpose, to see that it is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Agents say of processes that run that they have ended.
    ForgetProcesses,
    /// Agents say that they have twice what they have.
    Boast,
    /// The result of a task is lost without a word.
    LoseResult,
    /// What an attempt wrote is committed though the driver has given it up.
    CommitTwice,
    /// The master does not write down which names it has given to frameworks.
    ForgetNames,
    /// Some processes end for nobody.
    LeaveProcesses,
    /// Agents do not dial a second time.
    StayAway,
}

/// What happens at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Happening {
    Dialled(StreamId, Time),
    Arrives(StreamId, End, Letter),
    Silent(StreamId, End),
    StartMaster,
    StartAgent(usize),
    AgentHasDone(usize, u64, Work),
    ProcessDials(u64),
    ProcessReads(u64, Letter),
    ProcessEnds(u64),
    TaskIsDone(u64, PartitionId, u32),
    Fault,
    Look,
}

/// How a world went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Faults that were made.
    pub faults: u32,
    /// Events that were folded.
    pub events: u64,
    /// Drivers that gave up while everything failed, because too many executors did in a row.
    pub gave_up: u32,
    /// Executors that were ordered.
    pub executors: usize,
    /// When it ended.
    pub ended: Duration,
}

/// A world.
#[derive(Debug)]
pub struct World {
    pub(crate) now: Time,
    chance: Chance,
    queue: BTreeMap<(Time, u64), Happening>,
    queued: u64,
    network: Network,
    pub(crate) master: Master,
    pub(crate) machines: Vec<Machine>,
    pub(crate) drivers: Vec<Driver>,
    pub(crate) processes: BTreeMap<u64, Process>,
    pids: u64,
    /// Whose application it is.
    pub(crate) apps: BTreeMap<FrameworkId, usize>,
    task_millis_max: u64,
    faults: fault::Plan,
    is_quiet: bool,
    quiet_at: Time,
    sabotage: Option<Sabotage>,
    is_told: bool,
    resources_used: ResourcesUsed,
    epochs: Epochs,
    pub(crate) ended: Ended,
    views: Views,
    violation: Option<Violation>,
    report: Report,
}

/// Jobs that are not done so long after the last fault never will be.
const DONE_WITHIN: Duration = Duration::from_mins(20);
/// What is left of an ended application goes within this.
const CLEAN_WITHIN: Duration = Duration::from_mins(2);
/// Drivers that have nothing to do give their executors back within this; a process that is deaf takes its time.
const IDLE_WITHIN: Duration = Duration::from_secs(150);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs the world of a seed. `is_told`: prints what happens to the standard error.
pub fn run(seed: u64, sabotage: Option<Sabotage>, is_told: bool) -> Result<Report, Violation> {
    let mut world = World::new(seed, sabotage, is_told);
    let quiet_at = world.faults.until;
    world.run_until(quiet_at, |_| false)?;
    world.quiet();
    let last = world.now + DONE_WITHIN;
    let settled = world.now + Views::AGREE_WITHIN + Duration::from_secs(5);
    world.run_until(last, |world| {
        world.now >= settled && world.drivers.iter().all(|it| it.is_dead || it.jobs.are_done())
    })?;
    crate::invariant::computed(&world)?;
    crate::invariant::committed(&world)?;
    if world.chance.one_in(2) {
        let last = world.now + IDLE_WITHIN;
        world.run_until(last, |world| Ended::none_is_idle(world).is_ok())?;
        Ended::none_is_idle(&world)?;
    }
    let alive = (0..world.drivers.len()).filter(|at| !world.drivers[*at].is_dead);
    alive.collect::<Vec<_>>().into_iter().for_each(|at| world.end_driver(at));
    let last = world.now + CLEAN_WITHIN;
    world.run_until(last, |world| Ended::nothing_is_left(world).is_ok())?;
    Ended::nothing_is_left(&world)?;
    world.report.executors = world.ended.count();
    world.report.ended = world.now.0;
    Ok(world.report)
}

impl World {
    fn new(seed: u64, sabotage: Option<Sabotage>, is_told: bool) -> Self {
        let mut chance = Chance::new(seed);
        let machines = (0..=chance.below(4)).map(|_| Machine::new(2 + chance.next() % 7)).collect();
        let delay_micros_max = [300, 3_000, 50_000, 400_000][chance.below(4)];
        let faults = fault::Plan::new(&mut chance);
        let mut world = World {
            now: Time::default(),
            queue: BTreeMap::new(),
            queued: 0,
            network: Network::new(delay_micros_max),
            master: Master::new(),
            machines,
            drivers: Vec::new(),
            processes: BTreeMap::new(),
            pids: 0,
            apps: BTreeMap::new(),
            task_millis_max: [200, 2_000, 15_000][chance.below(3)],
            faults,
            is_quiet: false,
            quiet_at: Time::default(),
            sabotage,
            is_told,
            resources_used: ResourcesUsed::default(),
            epochs: Epochs::default(),
            ended: Ended::default(),
            views: Views::default(),
            violation: None,
            report: Report::default(),
            chance,
        };
        world.start_master();
        for at in 0..world.machines.len() {
            let late = world.chance.millis(0, 2000);
            world.after(late, Happening::StartAgent(at));
        }
        (0..=world.chance.below(3)).for_each(|_| world.start_driver());
        let first = world.chance.millis(0, 5000);
        world.after(first, Happening::Fault);
        world.after(LOOK_EVERY, Happening::Look);
        world
    }

    /// A user starts a program.
    fn start_driver(&mut self) {
        let mut begins = self.now;
        let jobs: Vec<_> = (0..=self.chance.below(3))
            .map(|_| {
                begins = begins + self.chance.millis(0, 90_000);
                (begins, u32::try_from(1 + self.chance.below(40)).unwrap_or(1))
            })
            .collect();
        let slots = u32::try_from(1 + self.chance.below(2)).unwrap_or(1);
        let slots_max = [2, 8, u32::MAX][self.chance.below(3)];
        let failover = Duration::from_secs([0, 15, 60][self.chance.below(3)]);
        self.drivers.push(Driver::new(slots, slots_max, failover, Jobs::new(jobs), self.now));
    }

    fn at(&mut self, at: Time, happening: Happening) {
        self.queued += 1;
        self.queue.insert((at, self.queued), happening);
    }

    fn after(&mut self, after: Duration, happening: Happening) {
        self.at(self.now + after, happening);
    }

    fn log(&self, line: impl FnOnce(&World) -> String) {
        if self.is_told {
            crate::invariant::tell(&format!("{:9.3} {}", self.now.0.as_secs_f64(), line(self)));
        }
    }

    /// Keeps the first violation.
    fn hold(&mut self, seen: Result<(), Violation>) {
        if let Err(violation) = seen {
            self.violation.get_or_insert(violation);
        }
    }

    fn is_listening(&self, node: Node) -> bool {
        match node {
            Node::Master => self.master.core.is_some(),
            Node::Driver(at) => self.drivers.get(at).is_some_and(|driver| !driver.is_dead),
            Node::Machine(_) => false,
        }
    }

    /// What the master shows to people.
    pub(crate) fn status(&self) -> Option<ClusterStatus> {
        self.master.core.as_ref().map(|core| core.status("master:5050"))
    }

    /// Nothing fails any more.
    fn quiet(&mut self) {
        self.log(|_| "all is quiet".to_owned());
        self.is_quiet = true;
        self.quiet_at = self.now;
        self.network.heal();
        self.master.dies_after = None;
        self.start_master();
        for at in 0..self.machines.len() {
            self.machines[at].dies_after = None;
            self.start_agent(at);
        }
    }

    fn run_until(&mut self, until: Time, is_over: impl Fn(&World) -> bool) -> Result<(), Violation> {
        while self.now < until {
            let Some(next) = self.next() else { break };
            self.report.events += 1;
            let is_look = next == Some(Happening::Look);
            if let Some(happening) = next {
                self.happens(happening);
            }
            if self.is_told {
                // Who replays a seed wants to see the very moment.
                self.look();
            }
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
            if is_look && is_over(self) {
                break;
            }
        }
        Ok(())
    }

    /// Goes on to what is next: something that was under way, or a core that is to be woken, which it wakes.
    #[expect(clippy::option_option, reason = "nothing more will be, or nothing but that a core was woken")]
    fn next(&mut self) -> Option<Option<Happening>> {
        let master = self.master.wake_at().map(|at| (at, Node::Master));
        let agents = self.machines.iter().enumerate();
        let agents = agents.filter_map(|(at, it)| Some((it.wake_at()?, Node::Machine(at))));
        let drivers = self.drivers.iter().enumerate();
        let drivers = drivers.filter_map(|(at, it)| Some((it.wake_at()?, Node::Driver(at))));
        let woken = master.into_iter().chain(agents).chain(drivers).min();
        let first = self.queue.first_key_value().map(|((at, _), _)| *at);
        if let Some((at, node)) = woken
            && first.is_none_or(|first| at < first)
        {
            self.now = self.now.max(at);
            match node {
                Node::Master => self.step_master(MasterEvent::Wake),
                Node::Machine(at) => self.step_agent(at, rsk_scheduler::agent::Event::Wake),
                Node::Driver(at) => self.wake_driver(at),
            }
            return Some(None);
        }
        let ((at, _), happening) = self.queue.pop_first()?;
        self.now = self.now.max(at);
        Some(Some(happening))
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Dialled(stream, back) => self.dialled(stream, back),
            Happening::Arrives(stream, to, letter) => self.arrives(stream, to, letter),
            Happening::Silent(stream, end) => self.silent(stream, end),
            Happening::StartMaster => self.start_master(),
            Happening::StartAgent(at) => self.start_agent(at),
            Happening::AgentHasDone(at, start, work) => self.agent_has_done(at, start, work),
            Happening::ProcessDials(pid) => self.process_dials(pid),
            Happening::ProcessReads(pid, letter) => self.process_reads(pid, &letter),
            Happening::ProcessEnds(pid) => self.process_has_ended(pid),
            Happening::TaskIsDone(pid, partition, attempt) => self.task_is_done(pid, partition, attempt),
            Happening::Fault => self.fault(),
            Happening::Look => {
                self.after(LOOK_EVERY, Happening::Look);
                self.look();
            }
        }
    }

    /// Looks whether what must always hold does.
    fn look(&mut self) {
        let Some(status) = self.status() else { return };
        let seen =
            crate::invariant::offered_once(&status).and_then(|()| crate::invariant::sums(self, &status));
        self.hold(seen);
        let mut views = std::mem::take(&mut self.views);
        let seen = if self.is_quiet { views.look(self, &status) } else { Ok(()) };
        self.views = views;
        self.hold(seen);
        if self.is_quiet {
            let seen = self.ended.released_are_gone(self, self.quiet_at);
            self.hold(seen);
        }
    }

    /// Whether an executor was on a machine that is gone, of which a master that was started again hears late.
    pub(crate) fn is_out_of_reach(&self, driver: usize, executor: ExecutorId) -> bool {
        let claims = self.drivers[driver].core.claims();
        let agent = claims.iter().find(|claim| claim.executor == executor).map(|claim| claim.agent);
        !self.machines.iter().any(|it| !it.is_gone && it.id == agent && agent.is_some())
    }
}
