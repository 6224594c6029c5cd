//! Which stages run, in what order, and what is run again when output is lost. Pure: no clock, no threads, no I/O.
//!
//! Stages are shared: a shuffle that two jobs need runs once. A stage runs when all stages it reads are done. When one
//! of its tasks finds output gone, the stage waits until that has been made again, and then runs what it still lacks.
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
    /// A task of `reader` found output of `lost` gone; `graph` was walked again from `reader` after that.
    Lost { reader: StageId, attempt: u32, lost: StageId, graph: Graph },
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
    Failed(Failure),
    /// Output that a stage reads was lost in so many attempts in a row.
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
    /// Attempts of a stage in a row that may find output gone.
    pub(crate) stage_attempts_max: u32,
    /// How long to wait for more losses before running again what was lost.
    pub(crate) resubmit_delay: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Until the stages it reads are done, and until this moment.
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
    jobs: BTreeSet<JobId>,
    /// The number of the submission that runs, or of the next.
    attempt: u32,
    /// Submissions in a row that found output gone.
    losses: u32,
}

/// All jobs of one context.
#[derive(Debug)]
pub(crate) struct DagCore {
    limits: Limits,
    jobs: BTreeMap<JobId, StageId>,
    stages: BTreeMap<StageId, Stage>,
}

impl DagCore {
    pub(crate) fn new(limits: Limits) -> Self {
        DagCore { limits, jobs: BTreeMap::new(), stages: BTreeMap::new() }
    }

    /// Folds one event. Late and repeated ones change nothing.
    pub(crate) fn step(&mut self, event: Event, now: Time) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::Submitted { job, result, graph } => {
                self.jobs.insert(job, result);
                self.merge(graph, &BTreeSet::from([job]), now, &mut commands);
                self.end_if_done(result, &mut commands);
            }
            Event::Done { stage, partition } => {
                if !self.done(stage, partition, &mut commands) {
                    return commands;
                }
            }
            Event::Lost { reader, attempt, lost, graph } => {
                self.lost(reader, attempt, lost, graph, now, &mut commands);
            }
            Event::Failed { stage, attempt, failure } => {
                if let Some(stage) = self.stages.get(&stage).filter(|stage| stage.attempt == attempt) {
                    for job in stage.jobs.clone() {
                        self.end(job, Outcome::Failed(failure.clone()), &mut commands);
                    }
                }
            }
            Event::Cancelled { job, why } => self.end(job, Outcome::Cancelled(why), &mut commands),
            Event::Wake => {}
        }
        self.start_ready(now, &mut commands);
        commands
    }

    /// When to call [`DagCore::step`] with [`Event::Wake`], if nothing happens before.
    pub(crate) fn wake_at(&self) -> Option<Time> {
        let waits = self.stages.values().filter(|stage| self.has_its_parents(stage));
        waits
            .filter_map(
                |stage| if let State::Waiting { not_before } = stage.state { Some(not_before) } else { None },
            )
            .min()
    }

    /// Is the output of this attempt at this partition wanted? An indeterminate stage takes it from one attempt only.
    pub(crate) fn accepts(&self, stage: StageId, attempt: u32, partition: PartitionId) -> bool {
        self.stages.get(&stage).is_some_and(|stage| {
            stage.node.missing.contains(&partition)
                && (stage.node.determinism != Determinism::Indeterminate || stage.attempt == attempt)
        })
    }

    /// Jobs that have not ended.
    #[cfg(test)]
    pub(crate) fn jobs(&self) -> impl Iterator<Item = JobId> {
        self.jobs.keys().copied()
    }

    /// Takes up stages that were walked from the lineage. What is there already learns what else is missing.
    fn merge(&mut self, graph: Graph, jobs: &BTreeSet<JobId>, not_before: Time, commands: &mut Vec<Command>) {
        for (id, mut node) in graph {
            // What may differ each time is never put together from two times. Of a stage that runs now, all attempts
            // read the same version: see `roll_back`.
            let is_half = !node.missing.is_empty() && node.missing.len() < node.partitions;
            let is_known = self.stages.contains_key(&id);
            if is_half && !is_known && node.determinism == Determinism::Indeterminate {
                commands.push(Command::Reset { stage: id });
                node.missing = (0..node.partitions).map(PartitionId::of).collect();
            }
            let waiting = State::Waiting { not_before };
            let Some(stage) = self.stages.get_mut(&id) else {
                let state = if node.missing.is_empty() { State::Done } else { waiting };
                self.stages.insert(id, Stage { node, state, jobs: jobs.clone(), attempt: 0, losses: 0 });
                continue;
            };
            stage.jobs.extend(jobs);
            stage.node.parents.extend(node.parents);
            if !node.missing.is_subset(&stage.node.missing) {
                if stage.state == State::Running {
                    commands.push(Command::Retire { stage: id });
                    stage.attempt += 1;
                }
                stage.node.missing.extend(node.missing);
                stage.state = waiting;
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
        stage.losses = 0;
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

    fn lost(
        &mut self,
        reader: StageId,
        attempt: u32,
        lost: StageId,
        graph: Graph,
        now: Time,
        commands: &mut Vec<Command>,
    ) {
        let Some(stage) = self.stages.get_mut(&reader).filter(|stage| stage.attempt == attempt) else {
            return;
        };
        let jobs = stage.jobs.clone();
        let not_before = now + self.limits.resubmit_delay;
        stage.losses += 1;
        stage.attempt += 1;
        stage.state = State::Waiting { not_before };
        commands.push(Command::Retire { stage: reader });
        let losses = stage.losses;
        self.merge(graph, &jobs, not_before, commands);
        let is_indeterminate =
            self.stages.get(&lost).is_some_and(|stage| stage.node.determinism == Determinism::Indeterminate);
        if is_indeterminate {
            self.roll_back(lost, not_before, commands);
        }
        // Other jobs that read what was lost have learned of it by now.
        if losses >= self.limits.stage_attempts_max {
            let outcome = Outcome::OutputsLost { stage: reader, attempts: losses };
            for job in jobs {
                self.end(job, outcome.clone(), commands);
            }
        }
    }

    /// Runs an indeterminate stage again as a whole, and all that read it, directly or not.
    fn roll_back(&mut self, lost: StageId, not_before: Time, commands: &mut Vec<Command>) {
        let mut stale = BTreeSet::from([lost]);
        loop {
            let reads_stale = |stage: &Stage| !stage.node.parents.is_disjoint(&stale);
            let more: Vec<_> =
                self.stages.iter().filter(|(id, stage)| !stale.contains(id) && reads_stale(stage)).collect();
            if more.is_empty() {
                break;
            }
            let more: Vec<_> = more.into_iter().map(|(id, _)| *id).collect();
            stale.extend(more);
        }
        let results: Vec<_> = self.jobs.iter().map(|(job, result)| (*job, *result)).collect();
        for (job, result) in results.into_iter().filter(|(_, result)| stale.contains(result)) {
            let has_handed_out = self
                .stages
                .get(&result)
                .is_some_and(|stage| stage.node.missing.len() < stage.node.partitions);
            if has_handed_out {
                self.end(job, Outcome::Indeterminate { stage: lost }, commands);
            }
        }
        for id in stale {
            let Some(stage) = self.stages.get_mut(&id) else { continue };
            commands.extend([Command::Stop { stage: id }, Command::Reset { stage: id }]);
            if stage.node.missing.len() < stage.node.partitions {
                stage.node.missing = (0..stage.node.partitions).map(PartitionId::of).collect();
            }
            stage.attempt += 1;
            stage.state = State::Waiting { not_before };
        }
    }

    /// Ends a job; stages that only it needed go with it.
    fn end(&mut self, job: JobId, outcome: Outcome, commands: &mut Vec<Command>) {
        if self.jobs.remove(&job).is_none() {
            return;
        }
        commands.push(Command::End { job, outcome });
        self.stages.retain(|id, stage| {
            stage.jobs.remove(&job);
            if stage.jobs.is_empty() {
                if stage.state != State::Done {
                    commands.push(Command::Stop { stage: *id });
                }
                commands.push(Command::Drop { stage: *id });
            }
            !stage.jobs.is_empty()
        });
    }

    fn has_its_parents(&self, stage: &Stage) -> bool {
        let is_done = |id| self.stages.get(id).is_none_or(|parent| parent.state == State::Done);
        stage.node.parents.iter().all(is_done)
    }

    fn start_ready(&mut self, now: Time, commands: &mut Vec<Command>) {
        let is_ready = |stage: &Stage| {
            matches!(stage.state, State::Waiting { not_before } if not_before <= now)
                && self.has_its_parents(stage)
        };
        let ready: Vec<_> =
            self.stages.iter().filter(|(_, stage)| is_ready(stage)).map(|(id, _)| *id).collect();
        for id in ready {
            if let Some(stage) = self.stages.get_mut(&id)
                && let Some(job) = stage.jobs.first()
            {
                stage.state = State::Running;
                let (attempt, partitions) = (stage.attempt, stage.node.missing.clone());
                commands.push(Command::Run { stage: id, attempt, job: *job, partitions });
            }
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
