//! Which stages run, in what order, and what is run again when output is lost. Pure: no clock, no threads, no I/O.
//!
//! Stages are shared: a shuffle that two jobs need runs once. A stage runs when all stages it reads are done. When one
//! of its tasks finds output gone, the stage waits until that has been made again, and then runs what it still lacks.
//! What a job needs is what can be reached from its result stage without going beyond stages that are done.
//!
//! A stage that may give other records each time is made again as a whole, and whatever was made of it before is
//! forgotten: outputs, blocks, tasks that run. A job that has handed out results of it by then fails.
//! Source: Spark's stages and their resubmission; determinism levels after SPARK-23207.

use super::graph::{Graph, Node};
use crate::rdd::Determinism;
use rsk_proto::{JobId, PartitionId, StageId, TaskError, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// An action was called; `graph` holds its result stage and all it needs.
    Submitted { job: JobId, result: StageId, graph: Graph },
    /// The output of one partition was accepted: [`DagCore::accepts`] was asked before.
    Done { stage: StageId, partition: PartitionId },
    /// A task of `reader` found output gone that it reads; `graph` was walked again from `reader` after that.
    Lost { reader: StageId, attempt: u32, graph: Graph },
    /// The task set of a stage gave up.
    Failed { stage: StageId, attempt: u32, failure: Failure },
    /// A job is not wanted any more.
    Cancelled { job: JobId, why: String },
    /// Time has passed: see [`DagCore::wake_at`].
    Wake,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// Run these partitions as a new attempt of the stage. `job` is the first that needs it.
    Run { stage: StageId, attempt: u32, job: JobId, partitions: BTreeSet<PartitionId> },
    /// Start no more tasks of the attempts so far; those that run may finish.
    Retire { stage: StageId },
    /// Stop all tasks of the stage: nobody wants what they do.
    Stop { stage: StageId },
    /// Forget all output of the stage.
    Reset { stage: StageId },
    /// Forget the blocks that were made of the output of these stages: it will be made again and may differ.
    Forget { stages: BTreeSet<StageId> },
    /// The job has ended.
    End { job: JobId, outcome: Outcome },
    /// No job needs the stage any more.
    Drop { stage: StageId },
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Succeeded,
    /// A task could not be done.
    Failed(StageId, Failure),
    /// The same output that a stage reads was lost in so many of its attempts.
    OutputsLost {
        stage: StageId,
        attempts: u32,
    },
    /// Output that may differ when it is made again was lost after results had been handed out.
    Indeterminate {
        stage: StageId,
    },
    Cancelled(String),
}

/// A partition that could not be computed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) partition: PartitionId,
    pub(crate) attempts: u32,
    pub(crate) error: TaskError,
}

/// The numbers it goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Attempts of a stage, until it is done, that may find the same output gone.
    pub(crate) stage_attempts_max: u32,
    /// How long to wait for more losses before running again what was lost.
    pub(crate) resubmit_delay: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Until a job needs it, the stages it reads are done, and this moment has come.
    Waiting {
        not_before: Time,
    },
    Running,
    Done,
}

#[derive(Debug)]
struct Stage {
    node: Node,
    state: State,
    /// The number of the submission that runs, or of the next.
    attempt: u32,
    /// How many of its attempts found an output gone, by output; by none, where it had been made again by then.
    losses: BTreeMap<Option<(StageId, PartitionId)>, u32>,
    /// It lacks some of its output, and the rest may have been read: of an indeterminate stage that is one version.
    is_torn: bool,
    /// Its tasks have run since all that it left was forgotten: what they read may be in outputs and in blocks.
    has_run: bool,
}

impl Stage {
    fn new(node: Node, not_before: Time) -> Self {
        let is_done = node.missing.is_empty();
        let state = if is_done { State::Done } else { State::Waiting { not_before } };
        let is_torn = !is_done && node.missing.len() < node.partitions;
        Stage { node, state, attempt: 0, losses: BTreeMap::new(), is_torn, has_run: false }
    }

    fn is_indeterminate(&self) -> bool {
        self.node.determinism == Determinism::Indeterminate
    }

    /// Is there output of it?
    fn has_output(&self) -> bool {
        self.node.missing.len() < self.node.partitions
    }

    /// What it reads, unless it has all that it makes.
    fn reads_now(&self) -> Vec<StageId> {
        if self.state == State::Done { Vec::new() } else { self.node.parents.iter().copied().collect() }
    }

    /// What it reads or has read.
    fn reads_ever(&self) -> Vec<StageId> {
        self.node.parents.union(&self.node.behind).copied().collect()
    }

    /// Counts what an attempt found gone; says how often the worst output was. Many that are lost one after another are no
    /// reason to give up, one that does not stay is.
    fn count_losses(&mut self, gone: impl Iterator<Item = (StageId, PartitionId)>) -> u32 {
        let mut gone = gone.map(Some).peekable();
        let untold = gone.peek().is_none().then_some(None);
        let count = |output| {
            let losses = self.losses.entry(output).or_default();
            *losses += 1;
            *losses
        };
        untold.into_iter().chain(gone).map(count).max().unwrap_or(0)
    }

    /// It runs no more, if it did, and what it still lacks will be another attempt.
    fn wait(&mut self, not_before: Time) {
        self.attempt += 1;
        self.state = State::Waiting { not_before };
    }
}

/// All jobs of one context.
#[derive(Debug)]
pub(crate) struct DagCore {
    limits: Limits,
    jobs: BTreeMap<JobId, StageId>,
    /// What can be reached from the jobs' result stages.
    stages: BTreeMap<StageId, Stage>,
    wake_at: Option<Time>,
}

impl DagCore {
    pub(crate) fn new(limits: Limits) -> Self {
        DagCore { limits, jobs: BTreeMap::new(), stages: BTreeMap::new(), wake_at: None }
    }

    /// Folds one event. Late and repeated ones change nothing.
    pub(crate) fn step(&mut self, event: Event, now: Time) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::Submitted { job, result, graph } => {
                self.jobs.insert(job, result);
                self.merge(graph, now, &mut commands);
                self.end_if_done(result, &mut commands);
            }
            Event::Done { stage, partition } => {
                if !self.done(stage, partition, &mut commands) {
                    return commands;
                }
            }
            Event::Lost { reader, attempt, graph } => self.lost(reader, attempt, graph, now, &mut commands),
            Event::Failed { stage, attempt, failure } => {
                if self.is_current(stage, attempt) {
                    self.give_up(stage, &Outcome::Failed(stage, failure), now, &mut commands);
                }
            }
            Event::Cancelled { job, why } => self.end(job, Outcome::Cancelled(why), &mut commands),
            Event::Wake => {}
        }
        self.settle(now, &mut commands);
        commands
    }

    /// When to call [`DagCore::step`] with [`Event::Wake`], if nothing happens before.
    pub(crate) fn wake_at(&self) -> Option<Time> {
        self.wake_at
    }

    /// Is the output of this attempt at this partition wanted? An indeterminate stage takes it from one attempt only.
    pub(crate) fn accepts(&self, stage: StageId, attempt: u32, partition: PartitionId) -> bool {
        self.stages.get(&stage).is_some_and(|stage| {
            stage.node.missing.contains(&partition) && (!stage.is_indeterminate() || stage.attempt == attempt)
        })
    }

    /// Does this attempt run?
    pub(crate) fn is_current(&self, stage: StageId, attempt: u32) -> bool {
        self.stages.get(&stage).is_some_and(|stage| stage.state == State::Running && stage.attempt == attempt)
    }

    /// Jobs that have not ended.
    #[cfg(test)]
    pub(crate) fn jobs(&self) -> impl Iterator<Item = JobId> {
        self.jobs.keys().copied()
    }

    /// Takes up stages that were walked from the lineage. What is there already learns what else is missing.
    fn merge(&mut self, graph: Graph, not_before: Time, commands: &mut Vec<Command>) {
        for (id, node) in graph {
            let Some(stage) = self.stages.get_mut(&id) else {
                self.stages.insert(id, Stage::new(node, not_before));
                continue;
            };
            stage.node.parents.extend(node.parents);
            stage.node.behind.extend(node.behind);
            if !node.missing.is_subset(&stage.node.missing) {
                stage.node.missing.extend(node.missing);
                stage.is_torn = true;
                if stage.state == State::Running {
                    commands.push(Command::Retire { stage: id });
                    stage.attempt += 1;
                }
                stage.state = State::Waiting { not_before };
            }
        }
    }

    /// Was it the last partition of its stage?
    fn done(&mut self, id: StageId, partition: PartitionId, commands: &mut Vec<Command>) -> bool {
        let Some(stage) = self.stages.get_mut(&id) else { return false };
        stage.node.missing.remove(&partition);
        if !stage.node.missing.is_empty() || stage.state == State::Done {
            return false;
        }
        stage.state = State::Done;
        stage.attempt += 1;
        stage.losses.clear();
        stage.is_torn = false;
        commands.push(Command::Stop { stage: id });
        self.end_if_done(id, commands);
        true
    }

    /// A result stage that lacks nothing ends its job.
    fn end_if_done(&mut self, id: StageId, commands: &mut Vec<Command>) {
        let is_done = self.stages.get(&id).is_some_and(|stage| stage.node.missing.is_empty());
        let jobs: Vec<_> =
            self.jobs.iter().filter(|(_, result)| **result == id).map(|(job, _)| *job).collect();
        for job in jobs.into_iter().filter(|_| is_done) {
            self.end(job, Outcome::Succeeded, commands);
        }
    }

    fn lost(&mut self, reader: StageId, attempt: u32, graph: Graph, now: Time, commands: &mut Vec<Command>) {
        if !self.is_current(reader, attempt) {
            return;
        }
        let not_before = now + self.limits.resubmit_delay;
        let mut losses = 0;
        if let Some(stage) = self.stages.get_mut(&reader) {
            let of_others = graph.iter().filter(|(id, _)| **id != reader);
            losses = stage.count_losses(
                of_others.flat_map(|(id, node)| node.missing.iter().map(|partition| (*id, *partition))),
            );
            stage.wait(not_before);
            commands.push(Command::Retire { stage: reader });
        }
        // Other jobs that read what is gone must know, even if those of this stage end now.
        self.merge(graph, not_before, commands);
        if losses >= self.limits.stage_attempts_max {
            let outcome = Outcome::OutputsLost { stage: reader, attempts: losses };
            self.give_up(reader, &outcome, now, commands);
        }
    }

    /// Ends the jobs that need a stage. Others may come to need it later: then it is tried afresh.
    fn give_up(&mut self, id: StageId, outcome: &Outcome, now: Time, commands: &mut Vec<Command>) {
        let needs = |result| self.reach([result], Stage::reads_now).contains(&id);
        let jobs: Vec<_> =
            self.jobs.iter().filter(|(_, result)| needs(**result)).map(|(job, _)| *job).collect();
        for job in jobs {
            self.end(job, outcome.clone(), commands);
        }
        if let Some(stage) = self.stages.get_mut(&id) {
            commands.push(Command::Stop { stage: id });
            stage.losses.clear();
            stage.wait(now);
        }
    }

    /// Ends a job; stages that only it needed go with it.
    fn end(&mut self, job: JobId, outcome: Outcome, commands: &mut Vec<Command>) {
        if self.jobs.remove(&job).is_none() {
            return;
        }
        commands.push(Command::End { job, outcome });
        let kept = self.reach(self.jobs.values().copied(), Stage::reads_ever);
        self.stages.retain(|id, stage| {
            let is_kept = kept.contains(id);
            if !is_kept {
                if stage.state != State::Done {
                    commands.push(Command::Stop { stage: *id });
                }
                commands.push(Command::Drop { stage: *id });
            }
            is_kept
        });
    }

    /// Some stages and all behind them, by way of `reads`.
    fn reach(
        &self,
        from: impl IntoIterator<Item = StageId>,
        reads: fn(&Stage) -> Vec<StageId>,
    ) -> BTreeSet<StageId> {
        let (mut reached, mut to_visit) = (BTreeSet::new(), Vec::from_iter(from));
        while let Some(id) = to_visit.pop() {
            if let Some(stage) = self.stages.get(&id)
                && reached.insert(id)
            {
                to_visit.extend(reads(stage));
            }
        }
        reached
    }

    /// Makes the stages' states agree with one another: nothing is made of two versions, no task runs for nobody, and
    /// what can run does.
    fn settle(&mut self, now: Time, commands: &mut Vec<Command>) {
        while let Some((id, not_before)) = self.torn_version() {
            self.roll_back(id, not_before, commands);
        }
        let needed = self.needed();
        self.wake_at = None;
        let mut ready = Vec::new();
        for (id, stage) in &self.stages {
            match stage.state {
                State::Waiting { not_before } if needed.contains_key(id) && self.has_its_parents(stage) => {
                    if not_before <= now {
                        ready.push(*id);
                    } else {
                        self.wake_at = Some(self.wake_at.map_or(not_before, |at| at.min(not_before)));
                    }
                }
                State::Running if !needed.contains_key(id) => ready.push(*id),
                _ => {}
            }
        }
        for id in ready {
            let Some(stage) = self.stages.get_mut(&id) else { continue };
            if let Some(job) = needed.get(&id) {
                (stage.state, stage.has_run) = (State::Running, true);
                let (attempt, partitions) = (stage.attempt, stage.node.missing.clone());
                commands.push(Command::Run { stage: id, attempt, job: *job, partitions });
            } else {
                commands.push(Command::Stop { stage: id });
                stage.wait(now);
            }
        }
    }

    /// The stages that jobs need now, each with the first job that does.
    fn needed(&self) -> BTreeMap<StageId, JobId> {
        let mut needed = BTreeMap::new();
        for (job, result) in &self.jobs {
            let mut to_visit = vec![*result];
            while let Some(id) = to_visit.pop() {
                if let Some(stage) = self.stages.get(&id)
                    && !needed.contains_key(&id)
                {
                    needed.insert(id, *job);
                    to_visit.extend(stage.reads_now());
                }
            }
        }
        needed
    }

    fn has_its_parents(&self, stage: &Stage) -> bool {
        let is_done = |id| self.stages.get(id).is_none_or(|parent| parent.state == State::Done);
        stage.node.parents.iter().all(is_done)
    }

    /// An indeterminate stage that a job needs made again, while something is left of its former version. Nothing can
    /// have read a version that has never been whole.
    fn torn_version(&self) -> Option<(StageId, Time)> {
        if !self.stages.values().any(|stage| stage.is_indeterminate() && stage.state != State::Done) {
            return None;
        }
        self.needed().into_keys().find_map(|id| {
            let stage = self.stages.get(&id).filter(|stage| stage.is_indeterminate())?;
            let State::Waiting { not_before } = stage.state else { return None };
            let is_left = |of_it: &StageId| {
                let is_of_it = |stage: &Stage| stage.has_run || stage.has_output();
                *of_it != id && self.stages.get(of_it).is_some_and(is_of_it)
            };
            let is_half = stage.is_torn && stage.has_output();
            (is_half || self.made_of(id).iter().any(is_left)).then_some((id, not_before))
        })
    }

    /// A stage and all that read it, directly or not.
    fn made_of(&self, id: StageId) -> BTreeSet<StageId> {
        let mut found = BTreeSet::from([id]);
        loop {
            let reads_found = |stage: &Stage| stage.reads_ever().iter().any(|parent| found.contains(parent));
            let more: Vec<_> = self
                .stages
                .iter()
                .filter(|(id, stage)| !found.contains(id) && reads_found(stage))
                .map(|(id, _)| *id)
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    /// Forgets an indeterminate stage as a whole, and all that was made of it.
    fn roll_back(&mut self, id: StageId, not_before: Time, commands: &mut Vec<Command>) {
        let stale = self.made_of(id);
        commands.push(Command::Forget { stages: stale.clone() });
        let results: Vec<_> = self.jobs.iter().map(|(job, result)| (*job, *result)).collect();
        for (job, result) in results.into_iter().filter(|(_, result)| stale.contains(result)) {
            if self.stages.get(&result).is_some_and(Stage::has_output) {
                self.end(job, Outcome::Indeterminate { stage: id }, commands);
            }
        }
        for id in stale {
            if let Some(stage) = self.stages.get_mut(&id).filter(|stage| stage.has_run || stage.has_output())
            {
                commands.extend([Command::Stop { stage: id }, Command::Reset { stage: id }]);
                stage.node.missing = (0..stage.node.partitions).map(PartitionId::of).collect();
                (stage.is_torn, stage.has_run) = (false, false);
                stage.wait(not_before);
            }
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
