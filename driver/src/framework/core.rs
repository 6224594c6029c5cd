//! What the driver asks of the master, and what it does with what it is offered. Pure.

use crate::task::site::Site;
use rsk_proto::{
    AgentId, Demand, ExecutorClaim, ExecutorEnd, ExecutorId, MasterToFramework, Offer, OfferId, Refuse,
    Resources, Time,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How many executors, and of what size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    /// Slots of an executor, a CPU each.
    pub executor_slots: u32,
    /// Memory of an executor.
    pub executor_memory_bytes: u64,
    /// Slots of all executors together that are had and kept, whatever there is to do.
    pub slots_min: u32,
    /// Slots of all executors together.
    pub slots_max: u32,
    /// An executor that has had nothing to do for so long is given back, unless it holds cached blocks.
    pub idle_timeout: Duration,
}

/// What the core hears.
#[derive(Debug)]
pub enum Event {
    /// The master has said something.
    Master(MasterToFramework),
    /// An executor has dialled the driver and was welcomed.
    Joined(ExecutorId),
    /// An executor cannot be talked to any more, or does not stop what it was told to stop.
    Stuck(ExecutorId),
    /// So many tasks wait or run, and these executors have work or hold blocks.
    Load {
        /// Tasks.
        tasks: usize,
        /// Executors.
        busy: Vec<ExecutorId>,
    },
    /// What no task that waits can use, because tasks failed there.
    Useless {
        /// Executors: others are wanted in their place.
        executors: BTreeSet<ExecutorId>,
        /// Those of them of which no task will ever be of use: they are given back at once.
        for_all: BTreeSet<ExecutorId>,
        /// Hosts of which no offer is taken, and why.
        hosts: BTreeMap<String, String>,
    },
    /// The time that `wake_at` named has come.
    Wake,
}

/// What the shell does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Buy executors with an offer.
    Accept {
        /// The offer.
        offer: OfferId,
        /// What to buy.
        executors: Vec<Order>,
    },
    /// Give offers back.
    Decline {
        /// The offers.
        offers: Vec<OfferId>,
        /// For how long, and why.
        refuse: Refuse,
    },
    /// Say what could be used from now on.
    Want(Option<Demand>),
    /// Give an executor back.
    Release(ExecutorId),
    /// Have an executor that is of no use ended by force.
    End(ExecutorId),
    /// Tell the master that the end of an executor is known.
    Acknowledge(ExecutorId),
    /// An executor is gone.
    Forget {
        /// The executor.
        executor: ExecutorId,
        /// How it ended.
        why: String,
    },
    /// An agent is gone, with the map outputs it kept.
    ForgetAgent(AgentId),
    /// Tell the user why jobs wait.
    Tell(String),
    /// No job can go on.
    GiveUp(String),
}

/// One executor that is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its name, never used before.
    pub executor: ExecutorId,
    /// Tasks at a time.
    pub slots: u32,
    /// What it is to have.
    pub resources: Resources,
    /// Where it will be.
    pub site: Site,
}

#[derive(Debug)]
struct Executor {
    agent: AgentId,
    /// It runs tasks.
    has_joined: bool,
    parting: Option<Parting>,
    /// Since when it has had nothing to do.
    idle_since: Option<Time>,
}

/// Why an executor that has not ended yet gets no tasks any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parting {
    GivenBack,
    Stuck,
}

impl Parting {
    fn command(self, executor: ExecutorId) -> Command {
        match self {
            Parting::GivenBack => Command::Release(executor),
            Parting::Stuck => Command::End(executor),
        }
    }
}

/// The executors of one application.
#[derive(Debug)]
pub struct FrameworkCore {
    sizes: Sizes,
    next: u64,
    executors: BTreeMap<ExecutorId, Executor>,
    tasks: usize,
    useless: BTreeSet<ExecutorId>,
    for_all: BTreeSet<ExecutorId>,
    closed_hosts: BTreeMap<String, String>,
    asked: Option<Demand>,
    /// Executors that ended before they joined, each ordered after the one before had ended.
    failures: u32,
    /// The first that was not ordered yet when the last failure was counted.
    failing_from: ExecutorId,
}

/// So many executors in a row that end before they can run a task mean that none will.
const FAILURES_MAX: u32 = 4;

impl FrameworkCore {
    /// An application that has no executor and nothing to do.
    pub fn new(sizes: Sizes) -> Self {
        FrameworkCore {
            sizes,
            next: 1,
            executors: BTreeMap::new(),
            tasks: 0,
            useless: BTreeSet::new(),
            for_all: BTreeSet::new(),
            closed_hosts: BTreeMap::new(),
            asked: None,
            failures: 0,
            failing_from: ExecutorId(0),
        }
    }

    /// What it would say of itself when it subscribes (again).
    pub fn claims(&self) -> Vec<ExecutorClaim> {
        self.executors
            .iter()
            .map(|(id, executor)| ExecutorClaim { executor: *id, agent: executor.agent })
            .collect()
    }

    /// What it could use now.
    pub fn demand(&self) -> Option<Demand> {
        let count = self.executors_wanted();
        (count > 0).then(|| Demand { shape: self.shape(), ports: 0, count: Some(count) })
    }

    fn shape(&self) -> Resources {
        Resources {
            cpus_milli: u64::from(self.sizes.executor_slots) * 1000,
            memory_bytes: self.sizes.executor_memory_bytes,
            ..Resources::default()
        }
    }

    /// Executors beside those that were ordered and that tasks can run on.
    fn executors_wanted(&self) -> u32 {
        let slots =
            u32::try_from(self.tasks).unwrap_or(u32::MAX).max(self.sizes.slots_min).min(self.sizes.slots_max);
        let there = || self.executors.iter().filter(|(_, executor)| executor.parting.is_none());
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let of_use = count(self.of_use());
        let size = self.sizes.executor_slots.max(1);
        let room = self.sizes.slots_max.div_ceil(size).saturating_sub(count(there().count()));
        slots.div_ceil(size).saturating_sub(of_use).min(room)
    }

    /// Folds one event.
    pub fn step(&mut self, event: Event, now: Time) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::Master(message) => self.heard(message, &mut commands),
            Event::Joined(id) => {
                self.failures = 0;
                if let Some(executor) = self.executors.get_mut(&id) {
                    executor.has_joined = true;
                    executor.idle_since = Some(now);
                }
            }
            Event::Stuck(id) => {
                let of_use = |executor: &&mut Executor| executor.parting != Some(Parting::Stuck);
                if let Some(executor) = self.executors.get_mut(&id).filter(of_use) {
                    executor.parting = Some(Parting::Stuck);
                    commands.push(Command::End(id));
                }
            }
            Event::Load { tasks, busy } => {
                self.tasks = tasks;
                for (id, executor) in self.executors.iter_mut().filter(|(_, executor)| executor.has_joined) {
                    executor.idle_since =
                        if busy.contains(id) { None } else { executor.idle_since.or(Some(now)) };
                }
            }
            Event::Useless { executors, for_all, hosts } => {
                (self.useless, self.for_all, self.closed_hosts) = (executors, for_all, hosts);
            }
            Event::Wake => {}
        }
        self.release_idle(now, &mut commands);
        let demand = self.demand();
        if demand != self.asked {
            self.asked.clone_from(&demand);
            commands.push(Command::Want(demand));
        }
        commands
    }

    /// Executors that stay, and of which tasks are of use.
    fn of_use(&self) -> usize {
        let is_of_use = |(id, executor): &(&ExecutorId, &Executor)| {
            executor.parting.is_none() && !self.useless.contains(id)
        };
        self.executors.iter().filter(is_of_use).count()
    }

    /// How many of those may be given back.
    fn spare(&self) -> usize {
        let kept = self.sizes.slots_min.min(self.sizes.slots_max).div_ceil(self.sizes.executor_slots.max(1));
        self.of_use().saturating_sub(kept as usize)
    }

    /// When to wake it, if nothing happens before.
    pub fn wake_at(&self) -> Option<Time> {
        let has_spare = self.spare() > 0;
        let may_go = |(id, executor): &(&ExecutorId, &Executor)| {
            executor.parting.is_none() && (has_spare || self.useless.contains(id))
        };
        let idle = self.executors.iter().filter(may_go).map(|(_, executor)| executor);
        idle.filter_map(|executor| executor.idle_since).min().map(|since| since + self.sizes.idle_timeout)
    }

    /// Forgets what the last master was told: the next one hears it with the subscription, and these commands.
    pub fn subscribed(&mut self, told: Option<Demand>) -> Vec<Command> {
        self.asked = told;
        let parting = |(id, executor): (&ExecutorId, &Executor)| Some(executor.parting?.command(*id));
        self.executors.iter().filter_map(parting).collect()
    }

    fn heard(&mut self, message: MasterToFramework, commands: &mut Vec<Command>) {
        match message {
            MasterToFramework::Offers(offers) => {
                for offer in offers {
                    commands.push(self.answer(&offer));
                }
            }
            MasterToFramework::ExecutorEnded { executor, end, .. } => self.ended(executor, &end, commands),
            MasterToFramework::AgentLost(agent) => {
                let lost = self.executors.iter().filter(|(_, executor)| executor.agent == agent);
                let lost: Vec<_> = lost.map(|(id, _)| *id).collect();
                for executor in lost {
                    self.executors.remove(&executor);
                    commands.push(Command::Forget { executor, why: format!("{agent} is lost") });
                }
                commands.push(Command::ForgetAgent(agent));
            }
            MasterToFramework::Unsatisfiable { shape, largest, why } => {
                let largest =
                    largest.map_or_else(|| "there is none".to_owned(), |largest| largest.to_string());
                commands.push(Command::Tell(format!(
                    "no agent can give {shape} for one executor; the largest has {largest}: {why}"
                )));
            }
            // It was given back, and that was lost on the way; or it was given up, and is there after all.
            MasterToFramework::ExecutorRuns { executor, .. }
                if self.executors.get(&executor).is_none_or(|it| it.parting.is_some()) =>
            {
                let parting = self.executors.get(&executor).and_then(|it| it.parting);
                commands.push(parting.unwrap_or(Parting::GivenBack).command(executor));
            }
            MasterToFramework::Stop { why } => commands.push(Command::GiveUp(why)),
            MasterToFramework::Refused(refusal) => commands.push(Command::GiveUp(refusal.to_string())),
            MasterToFramework::Subscribed { .. }
            | MasterToFramework::Heartbeat
            | MasterToFramework::Rescinded(_)
            | MasterToFramework::ExecutorRuns { .. } => {}
        }
    }

    /// An offer is used or given back at once: none is ever held.
    fn answer(&mut self, offer: &Offer) -> Command {
        let refuse = |why: &str| Command::Decline { offers: vec![offer.id], refuse: Refuse::because(why) };
        if let Some(why) = self.closed_hosts.get(&offer.host) {
            return refuse(&format!("{} is excluded: {why}", offer.host));
        }
        let wanted = self.executors_wanted();
        if wanted == 0 {
            return refuse("it has as many executors as it can use");
        }
        let demand = Demand { shape: self.shape(), ports: 0, count: Some(wanted) };
        let count = demand.shapes_in(&offer.resources);
        if count == 0 {
            return refuse("it is too small for one executor");
        }
        Command::Accept { offer: offer.id, executors: (0..count).map(|_| self.order(offer)).collect() }
    }

    fn order(&mut self, offer: &Offer) -> Order {
        let executor = ExecutorId(self.next);
        self.next += 1;
        let state = Executor { agent: offer.agent, has_joined: false, parting: None, idle_since: None };
        self.executors.insert(executor, state);
        let site =
            Site { host: offer.host.as_str().into(), rack: offer.attributes.get("rack").map(Into::into) };
        Order { executor, slots: self.sizes.executor_slots, resources: self.shape(), site }
    }

    /// Said again until it is acknowledged, so that it may come twice.
    fn ended(&mut self, id: ExecutorId, end: &ExecutorEnd, commands: &mut Vec<Command>) {
        commands.push(Command::Acknowledge(id));
        let Some(executor) = self.executors.remove(&id) else { return };
        commands.push(Command::Forget { executor: id, why: end.to_string() });
        let is_failure = !executor.has_joined && executor.parting.is_none();
        // What never reached its agent, or ended with it or because somebody wanted that, says nothing of the program.
        let is_others = matches!(
            end,
            ExecutorEnd::Dropped | ExecutorEnd::AgentLost | ExecutorEnd::Killed | ExecutorEnd::Unseen
        );
        // Those that fail together, as their machine does, are one failure; and a program of which one runs is right.
        if is_failure
            && !is_others
            && id >= self.failing_from
            && !self.executors.values().any(|it| it.has_joined)
        {
            self.failures += 1;
            self.failing_from = ExecutorId(self.next);
            if self.failures >= FAILURES_MAX {
                let hint = match end {
                    ExecutorEnd::LaunchFailed(_) => "",
                    _ => ": does the program's main begin with rsk::run or rsk::executor_if_asked?",
                };
                commands.push(Command::GiveUp(format!(
                    "{FAILURES_MAX} executors in a row ended before they could run a task, the last one because it {end}{hint}"
                )));
            }
        }
    }

    fn release_idle(&mut self, now: Time, commands: &mut Vec<Command>) {
        let mut spare = self.spare();
        for (id, executor) in &mut self.executors {
            let timeout = if self.for_all.contains(id) { Duration::ZERO } else { self.sizes.idle_timeout };
            let is_idle = executor.idle_since.is_some_and(|since| now.since(since) >= timeout);
            if !is_idle || executor.parting.is_some() {
                continue;
            }
            let is_useless = self.useless.contains(id);
            if is_useless || spare > 0 {
                spare -= usize::from(!is_useless);
                executor.parting = Some(Parting::GivenBack);
                commands.push(Command::Release(*id));
            }
        }
    }
}

#[cfg(test)]
mod tests;
