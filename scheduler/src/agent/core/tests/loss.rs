//! An agent and a simple master with a link that loses and repeats messages, and ends at any time.

use super::*;
use proptest::prelude::*;
use std::collections::btree_map::Entry;

#[derive(Debug, Clone, Copy)]
enum Move {
    /// The master orders the next executor of this framework.
    Launch(u32),
    Kill(u32, u64),
    End(u32),
    /// A process that was asked to start runs, or has ended: the n-th of those that are there.
    ShellStarts(usize),
    ShellEnds(usize),
    /// The oldest message of the agent, or of the master, arrives, is lost, or arrives twice.
    ToMaster(Fate),
    ToAgent(Fate),
    LinkEnds,
    Wait(u64),
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    IsLost,
    ArrivesTwice,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let fate =
        || prop_oneof![6 => Just(Fate::Arrives), 1 => Just(Fate::IsLost), 1 => Just(Fate::ArrivesTwice)];
    let one = prop_oneof![
        3 => (1..3u32).prop_map(Move::Launch),
        2 => ((1..3u32), (1..6u64)).prop_map(|(framework, executor)| Move::Kill(framework, executor)),
        1 => (1..3u32).prop_map(Move::End),
        4 => (0..9usize).prop_map(Move::ShellStarts),
        4 => (0..9usize).prop_map(Move::ShellEnds),
        9 => fate().prop_map(Move::ToMaster),
        9 => fate().prop_map(Move::ToAgent),
        1 => Just(Move::LinkEnds),
        3 => (0..30u64).prop_map(Move::Wait),
    ];
    proptest::collection::vec(one, 0..200)
}

/// The world around the agent: its shell, the link, and a master that only believes what it hears.
struct World {
    core: AgentCore,
    now: Time,
    call: Call,
    to_master: VecDeque<AgentToMaster>,
    to_agent: VecDeque<MasterToAgent>,
    is_registered: bool,
    next: BTreeMap<u32, u64>,
    over: BTreeSet<FrameworkId>,
    /// What the shell has been asked to start, and whether it runs.
    processes: BTreeMap<ExecutorKey, bool>,
    started: BTreeSet<ExecutorKey>,
    recorded: BTreeMap<ExecutorKey, ExecutorEnd>,
    told: BTreeMap<ExecutorKey, ExecutorEnd>,
    files: BTreeSet<FrameworkId>,
    cleaned: BTreeSet<FrameworkId>,
}

impl World {
    fn step(&mut self, event: Event) {
        let commands = self.core.step(event, self.now);
        for command in commands {
            self.carry_out(command);
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Dial(call, _) => {
                self.call = call;
                (self.to_master, self.to_agent, self.is_registered) = Default::default();
                self.step(Event::Connected(call));
            }
            Command::HangUp(_) => self.call = 0,
            Command::Send(call, message) => {
                if let AgentToMaster::ExecutorEnded { key, end } = &message
                    && *end != ExecutorEnd::Dropped
                {
                    assert_eq!(self.recorded.get(key), Some(end), "written down before it is told");
                }
                if call == self.call {
                    self.to_master.push_back(message);
                }
            }
            Command::Start(spec) => {
                let key = spec.key();
                assert!(self.started.insert(key), "{key} is started twice");
                assert!(
                    !self.cleaned.contains(&key.framework),
                    "{key} is started after its framework's files went"
                );
                self.processes.insert(key, false);
                self.files.insert(key.framework);
            }
            Command::Ask(_) | Command::Name(_) => {}
            Command::Force(key) => {
                if self.processes.remove(&key).is_some() {
                    self.step(Event::Ended(key, ExecutorEnd::Signalled(9)));
                }
            }
            Command::Record(key, end) => {
                assert!(!self.processes.contains_key(&key), "{key} ended and has a process");
                self.recorded.insert(key, end);
            }
            Command::Forget(key) => {
                let end = self.recorded.remove(&key);
                assert!(end.is_some_and(|end| self.told.contains_key(&key) || end == ExecutorEnd::Dropped));
            }
            Command::Clean(framework) => {
                assert!(
                    self.processes.keys().all(|key| key.framework != framework),
                    "processes outlive files"
                );
                self.files.remove(&framework);
                self.cleaned.insert(framework);
                self.step(Event::Cleaned(framework, Ok(())));
            }
            Command::Exit(_) => panic!("nobody asked it to stop"),
        }
    }

    fn master_hears(&mut self, message: AgentToMaster) {
        let mut answers = Vec::new();
        match message {
            AgentToMaster::Register { executors, frameworks, .. } => {
                self.is_registered = true;
                answers.push(registered());
                for report in executors {
                    if let ExecutorState::Ended(end) = report.state {
                        self.master_hears(AgentToMaster::ExecutorEnded { key: report.key, end });
                    }
                }
                answers.extend(
                    frameworks.into_iter().filter(|it| self.over.contains(it)).map(MasterToAgent::End),
                );
            }
            AgentToMaster::ExecutorEnded { key, end } => {
                match self.told.entry(key) {
                    Entry::Vacant(entry) => drop(entry.insert(end)),
                    Entry::Occupied(entry) => {
                        let is_same = *entry.get() == end || end == ExecutorEnd::Dropped;
                        assert!(
                            is_same || *entry.get() == ExecutorEnd::Dropped || end == ExecutorEnd::Killed
                        );
                    }
                }
                answers.push(MasterToAgent::Acknowledge(key));
            }
            _ => {}
        }
        // A registration's answer comes first.
        for (at, answer) in answers.into_iter().enumerate() {
            match answer {
                MasterToAgent::Registered { .. } => self.to_agent.insert(at, answer),
                _ => self.to_agent.push_back(answer),
            }
        }
    }

    fn deliver(&mut self, fate: Fate, is_to_agent: bool) {
        let times = match fate {
            Fate::IsLost => 0,
            Fate::Arrives => 1,
            Fate::ArrivesTwice => 2,
        };
        if is_to_agent {
            let Some(message) = self.to_agent.pop_front() else { return };
            for _ in 0..times {
                self.step(Event::Heard(self.call, message.clone()));
            }
        } else {
            let Some(message) = self.to_master.pop_front() else { return };
            for _ in 0..times {
                self.master_hears(message.clone());
            }
        }
    }

    fn make(&mut self, one: Move) {
        match one {
            Move::Launch(framework) => {
                if self.is_registered && !self.over.contains(&app(framework)) {
                    let executor = self.next.entry(framework).or_insert(0);
                    *executor += 1;
                    self.to_agent.push_back(MasterToAgent::Launch(Box::new(spec(framework, *executor))));
                }
            }
            Move::Kill(framework, executor) if self.is_registered => {
                let key = key(framework, executor);
                self.to_agent.push_back(MasterToAgent::Kill { key, grace: Duration::from_secs(3) });
            }
            Move::End(framework) if self.is_registered => {
                self.over.insert(app(framework));
                self.to_agent.push_back(MasterToAgent::End(app(framework)));
            }
            Move::Kill(..) | Move::End(_) => {}
            Move::ShellStarts(nth) => {
                if let Some((key, runs)) = self.processes.iter_mut().nth(nth) {
                    *runs = true;
                    let key = *key;
                    self.step(Event::Started(key));
                }
            }
            Move::ShellEnds(nth) => {
                if let Some(key) = self.processes.keys().nth(nth).copied() {
                    self.processes.remove(&key);
                    self.step(Event::Ended(key, ExecutorEnd::Exited(0)));
                }
            }
            Move::ToMaster(fate) => self.deliver(fate, false),
            Move::ToAgent(fate) => self.deliver(fate, true),
            Move::LinkEnds => {
                let call = std::mem::take(&mut self.call);
                self.step(Event::Disconnected(call, Cause::new("cut")));
            }
            Move::Wait(seconds) => {
                self.now = self.now + Duration::from_secs(seconds);
                self.step(Event::Wake);
            }
        }
    }

    /// Nothing is lost any more; the master ends all frameworks. A minute of quiet later nothing is left.
    fn settle(&mut self) {
        self.over.extend([app(1), app(2)]);
        self.make(Move::LinkEnds);
        for _ in 0..200 {
            self.make(Move::Wait(1));
            while !self.to_master.is_empty() || !self.to_agent.is_empty() {
                self.deliver(Fate::Arrives, false);
                self.deliver(Fate::Arrives, true);
            }
            if self.is_registered {
                self.to_agent.push_back(MasterToAgent::Heartbeat);
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_lost_or_repeated_every_executor_ends_once_and_nothing_is_left(moves in moves()) {
        let mut world = World {
            core: core(1, vec![]),
            now: Time::default(),
            call: 0,
            to_master: VecDeque::new(),
            to_agent: VecDeque::new(),
            is_registered: false,
            next: BTreeMap::new(),
            over: BTreeSet::new(),
            processes: BTreeMap::new(),
            started: BTreeSet::new(),
            recorded: BTreeMap::new(),
            told: BTreeMap::new(),
            files: BTreeSet::new(),
            cleaned: BTreeSet::new(),
        };
        world.make(Move::Wait(0));
        for one in moves {
            world.make(one);
        }
        world.settle();
        prop_assert!(world.core.executors.is_empty(), "{:?}", world.core.executors);
        prop_assert!(world.core.frameworks.is_empty(), "{:?}", world.core.frameworks);
        prop_assert!(world.processes.is_empty() && world.recorded.is_empty() && world.files.is_empty());
        for key in &world.started {
            prop_assert!(world.told.contains_key(key), "{key} ended unheard");
        }
    }
}
