//! How tasks ended: folded into the cores, their outputs kept or removed.

use super::{Dispatch, State};
use crate::{
    dag::{
        core::{Event, Failure},
        graph::Reach,
    },
    local::guarded,
    place::{Heard, Place},
    task::core::Step,
};
use rsk_executor::shuffle;
use rsk_proto::{AccumulatorUpdate, Cause, TaskAttempt, TaskEnd, TaskError, TaskId, TaskOutput};
use std::{sync::atomic::Ordering, time::Duration};

impl Dispatch {
    /// Something has become of a task that an executor had.
    pub(super) fn fold_heard(&self, state: &mut State, place: &Place, heard: Heard) {
        place.loses();
        match heard {
            Heard::Ended(end) => self.fold(state, place, end),
            Heard::Returned(attempt) => {
                let State { sets, sites, pools, .. } = &mut *state;
                let key = (attempt.stage, attempt.stage_attempt);
                let Some(set) = sets.get_mut(&key) else { return };
                set.is_killed.remove(&attempt.task);
                if set.core.give_back(attempt.task, sites) {
                    pools.leave(&set.pool, 1);
                }
                if set.core.is_over() {
                    sets.remove(&key);
                }
                state.wake_all();
            }
        }
    }

    /// One task has ended.
    fn fold(&self, state: &mut State, place: &Place, end: TaskEnd) {
        let TaskEnd { attempt, outcome, accumulators, blocks, metrics } = end;
        self.blocks.not_given(&blocks);
        if place.is_closed() {
            // What it holds goes with it.
        } else if matches!(outcome, Err(TaskError::Lost(_))) {
            self.blocks.forget_executor(place.id);
        } else {
            self.blocks.update(place.id, &blocks);
        }
        state.totals.count(&metrics);
        let key = (attempt.stage, attempt.stage_attempt);
        let State { sets, sites, pools, .. } = &mut *state;
        let Some(set) = sets.get_mut(&key) else {
            return outcome.map_or_else(|_| (), |output| self.discard(output));
        };
        set.is_killed.remove(&attempt.task);
        if outcome.is_ok() {
            set.ran.0 += 1;
            set.ran.1 += Duration::from_micros(metrics.run_micros);
        }
        let (outcome, output) = match outcome {
            Ok(output) => (Ok(()), Some(output)),
            Err(error) => {
                tracing::warn!(task = %attempt, error = %chain(&error), "task failed");
                (Err(error), None)
            }
        };
        let step = set.core.ended(attempt.task, outcome, sites, self.now());
        let superfluous: &[TaskId] =
            if let Step::Succeeded { superfluous } = &step { superfluous } else { &[] };
        for task in superfluous {
            set.is_killed.remove(task).inspect(|is_killed| is_killed.store(true, Ordering::Relaxed));
        }
        pools.leave(&set.pool, superfluous.len() + usize::from(step != Step::Unknown));
        if set.core.is_over() {
            let seconds = self.now().since(set.since).as_secs_f64();
            tracing::info!(stage = %attempt.stage, tasks = set.tasks, seconds, "a stage's tasks have ended");
            let over = state.sets.remove(&key).filter(|_| matches!(step, Step::Succeeded { .. }));
            if let Some(failures) = over.and_then(|set| set.core.into_failures()) {
                self.learn(state, failures);
            }
        }
        match step {
            Step::Unknown => output.into_iter().for_each(|output| self.discard(output)),
            Step::Continue => {
                // Where it is not tried again, a framework may want another executor.
                self.on_work.get().inspect(|told| told());
            }
            Step::Retry => {
                state.totals.retries += 1;
                // Whoever waits for work is not this executor.
                state.wake_all();
                self.on_work.get().inspect(|told| told());
            }
            Step::Succeeded { .. } => {
                let output = output.into_iter();
                output.for_each(|output| self.succeeded(state, attempt, output, &accumulators));
            }
            Step::RerunParent(error) => self.lost(state, attempt, &error),
            Step::GiveUp { attempts, error } => {
                let failure = Failure { partition: attempt.partition, attempts, error };
                let event = Event::Failed { stage: attempt.stage, attempt: attempt.stage_attempt, failure };
                self.step(state, event);
            }
        }
    }

    fn succeeded(
        &self,
        state: &mut State,
        attempt: TaskAttempt,
        output: TaskOutput,
        accumulators: &[AccumulatorUpdate],
    ) {
        let TaskAttempt { stage: id, stage_attempt, partition, .. } = attempt;
        let stage =
            state.stages.get(&id).filter(|_| state.dag.accepts(id, stage_attempt, partition)).cloned();
        let Some(stage) = stage else { return self.discard(output) };
        let kept = guarded("taking in a task's output", || stage.accept(partition, output));
        let kept = kept.and_then(|kept| kept.map_err(|error| TaskError::Io(Cause::of(&error))));
        let event = match kept {
            Ok(()) => {
                let sums = self.accumulators.accepted(id, partition, accumulators);
                state.after.sums.extend(sums);
                Event::Done { stage: id, partition }
            }
            Err(error) => {
                let failure = Failure { partition, attempts: attempt.attempt + 1, error };
                Event::Failed { stage: id, attempt: stage_attempt, failure }
            }
        };
        let others = state.sets.range_mut((id, 0)..=(id, u32::MAX)).filter(|(key, _)| key.1 != stage_attempt);
        others.for_each(|(_, set)| set.core.skip(partition));
        self.step(state, event);
    }

    /// Output that a task reads is gone: the lineage is walked again from its stage.
    fn lost(&self, state: &mut State, attempt: TaskAttempt, error: &TaskError) {
        if !state.dag.is_current(attempt.stage, attempt.stage_attempt) {
            return;
        }
        state.totals.retries += 1;
        let reach = match error {
            TaskError::FetchFailed { block, unreachable, .. } => {
                self.map_outputs.unregister(block.output);
                // Tasks meet the first loss alone; what else is gone need not cost an attempt each.
                self.map_outputs.retain(block.output.shuffle, |output| match &output.kept_by {
                    None => shuffle::is_there(&self.shuffles, output),
                    Some(keeper) => unreachable.as_ref() != Some(&keeper.agent),
                });
                Reach::Needed
            }
            TaskError::MapOutputMissing { .. } => Reach::BehindBlocks,
            _ => return,
        };
        let Some(reader) = state.stages.get(&attempt.stage).cloned() else { return };
        let (graph, stages) = self.walk(&reader, reach);
        state.stages.extend(stages);
        self.step(state, Event::Lost { reader: attempt.stage, attempt: attempt.stage_attempt, graph });
    }

    /// Removes what a task left that nobody wants.
    pub(crate) fn discard(&self, output: TaskOutput) {
        let removed = match output {
            TaskOutput::Inline(_) => Ok(()),
            TaskOutput::Spooled { path, .. } => std::fs::remove_file(path),
            TaskOutput::Map(output) => {
                shuffle::remove(&self.shuffles, output.id);
                let id = output.id.shuffle;
                // A task that ends after its shuffle has gone makes the folder again.
                let is_gone = self.map_outputs.get(id).is_none();
                if is_gone { std::fs::remove_dir(shuffle::folder(&self.shuffles, id)) } else { Ok(()) }
            }
        };
        if let Err(error) = removed {
            tracing::debug!(%error, "cannot remove an output that is not wanted");
        }
    }
}

/// An error and its causes on one line, for logs.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
