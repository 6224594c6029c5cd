//! The shell around the cores: one lock under which events are folded and commands carried out. Slots ask it for work
//! and tell it how that ended; jobs wait for their results.

mod state;
mod fold;
mod carry_out;
mod preferred;
mod excluded;

pub(crate) use excluded::Useless;
pub(crate) use state::{Job, JobNews, StageProgress, Totals};

use self::state::{After, Locked, State, TaskSet};
use crate::{
    Error, Result,
    accumulator::AccumulatorTable,
    config::Config,
    dag::{
        core::{DagCore, Event, Limits},
        graph::Reach,
    },
    place::{Heard, Place},
    rdd::Stage,
    task::{
        core::Tries,
        exclude::Exclusions,
        pool::{Candidate, PoolUses, choose},
        site::Sites,
    },
    track::{BlockTable, MapOutputTable},
};
use parking_lot::Mutex;
use rsk_executor::TaskHeader;
use rsk_proto::{
    Encoder, ExecutorId, JobId, PartitionId, StageId, TaskAttempt, TaskEnd, TaskError, TaskId, Time,
    status::TaskStatus,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, OnceLock, atomic::AtomicBool},
    time::{Duration, Instant},
};

/// How often stragglers are looked for.
const SPECULATE_EVERY: Duration = Duration::from_millis(100);
/// Stages that find the same output gone so often fail their jobs.
const STAGE_ATTEMPTS_MAX: u32 = 4;

/// A task to run.
pub(crate) struct Work {
    pub(crate) attempt: TaskAttempt,
    pub(crate) is_killed: Arc<AtomicBool>,
    stage: Arc<dyn Stage>,
    memory_share: u64,
    executor: ExecutorId,
}

impl Work {
    /// The task's bytes; the stage is let go of, so that what it holds is dropped by its owners.
    pub(crate) fn encode(self) -> Result<Vec<u8>, TaskError> {
        let mut to = Encoder::to(self.executor);
        to.put(&TaskHeader { attempt: self.attempt, memory_share: self.memory_share });
        self.stage.encode_task(self.attempt.partition, &mut to);
        to.finish().map_err(TaskError::Refused)
    }
}

pub(crate) struct Dispatch {
    started: Instant,
    config: Config,
    memory_share: u64,
    tries: Tries,
    /// Where map outputs are.
    shuffles: PathBuf,
    map_outputs: Arc<MapOutputTable>,
    blocks: Arc<BlockTable>,
    accumulators: Arc<AccumulatorTable>,
    state: Mutex<State>,
    /// Told when tasks have come: a framework may want executors.
    on_work: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Dispatch {
    pub(crate) fn new(
        config: &Config,
        memory_share: u64,
        shuffles: PathBuf,
        map_outputs: Arc<MapOutputTable>,
        blocks: Arc<BlockTable>,
        accumulators: Arc<AccumulatorTable>,
    ) -> Self {
        let limits = Limits { stage_attempts_max: STAGE_ATTEMPTS_MAX, resubmit_delay: config.resubmit_delay };
        let state = State {
            dag: DagCore::new(limits),
            stages: BTreeMap::new(),
            sets: BTreeMap::new(),
            places: BTreeMap::new(),
            sites: Sites::default(),
            exclusions: Exclusions::new(config.exclude_timeout),
            jobs: BTreeMap::new(),
            pools: PoolUses::default(),
            next_task: 0,
            totals: Totals::default(),
            busy_since: Time::default(),
            is_stopping: false,
            after: After::default(),
        };
        Dispatch {
            started: Instant::now(),
            config: config.clone(),
            memory_share,
            tries: Tries {
                attempts_max: config.task_attempts,
                locality_wait: config.locality_wait,
                has_speculation: config.speculation,
                // Only a framework can have other executors.
                has_exclusion: false,
            },
            shuffles,
            map_outputs,
            blocks,
            accumulators,
            state: Mutex::new(state),
            on_work: OnceLock::new(),
        }
    }

    fn locked(&self) -> Locked<'_> {
        Locked(self.state.lock())
    }

    fn now(&self) -> Time {
        Time(self.started.elapsed())
    }

    /// Starts a job; its news come through `job.news`.
    pub(crate) fn submit(&self, id: JobId, result: &Arc<dyn Stage>, job: Job) {
        let mut state = self.locked();
        if state.is_stopping {
            state.after.news.push((job.news, JobNews::End(Err(Error::Stopped))));
            return;
        }
        let (graph, stages) = self.walk(result, Reach::Needed);
        if state.jobs.is_empty() {
            state.busy_since = self.now();
        }
        state.totals.jobs += 1;
        state.jobs.insert(id, job);
        state.stages.extend(stages);
        self.step(&mut state, Event::Submitted { job: id, result: result.id(), graph });
    }

    /// Ends a job; nothing when it has ended.
    pub(crate) fn cancel(&self, job: JobId, why: &str) {
        self.step(&mut self.locked(), Event::Cancelled { job, why: why.to_owned() });
    }

    /// Ends all jobs that `is_meant`, by their groups.
    pub(crate) fn cancel_all(&self, why: &str, is_meant: impl Fn(Option<&str>) -> bool) -> usize {
        self.cancel_those(&mut self.locked(), why, is_meant)
    }

    fn cancel_those(&self, state: &mut State, why: &str, is_meant: impl Fn(Option<&str>) -> bool) -> usize {
        let meant: Vec<_> =
            state.jobs.iter().filter(|(_, job)| is_meant(job.group.as_deref())).map(|(id, _)| *id).collect();
        for job in &meant {
            self.step(state, Event::Cancelled { job: *job, why: why.to_owned() });
        }
        meant.len()
    }

    /// Refuses further jobs, ends those that run, and sends slots home.
    pub(crate) fn stop(&self, why: &str) {
        let mut state = self.locked();
        state.is_stopping = true;
        self.cancel_those(&mut state, why, |_| true);
        state.wake_all();
    }

    /// What to do when tasks have come. Called under the lock: it must do little.
    pub(crate) fn on_work(&self, told: impl Fn() + Send + Sync + 'static) {
        self.on_work.get_or_init(|| Box::new(told));
    }

    /// How many tasks wait or run, and which executors run some or hold blocks.
    pub(crate) fn load(&self) -> (usize, Vec<ExecutorId>) {
        let state = self.state.lock();
        let tasks = state.sets.values().map(|set| set.core.left()).sum();
        let busy = state.places.values().filter(|place| place.has() > 0);
        let mut busy: BTreeSet<_> = busy.map(|place| place.id).collect();
        busy.extend(self.blocks.executors());
        (tasks, busy.into_iter().collect())
    }

    /// How many tasks can run at a time now.
    pub(crate) fn slots(&self) -> u32 {
        self.state.lock().slots()
    }

    /// Who holds which blocks.
    pub(crate) fn blocks(&self) -> &BlockTable {
        &self.blocks
    }

    /// An executor has come, and takes tasks.
    pub(crate) fn join(&self, place: &Arc<Place>) {
        let mut state = self.locked();
        if place.is_closed() {
            // It has gone before it came.
            return;
        }
        state.places.insert(place.id, Arc::clone(place));
        state.sites.join(place.id, place.site.clone());
        self.settle(&mut state);
        state.wake_all();
    }

    /// An executor has gone, or is to go: it takes no more tasks.
    pub(crate) fn leave(&self, place: &Place) {
        let mut state = self.locked();
        place.close();
        if state.places.remove(&place.id).is_some() {
            state.sets.values_mut().for_each(|set| set.core.forget_place(place.id));
            state.sites.leave(place.id);
            self.settle(&mut state);
            self.blocks.leave(place.id);
        }
        place.has_news.notify_all();
        // What waited for it may go to others.
        state.wake_all();
    }

    /// What was heard of an executor's tasks; whoever takes work for it folds it.
    pub(crate) fn report(&self, place: &Place, heard: Vec<Heard>) {
        place.hear(heard);
        // Between a look at what was heard and the wait for more nobody else has the lock.
        drop(self.state.lock());
        place.has_news.notify_one();
    }

    /// Has an executor other than this one a free slot?
    pub(crate) fn is_idle_besides(&self, place: &Place) -> bool {
        self.state.lock().is_idle_besides(place)
    }

    /// For a slot of this machine: folds how its last task ended and waits for the next one. Nothing when there will be
    /// none.
    pub(crate) fn turn(&self, place: &Place, ended: Option<TaskEnd>) -> Option<Work> {
        let mut state = self.locked();
        if let Some(end) = ended {
            self.fold_heard(&mut state, place, Heard::Ended(end));
        }
        loop {
            if state.is_stopping || place.is_closed() {
                return None;
            }
            if let Some(work) = self.take_work(&mut state, place) {
                return Some(work);
            }
            if !state.after.is_empty() {
                drop(state);
                state = self.locked();
                continue;
            }
            self.wait(&mut state, place, None);
        }
    }

    /// For who brings tasks to another process: folds what was heard of it, and waits for at most so many tasks that it
    /// is to get. No task when it is time to look after those it has; nothing when there will be none.
    pub(crate) fn turns(&self, place: &Place, look_at: Instant, most: usize) -> Option<Vec<Work>> {
        let mut state = self.locked();
        loop {
            for heard in place.take_heard() {
                self.fold_heard(&mut state, place, heard);
            }
            if state.is_stopping || (place.is_closed() && place.has() == 0) {
                return None;
            }
            let works = self.take_works(&mut state, place, most);
            let has_tasks = place.has() > 0;
            if !works.is_empty() || (has_tasks && Instant::now() >= look_at) {
                return Some(works);
            }
            if !state.after.is_empty() {
                drop(state);
                state = self.locked();
                continue;
            }
            self.wait(&mut state, place, has_tasks.then_some(look_at));
        }
    }

    /// Waits until there may be work for an executor, or it is time for something else.
    fn wait(&self, state: &mut Locked<'_>, place: &Place, until: Option<Instant>) {
        let wake_at = self.wake_at(state).map(|Time(at)| self.started + at);
        let Some(until) = wake_at.into_iter().chain(until).min() else {
            return place.has_news.wait(&mut state.0);
        };
        let timed_out = place.has_news.wait_until(&mut state.0, until).timed_out();
        let now = self.now();
        if timed_out && state.dag.wake_at().is_some_and(|at| at <= now) {
            self.step(state, Event::Wake);
        }
        self.readmit(state, now);
        let State { sets, sites, .. } = &mut **state;
        sets.values_mut().for_each(|set| set.core.speculate(sites, now));
    }

    /// When a slot that finds nothing to do is to look again.
    fn wake_at(&self, state: &State) -> Option<Time> {
        let now = self.now();
        // A moment that has passed has been looked at.
        let places = state.sets.values().filter_map(|set| set.core.wake_at(now)).filter(|at| *at > now);
        let places = places.chain(state.exclusions.wake_at());
        let stragglers =
            (self.tries.has_speculation && !state.sets.is_empty()).then(|| now + SPECULATE_EVERY);
        state.dag.wake_at().into_iter().chain(places).chain(stragglers).min()
    }

    /// Stages that run, the earliest first.
    pub(crate) fn progress(&self) -> (Time, Vec<StageProgress>) {
        let state = self.state.lock();
        let sets = state.sets.iter().filter_map(|((id, _), set)| {
            let stage = state.stages.get(id)?;
            let left = set.core.left();
            Some(StageProgress {
                id: *id,
                name: stage.name(),
                since: set.since,
                tasks: set.tasks,
                done: set.tasks.saturating_sub(left),
                running: set.core.running(),
            })
        });
        (self.now(), sets.collect())
    }

    /// The tasks that run, for people.
    pub(crate) fn running(&self) -> Vec<TaskStatus> {
        let state = self.state.lock();
        let now = self.now();
        let of_set = |((stage, _), set): (&(StageId, u32), &TaskSet)| {
            let stage = stage.0;
            let status = move |(task, partition, attempt, executor, since): (
                TaskId,
                PartitionId,
                u32,
                ExecutorId,
                Time,
            )| {
                let age_ms = u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX);
                TaskStatus {
                    task: task.0,
                    stage,
                    partition: partition.0,
                    attempt,
                    executor: executor.0,
                    age_ms,
                }
            };
            set.core.attempts().map(status).collect::<Vec<_>>()
        };
        state.sets.iter().flat_map(of_set).collect()
    }

    pub(crate) fn totals(&self) -> Totals {
        let state = self.state.lock();
        let mut totals = state.totals;
        if !state.jobs.is_empty() {
            totals.job_time += self.now().since(state.busy_since);
        }
        totals
    }

    fn take_works(&self, state: &mut State, place: &Place, most: usize) -> Vec<Work> {
        if place.is_closed() {
            return Vec::new();
        }
        std::iter::from_fn(|| self.take_work(state, place)).take(most).collect()
    }

    fn take_work(&self, state: &mut State, place: &Place) -> Option<Work> {
        let now = self.now();
        // A task may wait at a busy executor only while no other has a free slot, and only behind short ones.
        let is_ahead = !place.has_free_slot();
        if is_ahead && state.is_idle_besides(place) {
            return None;
        }
        let candidates = state
            .sets
            .iter()
            .filter(|(_, set)| set.core.is_launchable(place.id, &state.sites, now))
            .map(|(id, set)| Candidate { stage: id.0, attempt: id.1, job: set.job, pool: &set.pool });
        let (order, shares) = (self.config.job_order, &self.config.pools);
        let Candidate { stage: id, attempt: stage_attempt, .. } =
            choose(order, shares, &state.pools, candidates)?;
        let slots = state.slots();
        let set = state.sets.get_mut(&(id, stage_attempt))?;
        // Whose turn it is comes first: what may wait must not pass what may not.
        if is_ahead && place.has() >= place.slots * (1 + set.ahead(slots)) {
            return None;
        }
        let task = TaskId(state.next_task + 1);
        let (partition, attempt) = set.core.take_launchable(task, place.id, &state.sites, now)?;
        state.next_task += 1;
        let is_killed = Arc::<AtomicBool>::default();
        set.is_killed.insert(task, Arc::clone(&is_killed));
        state.pools.launch(&set.pool, task);
        place.gets();
        let stage = state.stages.get(&id)?;
        Some(Work {
            attempt: TaskAttempt { task, stage: id, stage_attempt, partition, attempt },
            is_killed,
            stage: Arc::clone(stage),
            memory_share: self.memory_share,
            executor: place.id,
        })
    }
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").finish_non_exhaustive()
    }
}
