//! An agent's machine: the agent's process, its disk, and the executors' processes, which outlive the agent.

use super::{
    Happening, Sabotage, World,
    network::{End, Letter, Node, StreamId},
};
use rsk_proto::{
    AgentFacts, AgentId, Attributes, ByteSize, Cause, ExecutorEnd, ExecutorKey, ExecutorSpec, FrameworkId,
    Incarnation, Resources, Time,
};
use rsk_scheduler::agent::{AgentCore, Call, Command, Event, Recovered};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// An executor as it is written down.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    pub(crate) spec: ExecutorSpec,
    pid: Option<u64>,
    end: Option<ExecutorEnd>,
}

/// What the agent's process does about an executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Preparing,
    Watching { pid: u64, is_child: bool },
}

/// A machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) core: Option<AgentCore>,
    pub(crate) total: Resources,
    /// On disk: its name, its start, what it was ordered, and of whom it has files.
    pub(crate) id: Option<AgentId>,
    incarnation: u64,
    pub(crate) checkpoints: BTreeMap<ExecutorKey, Checkpoint>,
    pub(crate) files: BTreeSet<FrameworkId>,
    /// In the agent's memory.
    lives: BTreeMap<ExecutorKey, Life>,
    began: Time,
    /// Counts starts of the process: what was under way in an earlier one is gone.
    pub(crate) start: u64,
    call: Option<(StreamId, Call)>,
    pub(crate) wake_not_before: Time,
    /// It dies in the next step, having done so many things of it.
    pub(crate) dies_after: Option<usize>,
    /// It never comes back.
    pub(crate) is_gone: bool,
}

impl Machine {
    pub(crate) fn new(cpus: u64) -> Self {
        Machine {
            core: None,
            total: Resources::of(cpus * 1000, ByteSize::mib(cpus * 1024)),
            id: None,
            incarnation: 0,
            checkpoints: BTreeMap::new(),
            files: BTreeSet::new(),
            lives: BTreeMap::new(),
            began: Time::default(),
            start: 0,
            call: None,
            wake_not_before: Time::default(),
            dies_after: None,
            is_gone: false,
        }
    }

    pub(crate) fn wake_at(&self) -> Option<Time> {
        let core = self.core.as_ref()?;
        Some((self.began + core.wake_at().0).max(self.wake_not_before))
    }
}

/// What the agent's process does beside its core, and when that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// An executor's files are there: it can be started.
    Prepared(ExecutorKey),
    /// The core hears something.
    Tell(Event),
}

impl World {
    pub(crate) fn start_agent(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        if machine.core.is_some() || machine.is_gone {
            return;
        }
        machine.incarnation += 1;
        machine.start += 1;
        machine.began = self.now;
        machine.call = None;
        machine.dies_after = None;
        machine.lives.clear();
        let mut recovered = Vec::new();
        let mut adopted = BTreeSet::new();
        for (key, checkpoint) in &mut machine.checkpoints {
            let alive =
                checkpoint.pid.filter(|pid| checkpoint.end.is_none() && self.processes.contains_key(pid));
            if let Some(pid) = alive {
                adopted.insert(pid);
                machine.lives.insert(*key, Life::Watching { pid, is_child: false });
            } else if checkpoint.end.is_none() {
                let is_fresh = checkpoint.pid.is_none();
                let why = "the agent was started again while it was being started";
                checkpoint.end = Some(if is_fresh {
                    ExecutorEnd::LaunchFailed(Cause::new(why))
                } else {
                    ExecutorEnd::Unseen
                });
            }
            recovered.push(Recovered { spec: checkpoint.spec.clone(), end: checkpoint.end.clone() });
        }
        let total = if self.sabotage == Some(Sabotage::Boast) {
            machine.total.times(2)
        } else {
            machine.total.clone()
        };
        let facts = AgentFacts {
            host: format!("host-{at}"),
            address: format!("host-{at}:5051"),
            reserved: std::collections::BTreeMap::new(),
            resources: total,
            attributes: Attributes::default(),
            platform: "x86_64".to_owned(),
        };
        let known = (recovered, machine.files.iter().copied().collect());
        let who = (machine.id, Incarnation(machine.incarnation));
        machine.core = Some(AgentCore::new(facts, 1, who, known, self.chance.next(), Time::default()));
        self.log(|world| format!("agent {at} starts as {:?}", world.machines[at].id));
        // Whatever bears the agent's mark and is not adopted is ended.
        let stray = self.processes.iter().filter(|(pid, it)| it.machine == at && !adopted.contains(pid));
        let stray: Vec<_> = stray.map(|(pid, _)| *pid).collect();
        stray.into_iter().for_each(|pid| self.process_ends(pid, ExecutorEnd::Signalled(9)));
    }

    /// `kill -9` of the agent alone.
    pub(crate) fn kill_agent(&mut self, at: usize) {
        self.log(|_| format!("agent {at} is killed"));
        self.agent_is_gone(at);
        let away = self.chance.millis(50, 40_000);
        self.after(away, Happening::StartAgent(at));
    }

    fn agent_is_gone(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        machine.core = None;
        machine.lives.clear();
        if let Some((stream, _)) = machine.call.take() {
            let keeps_tail = self.chance.one_in(2);
            self.close(stream, End::Dialler, keeps_tail);
        }
    }

    /// The power fails: nothing that ran is left, and nobody says so.
    pub(crate) fn power_fails(&mut self, at: usize) {
        self.log(|_| format!("machine {at} loses its power"));
        let machine = &mut self.machines[at];
        machine.core = None;
        machine.lives.clear();
        machine.call = None;
        for (stream, end) in self.network.of(Node::Machine(at)) {
            self.vanish(stream, end);
        }
        let all: Vec<_> =
            self.processes.iter().filter(|(_, it)| it.machine == at).map(|(pid, _)| *pid).collect();
        all.into_iter().for_each(|pid| drop(self.processes.remove(&pid)));
        let away = self.chance.millis(1000, 60_000);
        self.after(away, Happening::StartAgent(at));
    }

    /// The disk is new.
    pub(crate) fn wipe(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        if machine.core.is_none() && !self.processes.values().any(|it| it.machine == at) {
            machine.id = None;
            machine.incarnation = 0;
            machine.checkpoints.clear();
            machine.files.clear();
        }
    }

    /// Asks the agent to stop, as an operator does.
    pub(crate) fn stop_agent(&mut self, at: usize) {
        self.log(|_| format!("agent {at} is asked to stop"));
        self.step_agent(at, Event::Stop);
    }

    pub(crate) fn agent_receives(&mut self, at: usize, stream: StreamId, letter: Letter) {
        let Some((_, call)) = self.machines[at].call.filter(|(known, _)| *known == stream) else { return };
        match letter {
            Letter::Connected => self.step_agent(at, Event::Connected(call)),
            Letter::Closed => {
                self.machines[at].call = None;
                self.step_agent(at, Event::Disconnected(call, Cause::new("it is over")));
            }
            Letter::MasterToAgent(message) => self.step_agent(at, Event::Heard(call, message)),
            _ => {}
        }
    }

    /// Something that the agent's process had under way is done.
    pub(crate) fn agent_has_done(&mut self, at: usize, start: u64, work: Work) {
        if self.machines[at].start != start || self.machines[at].core.is_none() {
            return;
        }
        match work {
            Work::Tell(event) => self.step_agent(at, event),
            Work::Prepared(key) => self.prepared(at, key),
        }
    }

    fn work(&mut self, at: usize, after: Duration, work: Work) {
        let start = self.machines[at].start;
        self.after(after, Happening::AgentHasDone(at, start, work));
    }

    pub(crate) fn step_agent(&mut self, at: usize, event: Event) {
        self.log(|_| format!("agent {at}: {event:?}"));
        let machine = &mut self.machines[at];
        machine.wake_not_before = self.now + Duration::from_millis(1);
        let now = Time(self.now.since(machine.began));
        let Some(core) = &mut machine.core else { return };
        let mut commands = core.step(event, now);
        let dies = if commands.is_empty() { None } else { machine.dies_after.take() };
        commands.truncate(dies.unwrap_or(usize::MAX));
        for command in commands {
            self.carry_out_of_agent(at, command);
        }
        if dies.is_some() {
            self.kill_agent(at);
        }
    }

    fn carry_out_of_agent(&mut self, at: usize, command: Command) {
        self.log(|_| format!("agent {at} > {command:?}"));
        match command {
            Command::Dial(call, _) => {
                self.hang_up(at);
                if self.sabotage == Some(Sabotage::StayAway) && call > 1 {
                    return;
                }
                let stream = self.dial(Node::Machine(at), Node::Master);
                self.machines[at].call = Some((stream, call));
            }
            Command::HangUp(_) => self.hang_up(at),
            Command::Send(call, message) => {
                if let Some((stream, _)) = self.machines[at].call.filter(|(_, known)| *known == call) {
                    self.send(stream, End::Dialler, Letter::AgentToMaster(message));
                }
            }
            Command::Name(id) => self.machines[at].id = id,
            Command::Start(spec) => self.prepare(at, *spec),
            Command::Ask(key) => match self.machines[at].lives.get(&key).copied() {
                Some(Life::Preparing) => {
                    self.machines[at].lives.remove(&key);
                    self.work(
                        at,
                        Duration::from_millis(2),
                        Work::Tell(Event::Ended(key, ExecutorEnd::Killed)),
                    );
                }
                Some(Life::Watching { pid, .. }) => self.ask_process(pid),
                None => {}
            },
            Command::Force(key) => match self.machines[at].lives.get(&key).copied() {
                Some(Life::Preparing) => {
                    self.machines[at].lives.remove(&key);
                    self.work(
                        at,
                        Duration::from_millis(2),
                        Work::Tell(Event::Ended(key, ExecutorEnd::Killed)),
                    );
                }
                Some(Life::Watching { pid, .. }) => self.process_ends(pid, ExecutorEnd::Signalled(9)),
                None => {}
            },
            Command::Record(key, end) => {
                if let Some(checkpoint) = self.machines[at].checkpoints.get_mut(&key) {
                    checkpoint.end = Some(end);
                }
            }
            Command::Forget(key) => {
                self.machines[at].checkpoints.remove(&key);
            }
            Command::Clean(framework) => {
                let takes = self.chance.millis(1, 300);
                let is_done = self.is_quiet || !self.chance.one_in(10);
                let result = if is_done {
                    self.machines[at].files.remove(&framework);
                    Ok(())
                } else {
                    Err(Cause::new("a file is held open"))
                };
                self.work(at, takes, Work::Tell(Event::Cleaned(framework, result)));
            }
            Command::Exit(_) => {
                self.agent_is_gone(at);
                let away = self.chance.millis(500, 20_000);
                self.after(away, Happening::StartAgent(at));
            }
        }
    }

    fn hang_up(&mut self, at: usize) {
        if let Some((stream, _)) = self.machines[at].call.take() {
            let keeps_tail = !self.chance.one_in(4);
            self.close(stream, End::Dialler, keeps_tail);
        }
    }

    fn prepare(&mut self, at: usize, spec: ExecutorSpec) {
        let key = spec.key();
        let watched = self.epochs.started(at, &spec);
        self.hold(watched);
        let machine = &mut self.machines[at];
        machine.files.insert(spec.framework);
        machine.lives.insert(key, Life::Preparing);
        machine.checkpoints.insert(key, Checkpoint { spec, pid: None, end: None });
        let takes =
            if self.chance.one_in(20) { self.chance.millis(500, 12_000) } else { self.chance.millis(5, 60) };
        self.work(at, takes, Work::Prepared(key));
    }

    fn prepared(&mut self, at: usize, key: ExecutorKey) {
        let machine = &mut self.machines[at];
        if machine.lives.get(&key) != Some(&Life::Preparing) {
            return;
        }
        if !self.is_quiet && self.chance.one_in(100) {
            self.machines[at].lives.remove(&key);
            let end = ExecutorEnd::LaunchFailed(Cause::new("the disk is full"));
            return self.step_agent(at, Event::Ended(key, end));
        }
        let Some(checkpoint) = machine.checkpoints.get_mut(&key) else { return };
        let spec = checkpoint.spec.clone();
        let pid = self.start_process(at, &spec);
        let is_killed_between = self.chance.one_in(200) && !self.is_quiet;
        let machine = &mut self.machines[at];
        machine.lives.insert(key, Life::Watching { pid, is_child: true });
        if is_killed_between {
            return self.kill_agent(at);
        }
        if let Some(checkpoint) = machine.checkpoints.get_mut(&key) {
            checkpoint.pid = Some(pid);
        }
        self.step_agent(at, Event::Started(key));
        if self.sabotage == Some(Sabotage::ForgetProcesses) && self.chance.one_in(4) {
            self.work(at, Duration::from_secs(1), Work::Tell(Event::Ended(key, ExecutorEnd::Exited(0))));
        }
    }

    /// The agent sees that a process has ended, if it looks.
    pub(crate) fn agent_sees_end(&mut self, at: usize, key: ExecutorKey, pid: u64, end: ExecutorEnd) {
        let Some(Life::Watching { pid: watched, is_child }) = self.machines[at].lives.get(&key).copied()
        else {
            return;
        };
        if watched == pid {
            self.machines[at].lives.remove(&key);
            let takes = self.chance.millis(1, 30);
            let end = if is_child { end } else { ExecutorEnd::Unseen };
            self.work(at, takes, Work::Tell(Event::Ended(key, end)));
        }
    }
}
