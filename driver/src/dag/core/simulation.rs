//! The core in a world where outputs and blocks vanish, tasks fail, and jobs come, share and go, in any order.

use super::*;
use crate::{
    Result,
    dag::{
        graph::{self, Reach},
        version::{self, Blocks, Version},
    },
    rdd::{
        Stage as AnyStage,
        dependency::{Dependency, Needs, Persisted},
    },
};
use parking_lot::Mutex;
use proptest::prelude::*;
use rsk_proto::{Encoder, RddId, TaskOutput};
use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Which making of each indeterminate partition something was made of; nothing if two makings were mixed.
type Origin = Option<BTreeMap<(StageId, PartitionId), u64>>;

fn join(a: &Origin, b: &Origin) -> Origin {
    let (mut all, b) = (a.clone()?, b.as_ref()?);
    for (of, making) in b {
        if all.insert(*of, *making).is_some_and(|other| other != *making) {
            return None;
        }
    }
    Some(all)
}

/// What one task left.
#[derive(Debug, Clone)]
struct Output {
    origin: Origin,
    /// Nobody has noticed yet that it is not.
    is_readable: bool,
}

struct Staged {
    id: StageId,
    is_indeterminate: bool,
    dependencies: Vec<Dependency>,
    /// What the driver believes to be there.
    outputs: Mutex<Vec<Option<Output>>>,
    version: Version,
    /// Counts, as a context does.
    ids: Arc<AtomicU64>,
}

impl AnyStage for Staged {
    fn id(&self) -> StageId {
        self.id
    }
    fn name(&self) -> String {
        self.id.to_string()
    }
    fn partitions(&self) -> usize {
        self.outputs.lock().len()
    }
    fn dependencies(&self, to: &mut Vec<Dependency>) {
        to.extend_from_slice(&self.dependencies);
    }
    fn determinism(&self) -> Determinism {
        if self.is_indeterminate { Determinism::Indeterminate } else { Determinism::Determinate }
    }
    fn encode_task(&self, _: PartitionId, _: &mut Encoder) {}
    fn missing(&self) -> BTreeSet<PartitionId> {
        let outputs = self.outputs.lock();
        let missing = outputs.iter().enumerate().filter(|(_, output)| output.is_none());
        missing.map(|(partition, _)| PartitionId::of(partition)).collect()
    }
    fn accept(&self, _: PartitionId, _: TaskOutput) -> Result<()> {
        Ok(())
    }
    fn reset(&self) {
        self.version.forget(self.ids.fetch_add(1, Relaxed));
        self.outputs.lock().fill(None);
    }
    fn version(&self) -> &Version {
        &self.version
    }
}

/// A stage as it is generated: partitions, which earlier ones it reads and whether through a persisted RDD, and whether
/// it is indeterminate by itself.
type Spec = (usize, Vec<(u8, bool)>, bool);
/// What happens next, and to which of those it can happen to.
type Happening = (u8, u16);

/// A task that runs: what it has read so far.
struct Task {
    stage: StageId,
    attempt: u32,
    partition: PartitionId,
    to_read: Vec<Dependency>,
    origin: Origin,
    /// Blocks to keep once what lies behind them is read, innermost last.
    blocks: Vec<(RddId, Origin, usize)>,
}

/// Blocks, and which of them the driver believes to be there.
#[derive(Default)]
struct Held {
    blocks: RefCell<BTreeMap<RddId, BTreeMap<PartitionId, Origin>>>,
    believed: RefCell<BTreeMap<RddId, BTreeSet<PartitionId>>>,
}

impl Blocks for Held {
    fn has_any(&self, rdd: RddId) -> bool {
        self.believed.borrow().get(&rdd).is_some_and(|held| !held.is_empty())
    }
    fn clear(&self, rdd: RddId) {
        self.blocks.borrow_mut().remove(&rdd);
        self.believed.borrow_mut().remove(&rdd);
    }
}

struct Set {
    pending: Vec<PartitionId>,
    is_retired: bool,
}

struct World {
    core: DagCore,
    now: Time,
    sources: Vec<Arc<Staged>>,
    stages: BTreeMap<StageId, Arc<Staged>>,
    blocks: Held,
    sets: BTreeMap<(StageId, u32), Set>,
    tasks: Vec<Task>,
    to_submit: Vec<Spec>,
    jobs: BTreeSet<JobId>,
    makings: u64,
    ids: Arc<AtomicU64>,
}

impl World {
    fn new(specs: Vec<Spec>, jobs: Vec<Spec>) -> World {
        let core = DagCore::new(Limits { stage_attempts_max: 4, resubmit_delay: DELAY });
        let mut world = World {
            core,
            now: T0,
            sources: Vec::new(),
            stages: BTreeMap::new(),
            blocks: Held::default(),
            sets: BTreeMap::new(),
            tasks: Vec::new(),
            to_submit: jobs,
            jobs: BTreeSet::new(),
            makings: 0,
            ids: Arc::new(AtomicU64::new(1)),
        };
        for spec in specs {
            let stage = world.stage(spec);
            world.sources.push(stage);
        }
        world
    }

    fn next(&self) -> u64 {
        self.ids.fetch_add(1, Relaxed)
    }

    fn stage(&mut self, (partitions, parents, by_itself): Spec) -> Arc<Staged> {
        let mut is_indeterminate = by_itself;
        let mut dependencies = Vec::new();
        for (parent, is_persisted) in parents {
            if self.sources.is_empty() {
                break;
            }
            let parent = Arc::clone(&self.sources[usize::from(parent) % self.sources.len()]);
            is_indeterminate |= parent.is_indeterminate;
            let needs = Needs::Stage(parent);
            dependencies.push(Dependency(if is_persisted {
                let rdd = RddId(self.next());
                Needs::Persisted(Arc::new(Persisted {
                    rdd,
                    partitions,
                    behind: vec![Dependency(needs)],
                    version: Version::default(),
                }))
            } else {
                needs
            }));
        }
        let (id, outputs) = (StageId(self.next()), Mutex::new(vec![None; partitions]));
        let (version, ids) = (Version::default(), Arc::clone(&self.ids));
        Arc::new(Staged { id, is_indeterminate, dependencies, outputs, version, ids })
    }

    fn submit(&mut self, spec: Spec) {
        let result = self.stage(spec);
        self.stages.insert(result.id, Arc::clone(&result));
        for source in &self.sources {
            self.stages.insert(source.id, Arc::clone(source));
        }
        let id = JobId(result.id.0);
        self.jobs.insert(id);
        let graph = self.walk(result.id, Reach::Needed);
        self.step(Event::Submitted { job: id, result: result.id, graph });
    }

    fn walk(&self, from: StageId, reach: Reach) -> Graph {
        let root = Arc::clone(&self.stages[&from]) as Arc<dyn AnyStage>;
        version::freshen(&*root, &self.blocks);
        let is_held = |persisted: &Persisted| {
            self.blocks
                .believed
                .borrow()
                .get(&persisted.rdd)
                .is_some_and(|held| held.len() == persisted.partitions)
        };
        graph::walk(&root, reach, &is_held).0
    }

    fn step(&mut self, event: Event) {
        for command in self.core.step(event, self.now) {
            self.carry_out(command);
        }
        assert!(self.core.wake_at().is_none_or(|at| at > self.now), "it would wake without end");
        assert_eq!(self.core.jobs().collect::<Vec<_>>(), self.jobs.iter().copied().collect::<Vec<_>>());
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Run { stage, attempt, job, partitions } => {
                assert!(self.jobs.contains(&job), "{stage} runs for a job that has ended");
                let is_twice = self.sets.iter().any(|((id, _), set)| *id == stage && !set.is_retired);
                assert!(!is_twice, "{stage} is handed out twice");
                let staged = &self.stages[&stage];
                assert!(partitions.is_subset(&staged.missing()) && !partitions.is_empty());
                for Dependency(needs) in &staged.dependencies {
                    if let Needs::Stage(parent) = needs {
                        assert!(parent.missing().is_empty(), "{stage} runs before {}", parent.id());
                    }
                }
                version::begin(&**staged, &self.blocks);
                let set = Set { pending: partitions.into_iter().collect(), is_retired: false };
                assert!(self.sets.insert((stage, attempt), set).is_none());
            }
            Command::Retire { stage } => {
                for (_, set) in self.sets.range_mut((stage, 0)..=(stage, u32::MAX)) {
                    set.is_retired = true;
                    set.pending.clear();
                }
            }
            Command::Stop { stage } => {
                self.sets.retain(|(id, _), _| *id != stage);
                self.tasks.retain(|task| task.stage != stage);
            }
            Command::Reset { stage } => self.stages[&stage].reset(),
            Command::Forget { stages } => {
                for id in &stages {
                    let stage = Arc::clone(&self.stages[id]) as Arc<dyn AnyStage>;
                    for rdd in graph::blocks_behind(&stage, &stages) {
                        self.blocks.clear(rdd);
                    }
                }
            }
            Command::End { job, outcome } => {
                assert!(self.jobs.remove(&job), "{job} ends once");
                if outcome == Outcome::Succeeded {
                    let results = self.stages[&StageId(job.0)].outputs.lock().clone();
                    let mut one = Some(BTreeMap::new());
                    for part in &results {
                        let part = part.as_ref().expect("a job that succeeds has all its results");
                        one = join(&one, &part.origin);
                    }
                    assert!(one.is_some(), "{job} has mixed two versions");
                }
            }
            Command::Drop { stage } => {
                assert!(self.sets.keys().all(|(id, _)| *id != stage), "{stage} runs for nobody");
            }
        }
    }

    fn launch(&mut self, which: u16) {
        let mut launchable: Vec<_> =
            self.sets.iter_mut().filter(|(_, set)| !set.pending.is_empty()).collect();
        if launchable.is_empty() {
            return;
        }
        let at = usize::from(which) % launchable.len();
        let (&(stage, attempt), set) = launchable.swap_remove(at);
        let partition = set.pending.remove(0);
        let to_read = self.stages[&stage].dependencies.clone();
        let origin = Some(BTreeMap::new());
        self.tasks.push(Task { stage, attempt, partition, to_read, origin, blocks: Vec::new() });
    }

    /// A task reads one more thing, or ends.
    fn advance(&mut self, which: u16) {
        if self.tasks.is_empty() {
            return;
        }
        let at = usize::from(which) % self.tasks.len();
        let task = &mut self.tasks[at];
        while let Some((rdd, before, left)) = task.blocks.pop() {
            if task.to_read.len() > left {
                task.blocks.push((rdd, before, left));
                break;
            }
            let mut blocks = self.blocks.blocks.borrow_mut();
            blocks.entry(rdd).or_default().insert(task.partition, task.origin.clone());
            self.blocks.believed.borrow_mut().entry(rdd).or_default().insert(task.partition);
            task.origin = join(&before, &task.origin);
        }
        let Some(Dependency(needs)) = task.to_read.pop() else { return self.finish(at) };
        match needs {
            Needs::Persisted(persisted) => {
                let blocks = self.blocks.blocks.borrow();
                let held = blocks.get(&persisted.rdd).and_then(|held| held.get(&task.partition));
                if let Some(block) = held {
                    task.origin = join(&task.origin, block);
                } else {
                    self.blocks
                        .believed
                        .borrow_mut()
                        .get_mut(&persisted.rdd)
                        .map(|held| held.remove(&task.partition));
                    let before = task.origin.replace(BTreeMap::new());
                    task.blocks.push((persisted.rdd, before, task.to_read.len()));
                    task.to_read.extend_from_slice(&persisted.behind);
                }
            }
            Needs::Stage(parent) => {
                let parent = &self.stages[&parent.id()];
                let mut lost = None;
                for (partition, output) in parent.outputs.lock().iter_mut().enumerate() {
                    match output {
                        Some(read) if read.is_readable => task.origin = join(&task.origin, &read.origin),
                        Some(_) => lost = lost.or(Some((Reach::Needed, partition))),
                        None => lost = lost.or(Some((Reach::BehindBlocks, partition))),
                    }
                }
                let parent = Arc::clone(parent);
                if let Some((reach, partition)) = lost {
                    let Task { stage: reader, attempt, .. } = self.tasks.swap_remove(at);
                    if self.core.is_current(reader, attempt) {
                        if reach == Reach::Needed {
                            parent.outputs.lock()[partition] = None;
                        }
                        let graph = self.walk(reader, reach);
                        self.step(Event::Lost { reader, attempt, graph });
                    }
                }
            }
        }
    }

    fn finish(&mut self, at: usize) {
        let Task { stage, attempt, partition, mut origin, .. } = self.tasks.swap_remove(at);
        if !self.core.accepts(stage, attempt, partition) {
            return;
        }
        self.makings += 1;
        let staged = &self.stages[&stage];
        if staged.is_indeterminate
            && let Some(origin) = &mut origin
        {
            origin.insert((stage, partition), self.makings);
        }
        let output = Output { origin, is_readable: true };
        staged.outputs.lock()[partition.index()] = Some(output);
        for ((_, other), set) in self.sets.range_mut((stage, 0)..=(stage, u32::MAX)) {
            if *other != attempt {
                set.pending.retain(|pending| *pending != partition);
            }
        }
        self.step(Event::Done { stage, partition });
    }

    fn happens(&mut self, (what, which): Happening) {
        let nth = |len: usize| usize::from(which) % len.max(1);
        match what {
            0..=3 => {
                if let Some(spec) = self.to_submit.pop() {
                    self.submit(spec);
                }
            }
            4..=29 => self.launch(which),
            30..=84 => self.advance(which),
            85..=87 if !self.sources.is_empty() => {
                let mut outputs = self.sources[nth(self.sources.len())].outputs.lock();
                let at = usize::from(which / 7) % outputs.len().max(1);
                if let Some(Some(output)) = outputs.get_mut(at) {
                    output.is_readable = false;
                }
            }
            88..=90 => {
                let mut blocks = self.blocks.blocks.borrow_mut();
                let at = nth(blocks.len());
                blocks.values_mut().nth(at).map(BTreeMap::pop_first);
            }
            91 => {
                if let Some(&(stage, attempt)) = self.sets.keys().nth(nth(self.sets.len())) {
                    let error = TaskError::Lost("gone".to_owned());
                    let failure = Failure { partition: PartitionId(0), attempts: 4, error };
                    self.step(Event::Failed { stage, attempt, failure });
                }
            }
            92 => {
                if let Some(&job) = self.jobs.iter().nth(nth(self.jobs.len())) {
                    self.step(Event::Cancelled { job, why: String::new() });
                }
            }
            // An attempt that does not count: it is tried again.
            93..=95 if !self.tasks.is_empty() => {
                let Task { stage, attempt, partition, .. } = self.tasks.swap_remove(nth(self.tasks.len()));
                let set = self.sets.get_mut(&(stage, attempt)).filter(|set| !set.is_retired);
                set.into_iter().for_each(|set| set.pending.push(partition));
            }
            _ => {
                self.now = self.now + DELAY / 2;
                self.step(Event::Wake);
            }
        }
    }

    /// Nothing bad happens any more: what is left comes to its end.
    fn come_to_an_end(&mut self) {
        while let Some(spec) = self.to_submit.pop() {
            self.submit(spec);
        }
        for round in 0.. {
            if self.jobs.is_empty() {
                break;
            }
            assert!(round < 2_000, "jobs hang: {:?}", self.core);
            self.now = self.now + DELAY;
            self.step(Event::Wake);
            for which in 0..64 {
                self.launch(which);
                self.advance(which);
            }
        }
        assert!(self.sets.is_empty() && self.tasks.is_empty(), "something runs for nobody");
        assert!(self.core.stages.is_empty() && self.core.wake_at().is_none(), "{:?}", self.core);
    }
}

const T0: Time = Time(Duration::ZERO);
const DELAY: Duration = Duration::from_millis(200);

fn spec() -> impl Strategy<Value = Spec> {
    let parents = prop::collection::vec((any::<u8>(), prop::bool::weighted(0.3)), 0..4);
    (prop::sample::select(vec![0usize, 1, 1, 2, 2, 3]), parents, prop::bool::weighted(0.4))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn jobs_end_and_never_mix_versions_whatever_happens(
        sources in prop::collection::vec(spec(), 1..6),
        jobs in prop::collection::vec(spec(), 1..9),
        happenings in prop::collection::vec((0u8..100, any::<u16>()), 0..600),
    ) {
        let mut world = World::new(sources, jobs);
        for happening in happenings {
            world.happens(happening);
        }
        world.come_to_an_end();
    }
}

#[test]
fn outputs_of_an_ended_job_are_not_mixed_with_what_was_made_again_since() {
    let (first, second) = ((1, vec![], true), (1, vec![(0, false)], false));
    let reads = |parents: &[u8]| (1, parents.iter().map(|parent| (*parent, false)).collect(), false);
    let mut world = World::new(vec![first, second], Vec::new());
    world.submit(reads(&[1]));
    world.come_to_an_end();
    world.sources[0].outputs.lock()[0].as_mut().unwrap().is_readable = false;
    world.submit(reads(&[0]));
    world.come_to_an_end();
    // Both are there, but of two versions.
    assert!(world.sources.iter().all(|source| source.missing().is_empty()));
    world.submit(reads(&[0, 1]));
    world.come_to_an_end();
}
