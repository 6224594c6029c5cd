//! What an agent decides: when to register, what to start, whom to kill, what to tell, when to delete. Pure: the shell
//! carries the commands out in their order, and says what came of them.
//!
//! An executor goes from starting over running and ending to ended, and skips what it skips; its end is told until the
//! master has acknowledged it. A framework goes from known over ended to cleaned.

use super::{
    link::{Call, Due, Link},
    orders::{Clean, Executor, Framework, Phase, TELL_FIRST, report_of},
};
use rsk_proto::{
    AgentFacts, AgentId, AgentToMaster, Cause, ExecutorEnd, ExecutorKey, ExecutorReport, ExecutorSpec,
    ExecutorState, FrameworkId, Hello, Incarnation, MasterToAgent, Refusal, Time,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// An agent that stops waits so long for its last words to be acknowledged.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// Something has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The time of [`AgentCore::wake_at`] has come.
    Wake,
    /// A master has answered the call.
    Connected(Call),
    /// The call is over, or never was.
    Disconnected(Call, Cause),
    /// A master has said something.
    Heard(Call, MasterToAgent),
    /// An executor's process runs, and that is written down.
    Started(ExecutorKey),
    /// An executor's process, and all that it started, is gone, or there never was one.
    Ended(ExecutorKey, ExecutorEnd),
    /// The files of a framework are deleted, or cannot be now.
    Cleaned(FrameworkId, Result<(), Cause>),
    /// The agent is to stop.
    Stop,
}

/// Something is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Call this master: the number counts the list of masters.
    Dial(Call, usize),
    /// End the call.
    HangUp(Call),
    /// Say this on the call. Whatever cannot be said is lost: the call is about to be over.
    Send(Call, AgentToMaster),
    /// Keep the agent's name, or forget it.
    Name(Option<AgentId>),
    /// Write the order down, get what it needs, start it; then say [`Event::Started`] or [`Event::Ended`].
    Start(Box<ExecutorSpec>),
    /// Ask the process to end; if it does not run yet, do not start it.
    Ask(ExecutorKey),
    /// End the process and all that it started.
    Force(ExecutorKey),
    /// Write the end down.
    Record(ExecutorKey, ExecutorEnd),
    /// Nobody will ask for this executor any more.
    Forget(ExecutorKey),
    /// Delete all files of a framework.
    Clean(FrameworkId),
    /// The agent has ended.
    Exit(Result<(), Refusal>),
}

/// An executor that was there before this start of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Its order.
    pub spec: ExecutorSpec,
    /// How it ended; `None`: its process runs, and the shell watches it.
    pub end: Option<ExecutorEnd>,
}

/// The agent's decisions.
#[derive(Debug)]
pub struct AgentCore {
    pub(super) facts: AgentFacts,
    id: Option<AgentId>,
    incarnation: Incarnation,
    pub(super) link: Link,
    pub(super) executors: BTreeMap<ExecutorKey, Executor>,
    pub(super) frameworks: BTreeMap<FrameworkId, Framework>,
    pub(super) ended: VecDeque<FrameworkId>,
    pub(super) stop: Option<Stop>,
    /// Masters that refused in a way that asking again cannot help, since the start; nobody has taken the agent yet.
    hopeless: Option<BTreeSet<usize>>,
    masters: usize,
    dialled: usize,
}

#[derive(Debug)]
pub(super) struct Stop {
    /// Set once no executor is left.
    leave_at: Option<Time>,
    why: Result<(), Refusal>,
}

impl AgentCore {
    /// An agent as its work folder knows it, and that dials the first of so many masters at once. `seed` spreads the calls of
    /// many agents.
    pub fn new(
        facts: AgentFacts,
        masters: usize,
        (id, incarnation): (Option<AgentId>, Incarnation),
        (recovered, frameworks): (Vec<Recovered>, Vec<FrameworkId>),
        seed: u64,
        now: Time,
    ) -> Self {
        let mut core = AgentCore {
            facts,
            id,
            incarnation,
            link: Link::new(masters, seed, now),
            executors: BTreeMap::new(),
            frameworks: frameworks.into_iter().map(|id| (id, Framework::default())).collect(),
            ended: VecDeque::new(),
            stop: None,
            hopeless: Some(BTreeSet::new()),
            masters,
            dialled: 0,
        };
        for Recovered { spec, end } in recovered {
            let framework = core.frameworks.entry(spec.framework).or_default();
            framework.epoch = framework.epoch.max(spec.epoch);
            let phase = match end {
                Some(end) => Phase::Ended { end, tell_at: now + TELL_FIRST, tell_after: TELL_FIRST },
                None => Phase::Running,
            };
            core.executors.insert(spec.key(), Executor { report: report_of(&spec), phase });
        }
        core
    }

    /// Folds one event into the agent.
    pub fn step(&mut self, event: Event, now: Time) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::Connected(call) => {
                if self.link.connected(call, now) {
                    commands.push(Command::Send(call, self.registration()));
                }
            }
            Event::Disconnected(call, _) if self.link.is_under_way(call) => self.link.down(now),
            Event::Heard(call, message) if self.link.is_under_way(call) => {
                self.heard(message, now, &mut commands);
            }
            Event::Wake | Event::Disconnected(..) | Event::Heard(..) => {}
            Event::Started(key) => self.started(key, &mut commands),
            Event::Ended(key, end) => self.ended(key, end, now, &mut commands),
            Event::Cleaned(framework, result) => self.cleaned(framework, &result, now, &mut commands),
            Event::Stop => self.stop(Ok(()), now, &mut commands),
        }
        self.look(now, &mut commands);
        commands
    }

    /// When the next [`Event::Wake`] is wanted.
    pub fn wake_at(&self) -> Time {
        let executors = self.executors.values().filter_map(|executor| match executor.phase {
            Phase::Ending { force_at } => Some(force_at),
            Phase::Ended { tell_at, .. } if self.link.is_up() => Some(tell_at),
            Phase::Ended { .. } | Phase::Starting | Phase::Running => None,
        });
        let cleans = self.frameworks.values().filter_map(|framework| match framework.clean {
            Clean::Again { at } => Some(at),
            Clean::No | Clean::Wanted | Clean::UnderWay => None,
        });
        let leave = self.stop.as_ref().and_then(|stop| stop.leave_at);
        executors.chain(cleans).chain(leave).fold(self.link.wake_at(), Time::min)
    }

    fn registration(&self) -> AgentToMaster {
        let report = |executor: &Executor| {
            let state = match &executor.phase {
                Phase::Starting => ExecutorState::Starting,
                Phase::Running => ExecutorState::Running,
                Phase::Ending { .. } => ExecutorState::Ending,
                Phase::Ended { end, .. } => ExecutorState::Ended(end.clone()),
            };
            ExecutorReport { state, ..executor.report.clone() }
        };
        AgentToMaster::Register {
            hello: Hello::ours(),
            id: self.id,
            incarnation: self.incarnation,
            facts: Box::new(self.facts.clone()),
            executors: self.executors.values().map(report).collect(),
            frameworks: self.frameworks.keys().copied().collect(),
        }
    }

    fn heard(&mut self, message: MasterToAgent, now: Time, commands: &mut Vec<Command>) {
        self.link.heard(now);
        match message {
            MasterToAgent::Registered { hello, id, heartbeat_every, lost_after }
                if self.link.is_greeting() =>
            {
                if let Err(_mismatch) = hello.check() {
                    let refusal = Refusal::Version { ours: hello, theirs: Hello::ours() };
                    return self.refused(refusal, now, commands);
                }
                self.hopeless = None;
                self.link.registered(heartbeat_every, lost_after, now);
                if self.id != Some(id) {
                    self.id = Some(id);
                    commands.push(Command::Name(self.id));
                }
                // Who has a new name is offered once it is known to know it.
                self.say(AgentToMaster::Heartbeat, commands);
            }
            MasterToAgent::Refused(refusal) => self.refused(refusal, now, commands),
            MasterToAgent::Heartbeat => {}
            // A side that gives orders before it has taken the agent is no master of it.
            _ if !self.link.is_up() => self.hang_up(now, commands),
            MasterToAgent::Registered { .. } => {}
            MasterToAgent::Launch(spec) => self.launch(spec, now, commands),
            MasterToAgent::Kill { key, .. } if !self.executors.contains_key(&key) => {
                self.say(AgentToMaster::ExecutorEnded { key, end: ExecutorEnd::Dropped }, commands);
            }
            MasterToAgent::Kill { key, grace } => self.kill(key, grace, now, commands),
            MasterToAgent::Acknowledge(key) => self.acknowledge(key, commands),
            MasterToAgent::End(framework) => self.end(framework, now, commands),
        }
    }

    fn refused(&mut self, refusal: Refusal, now: Time, commands: &mut Vec<Command>) {
        self.hang_up(now, commands);
        match refusal {
            Refusal::Unknown(_) => {
                self.id = None;
                commands.push(Command::Name(None));
            }
            Refusal::Replaced(_) => self.stop(Err(refusal), now, commands),
            // Who was taken once waits for a master that takes it again: its executors go on meanwhile.
            Refusal::Version { .. } | Refusal::Invalid(_) => {
                let Some(hopeless) = &mut self.hopeless else { return };
                hopeless.insert(self.dialled);
                if hopeless.len() >= self.masters {
                    self.stop(Err(refusal), now, commands);
                }
            }
            Refusal::NotReady(_) => {}
        }
    }

    fn hang_up(&mut self, now: Time, commands: &mut Vec<Command>) {
        commands.push(Command::HangUp(self.link.call()));
        self.link.down(now);
    }

    pub(super) fn say(&self, message: AgentToMaster, commands: &mut Vec<Command>) {
        if self.link.is_up() {
            commands.push(Command::Send(self.link.call(), message));
        }
    }

    fn stop(&mut self, why: Result<(), Refusal>, now: Time, commands: &mut Vec<Command>) {
        if self.stop.is_some() {
            return;
        }
        self.stop = Some(Stop { leave_at: None, why });
        self.kill_all(|_| true, now, commands);
    }

    /// Does what is due.
    fn look(&mut self, now: Time, commands: &mut Vec<Command>) {
        self.look_at_executors(now, commands);
        self.look_at_frameworks(now, commands);
        if self.leave(now, commands) {
            return;
        }
        match self.link.due(now) {
            Due::Nothing => {}
            Due::Dial(call, master) => {
                self.dialled = master;
                commands.push(Command::Dial(call, master));
            }
            Due::Beat => self.say(AgentToMaster::Heartbeat, commands),
            Due::Silent => self.hang_up(now, commands),
        }
    }

    /// Ends the agent when it is to stop and nothing keeps it: running executors, or ends that may yet be heard of.
    fn leave(&mut self, now: Time, commands: &mut Vec<Command>) -> bool {
        let Some(stop) = &mut self.stop else { return false };
        if self.executors.values().any(|executor| !matches!(executor.phase, Phase::Ended { .. })) {
            return false;
        }
        let leave_at = *stop.leave_at.get_or_insert(now + LEAVE_WITHIN);
        let has_words_left = self.link.is_greeting() || (self.link.is_up() && !self.executors.is_empty());
        if has_words_left && now < leave_at {
            return false;
        }
        let why = stop.why.clone();
        self.say(AgentToMaster::Leaving, commands);
        commands.push(Command::Exit(why));
        true
    }
}

#[cfg(test)]
mod tests;
