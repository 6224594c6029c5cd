//! What the core of stages commands, carried out.

use super::{
    Dispatch,
    state::{JobNews, State, TaskSet},
};
use crate::{
    Error, Result,
    dag::{
        core::{Command, Event, Outcome},
        graph::{self, Reach},
        version::{self, Blocks},
    },
    rdd::{Determinism, Stage},
    task::core::{TaskSetCore, Tries},
};
use rsk_proto::{StageId, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

impl Dispatch {
    pub(super) fn walk(
        &self,
        root: &Arc<dyn Stage>,
        reach: Reach,
    ) -> (graph::Graph, BTreeMap<StageId, Arc<dyn Stage>>) {
        if root.determinism() == Determinism::Indeterminate {
            version::freshen(&**root, &*self.blocks);
        }
        graph::walk(root, reach, &|persisted| self.blocks.holds_all(persisted.rdd, persisted.partitions))
    }

    /// Folds an event into the core and does what it commands.
    pub(super) fn step(&self, state: &mut State, event: Event) {
        let (now, before) = (self.now(), state.dag.wake_at());
        for command in state.dag.step(event, now) {
            tracing::debug!(?command, "dag");
            self.carry_out(state, command, now);
        }
        let wake_at = state.dag.wake_at();
        if wake_at.is_some_and(|at| before.is_none_or(|before| at < before)) {
            // Each slot that waits must know when to look again.
            state.wake_all();
        }
    }

    fn carry_out(&self, state: &mut State, command: Command, now: Time) {
        match command {
            Command::Run { stage, attempt, job, partitions } => {
                let pool = state.jobs.get(&job).map_or_else(String::new, |job| job.pool.clone());
                let tasks = partitions.len();
                if let Some(stage) = state.stages.get(&stage) {
                    version::begin(&**stage, &*self.blocks);
                }
                self.accumulators.begun(stage, &partitions);
                let preferred =
                    state.stages.get(&stage).map(|stage| self.preferred(&**stage)).unwrap_or_default();
                let has_exclusion = self.config.exclude_on_failure && self.on_work.get().is_some();
                let tries = Tries { has_exclusion, ..self.tries };
                let core = TaskSetCore::new(partitions, preferred, tries, &state.sites, now);
                let ran = (0, Duration::ZERO);
                let set = TaskSet { core, job, pool, tasks, since: now, is_killed: BTreeMap::new(), ran };
                state.totals.stages += 1;
                let name = state.stages.get(&stage).map_or_else(String::new, |stage| stage.name());
                tracing::info!(%stage, attempt, %job, tasks, name, "a stage starts");
                state.sets.insert((stage, attempt), set);
                state.wake_all();
                self.on_work.get().inspect(|told| told());
            }
            Command::Retire { stage } => {
                let sets = state.sets.range_mut((stage, 0)..=(stage, u32::MAX));
                sets.for_each(|(_, set)| set.core.retire());
                state.sets.retain(|_, set| !set.core.is_over());
            }
            Command::Stop { stage } => {
                let stopped: Vec<_> =
                    state.sets.range((stage, 0)..=(stage, u32::MAX)).map(|(key, _)| *key).collect();
                for set in stopped.iter().filter_map(|key| state.sets.remove(key)) {
                    set.is_killed.values().for_each(|is_killed| is_killed.store(true, Ordering::Relaxed));
                    state.pools.leave(&set.pool, set.core.running());
                }
            }
            Command::Reset { stage } => {
                state.stages.get(&stage).inspect(|stage| stage.reset());
            }
            Command::Forget { stages } => {
                let stale = |id| state.stages.get(id).map(|stage| graph::blocks_behind(stage, &stages));
                let stale: BTreeSet<_> = stages.iter().filter_map(stale).flatten().collect();
                stale.into_iter().for_each(|rdd| self.blocks.clear(rdd));
            }
            Command::Drop { stage } => {
                let dropped = state.stages.remove(&stage);
                state.after.dropped.extend(dropped);
                state.after.sums.extend(self.accumulators.ended(stage));
            }
            Command::End { job, outcome } => {
                let outcome = Self::outcome(state, outcome);
                match &outcome {
                    Ok(()) => tracing::info!(%job, "a job is done"),
                    Err(error) => tracing::info!(%job, %error, "a job has failed"),
                }
                if let Some(job) = state.jobs.remove(&job) {
                    state.after.news.push((job.news, JobNews::End(outcome)));
                }
                if state.jobs.is_empty() {
                    state.totals.job_time += now.since(state.busy_since);
                }
            }
        }
    }

    fn outcome(state: &State, outcome: Outcome) -> Result<()> {
        let name =
            |stage: StageId| state.stages.get(&stage).map_or_else(|| stage.to_string(), |stage| stage.name());
        match outcome {
            Outcome::Succeeded => Ok(()),
            Outcome::Failed(stage, failure) => Err(Error::Task {
                stage: name(stage),
                partition: failure.partition,
                attempts: failure.attempts,
                source: failure.error,
            }),
            Outcome::OutputsLost { attempts, .. } => Err(Error::OutputsLost { stages: attempts }),
            Outcome::Indeterminate { stage } => Err(Error::Indeterminate { stage: name(stage) }),
            Outcome::Cancelled(why) => Err(Error::Cancelled(why)),
        }
    }
}
