//! The shell around the cores: one lock under which events are folded and commands carried out. Slots ask it for work
//! and tell it how that ended; jobs wait for their results.

use crate::{
    Error, Result,
    accumulator::{AccumulatorTable, AnySum},
    config::Config,
    dag::{
        core::{Command, DagCore, Event, Limits, Outcome},
        graph::{self, Reach},
        version::{self, Blocks},
    },
    local::guarded,
    place::Place,
    rdd::{
        Determinism, Stage,
        dependency::{Dependency, Needs},
    },
    task::{
        core::{Preferred, Step, TaskSetCore, Tries},
        pool::{Candidate, PoolUses, choose},
    },
    track::{BlockTable, MapOutputTable},
};
use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex, MutexGuard};
use rsk_executor::{TaskHeader, shuffle};
use rsk_proto::{
    Encoder, ExecutorId, JobId, PartitionId, StageId, TaskAttempt, TaskEnd, TaskError, TaskId, TaskMetrics,
    TaskOutput, Time,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How often stragglers are looked for.
const SPECULATE_EVERY: Duration = Duration::from_millis(100);
/// Tasks that end within it may be sent ahead.
const SHORT: Duration = Duration::from_millis(20);

/// What a job hears: at most one part a partition, then its end.
#[derive(Debug)]
pub(crate) enum JobNews {
    Part(PartitionId, TaskOutput),
    End(Result<()>),
}

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
    pub(crate) failed_tasks: u64,
    pub(crate) spilled_bytes: u64,
    pub(crate) shuffled_bytes: u64,
    /// While at least one job ran.
    pub(crate) job_time: std::time::Duration,
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
    has_work: Condvar,
    /// Told when tasks have come: a framework may want executors.
    on_work: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

struct State {
    dag: DagCore,
    stages: BTreeMap<StageId, Arc<dyn Stage>>,
    sets: BTreeMap<(StageId, u32), TaskSet>,
    /// The executors that take tasks, each with how many it has.
    places: BTreeMap<ExecutorId, (Arc<Place>, u32)>,
    jobs: BTreeMap<JobId, Job>,
    pools: PoolUses,
    next_task: u64,
    totals: Totals,
    /// Since when at least one job runs.
    busy_since: Time,
    is_stopping: bool,
    after: After,
}

/// What is done when the lock is free again: accumulators merge what came in, which is the user's code; stages that
/// nobody needs are dropped, which may end in a context's drop; then jobs hear that they have ended.
#[derive(Default)]
struct After {
    sums: Vec<Arc<dyn AnySum>>,
    dropped: Vec<Arc<dyn Stage>>,
    news: Vec<(Sender<JobNews>, JobNews)>,
}

impl After {
    fn is_empty(&self) -> bool {
        self.sums.is_empty() && self.dropped.is_empty() && self.news.is_empty()
    }
}

/// The state under its lock.
struct Locked<'a>(MutexGuard<'a, State>);

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

struct TaskSet {
    core: TaskSetCore,
    job: JobId,
    pool: String,
    tasks: usize,
    since: Time,
    /// What its tasks that run look at.
    is_killed: BTreeMap<TaskId, Arc<AtomicBool>>,
    /// Of its tasks that have ended: how many, and how long they ran together.
    ran: (u32, Duration),
}

impl TaskSet {
    /// Its tasks end so soon that one may wait behind another without harm.
    fn is_short(&self) -> bool {
        let (tasks, time) = self.ran;
        tasks > 0 && time / tasks < SHORT
    }
}

/// One job, as it was submitted.
pub(crate) struct Job {
    pub(crate) group: Option<String>,
    pub(crate) pool: String,
    /// Hears at most one part a partition, so it needs no bound of its own.
    pub(crate) news: Sender<JobNews>,
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
            },
            shuffles,
            map_outputs,
            blocks,
            accumulators,
            state: Mutex::new(state),
            has_work: Condvar::new(),
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
        self.has_work.notify_all();
    }

    /// What to do when tasks have come. Called under the lock: it must do little.
    pub(crate) fn on_work(&self, told: impl Fn() + Send + Sync + 'static) {
        self.on_work.get_or_init(|| Box::new(told));
    }

    /// How many tasks wait or run, and which executors run some or hold blocks.
    pub(crate) fn load(&self) -> (usize, Vec<ExecutorId>) {
        let state = self.state.lock();
        let tasks = state.sets.values().map(|set| set.core.left()).sum();
        let runs = |(id, (_, running)): (&ExecutorId, &(Arc<Place>, u32))| (*running > 0).then_some(*id);
        let mut busy: BTreeSet<_> = state.places.iter().filter_map(runs).collect();
        busy.extend(self.blocks.executors());
        (tasks, busy.into_iter().collect())
    }

    /// How many tasks can run at a time now.
    pub(crate) fn slots(&self) -> u32 {
        self.state.lock().places.values().map(|(place, _)| place.slots).sum()
    }

    /// An executor has come; its lanes may take turns.
    pub(crate) fn join(&self, place: &Arc<Place>) {
        self.locked().places.insert(place.id, (Arc::clone(place), 0));
        self.has_work.notify_all();
    }

    /// An executor has gone, or is to go: its lanes end when their tasks have.
    pub(crate) fn leave(&self, place: &Place) {
        let mut state = self.locked();
        place.close();
        if state.places.remove(&place.id).is_some() {
            state.sets.values_mut().for_each(|set| set.core.forget_place(place.id));
            self.blocks.forget_executor(place.id);
        }
        self.has_work.notify_all();
    }

    /// For a lane of an executor: folds how its last task ended and waits for the next one. Nothing when there will be
    /// none.
    pub(crate) fn turn(&self, place: &Place, ended: Option<TaskEnd>) -> Option<Work> {
        let mut state = self.locked();
        if let Some(end) = ended {
            if let Some((_, running)) = state.places.get_mut(&place.id) {
                *running = running.saturating_sub(1);
            }
            self.fold(&mut state, place, end);
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
            match self.wake_at(&state) {
                None => self.has_work.wait(&mut state.0),
                Some(Time(at)) => {
                    let timed_out = self.has_work.wait_until(&mut state.0, self.started + at).timed_out();
                    let now = self.now();
                    if timed_out && state.dag.wake_at().is_some_and(|at| at <= now) {
                        self.step(&mut state, Event::Wake);
                    }
                    state.sets.values_mut().for_each(|set| set.core.speculate(now));
                }
            }
        }
    }

    /// When a slot that finds nothing to do is to look again.
    fn wake_at(&self, state: &State) -> Option<Time> {
        let now = self.now();
        // A moment that has passed has been looked at.
        let places = state.sets.values().filter_map(|set| set.core.wake_at()).filter(|at| *at > now);
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

    pub(crate) fn totals(&self) -> Totals {
        let state = self.state.lock();
        let mut totals = state.totals;
        if !state.jobs.is_empty() {
            totals.job_time += self.now().since(state.busy_since);
        }
        totals
    }

    fn take_work(&self, state: &mut State, place: &Place) -> Option<Work> {
        let (now, is_only) = (self.now(), state.places.len() <= 1);
        let running = state.places.get(&place.id).map_or(0, |(_, running)| *running);
        // A task may wait at a busy executor only while no other has a free slot, and only behind short ones.
        let is_ahead = running >= place.slots;
        if is_ahead && state.places.values().any(|(other, running)| *running < other.slots) {
            return None;
        }
        let candidates = state
            .sets
            .iter()
            .filter(|(_, set)| !is_ahead || set.is_short())
            .filter(|(_, set)| set.core.is_launchable(place.id, is_only, now))
            .map(|(id, set)| Candidate { stage: id.0, attempt: id.1, job: set.job, pool: &set.pool });
        let (order, shares) = (self.config.job_order, &self.config.pools);
        let Candidate { stage: id, attempt: stage_attempt, .. } =
            choose(order, shares, &state.pools, candidates)?;
        let set = state.sets.get_mut(&(id, stage_attempt))?;
        let task = TaskId(state.next_task + 1);
        let (partition, attempt) = set.core.take_launchable(task, place.id, is_only, now)?;
        state.next_task += 1;
        let is_killed = Arc::<AtomicBool>::default();
        set.is_killed.insert(task, Arc::clone(&is_killed));
        state.pools.launch(&set.pool, task);
        if let Some((_, running)) = state.places.get_mut(&place.id) {
            *running += 1;
        }
        let stage = state.stages.get(&id)?;
        Some(Work {
            attempt: TaskAttempt { task, stage: id, stage_attempt, partition, attempt },
            is_killed,
            stage: Arc::clone(stage),
            memory_share: self.memory_share,
            executor: place.id,
        })
    }

    /// One task has ended.
    fn fold(&self, state: &mut State, place: &Place, end: TaskEnd) {
        let TaskEnd { attempt, outcome, accumulators, blocks, metrics } = end;
        if place.is_closed() {
            // What it holds goes with it.
        } else if matches!(outcome, Err(TaskError::Lost(_))) {
            self.blocks.forget_executor(place.id);
        } else {
            self.blocks.update(place.id, &blocks);
        }
        state.totals.count(&metrics, outcome.is_err());
        let key = (attempt.stage, attempt.stage_attempt);
        let Some(set) = state.sets.get_mut(&key) else {
            return outcome.map_or_else(|_| (), |output| self.discard(output));
        };
        set.is_killed.remove(&attempt.task);
        set.ran.0 += 1;
        set.ran.1 += Duration::from_micros(metrics.run_micros);
        let (outcome, output) = match outcome {
            Ok(output) => (Ok(()), Some(output)),
            Err(error) => {
                tracing::warn!(task = %attempt, error = %chain(&error), "task failed");
                (Err(error), None)
            }
        };
        let step = set.core.ended(attempt.task, outcome, self.now());
        let superfluous: &[TaskId] =
            if let Step::Succeeded { superfluous } = &step { superfluous } else { &[] };
        for task in superfluous {
            set.is_killed.remove(task).inspect(|is_killed| is_killed.store(true, Ordering::Relaxed));
        }
        state.pools.leave(&set.pool, superfluous.len() + usize::from(step != Step::Unknown));
        if set.core.is_over() {
            let seconds = self.now().since(set.since).as_secs_f64();
            tracing::info!(stage = %attempt.stage, tasks = set.tasks, seconds, "a stage's tasks have ended");
            state.sets.remove(&key);
        }
        match step {
            Step::Unknown | Step::Continue => output.into_iter().for_each(|output| self.discard(output)),
            Step::Succeeded { .. } => {
                let output = output.into_iter();
                output.for_each(|output| self.succeeded(state, attempt, output, &accumulators));
            }
            Step::RerunParent(error) => self.lost(state, attempt, &error),
            Step::GiveUp { attempts, error } => {
                let failure = crate::dag::core::Failure { partition: attempt.partition, attempts, error };
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
        accumulators: &[rsk_proto::AccumulatorUpdate],
    ) {
        let TaskAttempt { stage: id, stage_attempt, partition, .. } = attempt;
        let stage =
            state.stages.get(&id).filter(|_| state.dag.accepts(id, stage_attempt, partition)).cloned();
        let Some(stage) = stage else { return self.discard(output) };
        let kept = guarded("taking in a task's output", || stage.accept(partition, output));
        let kept = kept.and_then(|kept| kept.map_err(|error| TaskError::Io(rsk_proto::Cause::of(&error))));
        let event = match kept {
            Ok(()) => {
                let sums = self.accumulators.accepted(id, partition, accumulators);
                state.after.sums.extend(sums);
                Event::Done { stage: id, partition }
            }
            Err(error) => {
                let failure = crate::dag::core::Failure { partition, attempts: attempt.attempt + 1, error };
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

    /// Where the blocks are that tasks of a stage read, of persisted RDDs that have the stage's partitions.
    fn preferred(&self, stage: &dyn Stage) -> Preferred {
        let mut dependencies = Vec::new();
        stage.dependencies(&mut dependencies);
        let mut preferred = Preferred::new();
        for Dependency(needs) in dependencies {
            let Needs::Persisted(persisted) = needs else { continue };
            if persisted.partitions == stage.partitions() {
                for (partition, holders) in self.blocks.holders(persisted.rdd) {
                    preferred.entry(partition).or_insert_with(|| holders.into_iter().collect());
                }
            }
        }
        preferred
    }

    fn walk(&self, root: &Arc<dyn Stage>, reach: Reach) -> (graph::Graph, BTreeMap<StageId, Arc<dyn Stage>>) {
        if root.determinism() == Determinism::Indeterminate {
            version::freshen(&**root, &*self.blocks);
        }
        graph::walk(root, reach, &|persisted| self.blocks.holds_all(persisted.rdd, persisted.partitions))
    }

    /// Folds an event into the core and does what it commands.
    fn step(&self, state: &mut State, event: Event) {
        let (now, before) = (self.now(), state.dag.wake_at());
        for command in state.dag.step(event, now) {
            tracing::debug!(?command, "dag");
            self.carry_out(state, command, now);
        }
        let wake_at = state.dag.wake_at();
        if wake_at.is_some_and(|at| before.is_none_or(|before| at < before)) {
            // Each slot that waits must know when to look again.
            self.has_work.notify_all();
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
                let core = TaskSetCore::new(partitions, preferred, self.tries, now);
                let ran = (0, Duration::ZERO);
                let set = TaskSet { core, job, pool, tasks, since: now, is_killed: BTreeMap::new(), ran };
                state.totals.stages += 1;
                let name = state.stages.get(&stage).map_or_else(String::new, |stage| stage.name());
                tracing::info!(%stage, attempt, %job, tasks, name, "a stage starts");
                state.sets.insert((stage, attempt), set);
                self.has_work.notify_all();
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

/// Stages that find the same output gone so often fail their jobs.
const STAGE_ATTEMPTS_MAX: u32 = 4;

impl Totals {
    fn count(&mut self, metrics: &TaskMetrics, has_failed: bool) {
        self.tasks += 1;
        self.failed_tasks += u64::from(has_failed);
        self.spilled_bytes += metrics.spilled_bytes;
        self.shuffled_bytes += metrics.shuffle_written_bytes;
    }
}

/// A job that is not listened to any more has been cancelled already.
fn tell(news: &Sender<JobNews>, what: JobNews) {
    if news.send(what).is_err() {
        tracing::debug!("a job is not listened to any more");
    }
}

/// An error and its causes on one line, for logs.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").finish_non_exhaustive()
    }
}
