//! What the dispatch knows, under its lock, and what is done when the lock is free again.

use crate::{
    Result,
    accumulator::AnySum,
    dag::core::DagCore,
    local::guarded,
    place::Place,
    rdd::Stage,
    task::{core::TaskSetCore, exclude::Exclusions, pool::PoolUses, site::Sites},
};
use crossbeam_channel::Sender;
use parking_lot::MutexGuard;
use rsk_proto::{
    ExecutorId, JobId, PartitionId, StageId, TASKS_AHEAD_MAX, TaskId, TaskMetrics, TaskOutput, Time,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// An executor gets so much work ahead for each slot, by what tasks took before.
const AHEAD: Duration = Duration::from_millis(20);

/// What a job hears: at most one part a partition, then its end.
#[derive(Debug)]
pub(crate) enum JobNews {
    Part(PartitionId, TaskOutput),
    End(Result<()>),
}

/// How far one running stage is: for progress bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StageProgress {
    pub(crate) id: StageId,
    pub(crate) name: String,
    pub(crate) since: Time,
    pub(crate) tasks: usize,
    pub(crate) done: usize,
    pub(crate) running: usize,
}

/// What all jobs of a context came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) jobs: u64,
    pub(crate) stages: u64,
    pub(crate) tasks: u64,
    /// Attempts that failed or were lost, and whose partition was tried again.
    pub(crate) retries: u64,
    pub(crate) spilled_bytes: u64,
    pub(crate) shuffled_bytes: u64,
    /// Of cached blocks, from other executors.
    pub(crate) fetched_bytes: u64,
    /// While at least one job ran.
    pub(crate) job_time: std::time::Duration,
}

pub(super) struct State {
    pub(super) dag: DagCore,
    pub(super) stages: BTreeMap<StageId, Arc<dyn Stage>>,
    pub(super) sets: BTreeMap<(StageId, u32), TaskSet>,
    /// The executors that take tasks.
    pub(super) places: BTreeMap<ExecutorId, Arc<Place>>,
    /// Where they are.
    pub(super) sites: Sites,
    /// Whom the whole application does without.
    pub(super) exclusions: Exclusions,
    pub(super) jobs: BTreeMap<JobId, Job>,
    pub(super) pools: PoolUses,
    pub(super) next_task: u64,
    pub(super) totals: Totals,
    /// Since when at least one job runs.
    pub(super) busy_since: Time,
    pub(super) is_stopping: bool,
    pub(super) after: After,
}

/// What is done when the lock is free again: accumulators merge what came in, which is the user's code; stages that
/// nobody needs are dropped, which may end in a context's drop; then jobs hear that they have ended.
#[derive(Default)]
pub(super) struct After {
    pub(super) sums: Vec<Arc<dyn AnySum>>,
    pub(super) dropped: Vec<Arc<dyn Stage>>,
    pub(super) news: Vec<(Sender<JobNews>, JobNews)>,
}

impl After {
    pub(super) fn is_empty(&self) -> bool {
        self.sums.is_empty() && self.dropped.is_empty() && self.news.is_empty()
    }
}

/// The state under its lock.
pub(super) struct Locked<'a>(pub(super) MutexGuard<'a, State>);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if !self.0.after.is_empty() {
            let After { sums, dropped, news } = std::mem::take(&mut self.0.after);
            MutexGuard::unlocked(&mut self.0, || {
                for sum in sums {
                    sum.fold();
                }
                if let Err(error) = guarded("dropping an RDD", || drop(dropped)) {
                    tracing::error!(%error, "a value of the user's cannot be dropped");
                }
                for (to, what) in news {
                    tell(&to, what);
                }
            });
        }
    }
}

impl std::ops::Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl std::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.0
    }
}

impl State {
    /// How many tasks can run at a time.
    pub(super) fn slots(&self) -> u32 {
        self.places.values().map(|place| place.slots).sum()
    }

    /// Has an executor other than this one a free slot?
    pub(super) fn is_idle_besides(&self, place: &Place) -> bool {
        let is_idle = |other: &Place| other.has_free_slot() && !self.sites.is_excluded(other.id);
        self.places.values().any(|other| other.id != place.id && is_idle(other))
    }

    /// Those who wait for work look again.
    pub(super) fn wake_all(&self) {
        self.places.values().for_each(|place| {
            place.has_news.notify_all();
        });
    }
}

pub(super) struct TaskSet {
    pub(super) core: TaskSetCore,
    pub(super) job: JobId,
    pub(super) pool: String,
    pub(super) tasks: usize,
    pub(super) since: Time,
    /// What its tasks that run look at.
    pub(super) is_killed: BTreeMap<TaskId, Arc<AtomicBool>>,
    /// Of its tasks that have ended: how many, and how long they ran together.
    pub(super) ran: (u32, Duration),
}

impl TaskSet {
    /// How many of its tasks may wait behind one that runs, where `slots` share them. None where they take long, or
    /// nobody knows.
    pub(super) fn ahead(&self, slots: u32) -> u32 {
        let (tasks, time) = self.ran;
        let most = (TASKS_AHEAD_MAX - 1) as u128;
        let in_time = if tasks == 0 { 0 } else { AHEAD.as_micros() / (time / tasks).as_micros().max(1) };
        // The last tasks of a set are spread evenly.
        let shared = (self.core.waiting() as u128 / u128::from(2 * slots.max(1))).max(1);
        u32::try_from(in_time.min(shared).min(most)).unwrap_or(0)
    }
}

/// One job, as it was submitted.
pub(crate) struct Job {
    pub(crate) group: Option<String>,
    pub(crate) pool: String,
    /// Hears at most one part a partition, so it needs no bound of its own.
    pub(crate) news: Sender<JobNews>,
}

impl Totals {
    pub(super) fn count(&mut self, metrics: &TaskMetrics) {
        self.tasks += 1;
        self.spilled_bytes += metrics.spilled_bytes;
        self.shuffled_bytes += metrics.shuffle_written_bytes;
        self.fetched_bytes += metrics.block_fetched_bytes;
    }
}

/// A job that is not listened to any more has been cancelled already.
fn tell(news: &Sender<JobNews>, what: JobNews) {
    if news.send(what).is_err() {
        tracing::debug!("a job is not listened to any more");
    }
}
