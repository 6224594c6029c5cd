//! What becomes of each executor and of each framework: the part of the agent's core that carries out orders.

use super::core::{AgentCore, Command};
use rsk_proto::{
    AgentToMaster, Cause, ExecutorEnd, ExecutorId, ExecutorKey, ExecutorReport, ExecutorSpec, ExecutorState,
    FrameworkEpoch, FrameworkId, Part, Resources, Time,
};
use std::{collections::BTreeSet, time::Duration};

/// How long executors may take to end by themselves once their framework has ended, or the agent is to stop.
const GRACE: Duration = Duration::from_secs(10);
/// A process that was killed by force and is still there is killed again after this.
const FORCE_EVERY: Duration = Duration::from_secs(5);
/// An end that is not acknowledged is told again after this, and then after twice as long.
pub(super) const TELL_FIRST: Duration = Duration::from_secs(10);
const TELL_MAX: Duration = Duration::from_secs(160);
/// Files that could not be deleted are tried again after this.
const CLEAN_EVERY: Duration = Duration::from_secs(5);
/// So many ended frameworks are remembered, so that a late order does not bring one back.
const ENDED_MAX: usize = 4096;

#[derive(Debug)]
pub(super) struct Executor {
    pub(super) report: ExecutorReport,
    pub(super) phase: Phase,
}

#[derive(Debug)]
pub(super) enum Phase {
    Starting,
    Running,
    Ending { force_at: Time },
    Ended { end: ExecutorEnd, tell_at: Time, tell_after: Duration },
}

#[derive(Debug, Default)]
pub(super) struct Framework {
    pub(super) epoch: FrameworkEpoch,
    /// Executors whose end has been acknowledged: they are not started again.
    pub(super) past: BTreeSet<ExecutorId>,
    pub(super) clean: Clean,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Clean {
    #[default]
    No,
    /// The framework has ended, and executors have not.
    Wanted,
    UnderWay,
    Again {
        at: Time,
    },
}

impl AgentCore {
    pub(super) fn launch(&mut self, spec: Box<ExecutorSpec>, now: Time, commands: &mut Vec<Command>) {
        let key = spec.key();
        if let Some(known) = self.executors.get_mut(&key) {
            // Said twice. Perhaps the master did not hear how it ended.
            if let Phase::Ended { tell_at, .. } = &mut known.phase {
                *tell_at = now;
            }
            return;
        }
        let refusal = self.refusal_of(&spec);
        if refusal != Some(ExecutorEnd::Killed) {
            let framework = self.frameworks.entry(spec.framework).or_default();
            framework.epoch = framework.epoch.max(spec.epoch);
        }
        self.executors.insert(key, Executor { report: report_of(&spec), phase: Phase::Starting });
        match refusal {
            Some(end) => self.ended(key, end, now, commands),
            None => commands.push(Command::Start(spec)),
        }
    }

    /// Why an order is not carried out.
    fn refusal_of(&self, spec: &ExecutorSpec) -> Option<ExecutorEnd> {
        let framework = self.frameworks.get(&spec.framework);
        if self.stop.is_some()
            || self.ended.contains(&spec.framework)
            || framework.is_some_and(|framework| framework.clean != Clean::No)
        {
            return Some(ExecutorEnd::Killed);
        }
        if framework
            .is_some_and(|framework| framework.past.contains(&spec.executor) || framework.epoch > spec.epoch)
        {
            return Some(ExecutorEnd::Dropped);
        }
        let mut used =
            self.executors.values().filter(|executor| !matches!(executor.phase, Phase::Ended { .. }));
        let used =
            used.try_fold(Resources::default(), |sum, executor| sum.checked_add(&executor.report.resources));
        let all = used.as_ref().and_then(|used| used.checked_add(&spec.resources));
        if all.is_some_and(|all| self.facts.resources.contains(&all)) {
            return None;
        }
        let used = used.map_or_else(|| "all".to_owned(), |used| used.to_string());
        let (has, wants) = (&self.facts.resources, &spec.resources);
        let why = format!("the agent has no room for {wants}: of {has} it uses {used}");
        Some(ExecutorEnd::LaunchFailed(Cause::new(why)))
    }

    pub(super) fn started(&mut self, key: ExecutorKey, commands: &mut Vec<Command>) {
        let Some(executor) = self.executors.get_mut(&key) else { return };
        match executor.phase {
            Phase::Starting => {
                executor.phase = Phase::Running;
                self.say(AgentToMaster::ExecutorRuns(key), commands);
            }
            // It was told to end while it was being started.
            Phase::Ending { .. } => commands.push(Command::Ask(key)),
            Phase::Running | Phase::Ended { .. } => {}
        }
    }

    pub(super) fn kill(&mut self, key: ExecutorKey, grace: Duration, now: Time, commands: &mut Vec<Command>) {
        let Some(executor) = self.executors.get_mut(&key) else { return };
        match &mut executor.phase {
            Phase::Starting | Phase::Running => {
                executor.phase = Phase::Ending { force_at: now + grace };
                if grace > Duration::ZERO {
                    commands.push(Command::Ask(key));
                }
            }
            Phase::Ending { force_at } => *force_at = (*force_at).min(now + grace),
            Phase::Ended { tell_at, .. } => *tell_at = now,
        }
    }

    pub(super) fn kill_all(
        &mut self,
        which: impl Fn(&ExecutorKey) -> bool,
        now: Time,
        commands: &mut Vec<Command>,
    ) {
        let is_alive = |executor: &Executor| !matches!(executor.phase, Phase::Ended { .. });
        let all = self.executors.iter().filter(|(key, executor)| which(key) && is_alive(executor));
        for key in all.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.kill(key, GRACE, now, commands);
        }
    }

    pub(super) fn ended(
        &mut self,
        key: ExecutorKey,
        end: ExecutorEnd,
        now: Time,
        commands: &mut Vec<Command>,
    ) {
        let Some(executor) = self.executors.get_mut(&key) else { return };
        let end = match (&executor.phase, end) {
            (Phase::Ended { .. }, _) => return,
            (Phase::Ending { .. }, end) if !matches!(end, ExecutorEnd::OutOfMemory { .. }) => {
                ExecutorEnd::Killed
            }
            (_, end) => end,
        };
        executor.phase = Phase::Ended { end: end.clone(), tell_at: now, tell_after: TELL_FIRST };
        commands.push(Command::Record(key, end));
    }

    pub(super) fn acknowledge(&mut self, key: ExecutorKey, commands: &mut Vec<Command>) {
        if self.executors.get(&key).is_some_and(|executor| matches!(executor.phase, Phase::Ended { .. })) {
            self.executors.remove(&key);
            if let Some(framework) = self.frameworks.get_mut(&key.framework) {
                framework.past.insert(key.executor);
            }
            commands.push(Command::Forget(key));
        }
    }

    pub(super) fn end(&mut self, id: FrameworkId, now: Time, commands: &mut Vec<Command>) {
        let framework = self.frameworks.entry(id).or_default();
        if framework.clean == Clean::No {
            framework.clean = Clean::Wanted;
        }
        self.kill_all(|key| key.framework == id, now, commands);
    }

    pub(super) fn cleaned(
        &mut self,
        id: FrameworkId,
        result: &Result<(), Cause>,
        now: Time,
        commands: &mut Vec<Command>,
    ) {
        let Some(framework) = self.frameworks.get_mut(&id).filter(|it| it.clean == Clean::UnderWay) else {
            return;
        };
        if result.is_err() {
            framework.clean = Clean::Again { at: now + CLEAN_EVERY };
            return;
        }
        self.frameworks.remove(&id);
        self.ended.push_back(id);
        if self.ended.len() > ENDED_MAX {
            self.ended.pop_front();
        }
        self.say(AgentToMaster::Cleaned(id), commands);
    }

    pub(super) fn look_at_executors(&mut self, now: Time, commands: &mut Vec<Command>) {
        let call = self.link.is_up().then(|| self.link.call());
        for (key, executor) in &mut self.executors {
            match &mut executor.phase {
                Phase::Ending { force_at } if *force_at <= now => {
                    *force_at = now + FORCE_EVERY;
                    commands.push(Command::Force(*key));
                }
                Phase::Ended { end, tell_at, tell_after } if *tell_at <= now => {
                    let Some(call) = call else { continue };
                    *tell_at = now + *tell_after;
                    *tell_after = (*tell_after * 2).min(TELL_MAX);
                    let message = AgentToMaster::ExecutorEnded { key: *key, end: end.clone() };
                    commands.push(Command::Send(call, message));
                }
                _ => {}
            }
        }
    }

    pub(super) fn look_at_frameworks(&mut self, now: Time, commands: &mut Vec<Command>) {
        let executors = &self.executors;
        let is_alive = |id: FrameworkId| {
            executors.iter().any(|(key, it)| key.framework == id && !matches!(it.phase, Phase::Ended { .. }))
        };
        for (id, framework) in &mut self.frameworks {
            let is_due = match framework.clean {
                Clean::Wanted => !is_alive(*id),
                Clean::Again { at } => at <= now,
                Clean::No | Clean::UnderWay => false,
            };
            if is_due {
                framework.clean = Clean::UnderWay;
                commands.push(Command::Clean(*id));
            }
        }
    }
}

pub(super) fn report_of(spec: &ExecutorSpec) -> ExecutorReport {
    ExecutorReport {
        key: spec.key(),
        role: spec.role.clone(),
        resources: spec.resources.clone(),
        slots: spec.slots,
        driver: match spec.part {
            Part::Driver { driver } => Some(driver),
            Part::Executor { .. } => None,
        },
        state: ExecutorState::Starting,
    }
}
