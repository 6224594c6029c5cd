//! Random graphs, jobs, losses, failures and orders of events against a world that remembers what was made from what.

use super::*;
use proptest::prelude::*;
use std::collections::btree_map::Entry;

/// What a partition was made from: of each indeterminate output behind it, which makings were read.
type Made = BTreeMap<(StageId, PartitionId), BTreeSet<u64>>;

#[derive(Debug, Clone)]
struct Plan {
    partitions: usize,
    parents: Vec<usize>,
    is_indeterminate: bool,
}

/// A running task; some read their input when they start, others when they end.
struct Task {
    stage: StageId,
    attempt: u32,
    partition: PartitionId,
    read: Option<Made>,
    /// Its task set launches no more, and does not tell what it finds gone.
    is_retired: bool,
}

struct World {
    plans: Vec<Plan>,
    core: DagCore,
    now: Time,
    /// What the driver believes to be there; and what is.
    known: BTreeMap<(StageId, PartitionId), Made>,
    gone: BTreeSet<(StageId, PartitionId)>,
    results: BTreeMap<JobId, BTreeMap<PartitionId, Made>>,
    outcomes: BTreeMap<JobId, Outcome>,
    running: Vec<Task>,
    makings: u64,
}

impl World {
    fn id(index: usize) -> StageId {
        StageId(index as u64)
    }

    /// Job `n` reads the plan's stage `n % plans`, through a result stage of its own.
    fn result(job: u64) -> StageId {
        StageId(1_000 + job)
    }

    fn parents(&self, stage: StageId) -> Vec<StageId> {
        match usize::try_from(stage.0).unwrap() {
            job @ 1_000.. => vec![Self::id((job - 1_000) % self.plans.len())],
            index => self.plans[index].parents.iter().map(|parent| Self::id(*parent)).collect(),
        }
    }

    fn partitions(&self, stage: StageId) -> usize {
        self.plans.get(usize::try_from(stage.0).unwrap()).map_or(2, |plan| plan.partitions)
    }

    fn determinism(&self, stage: StageId) -> Determinism {
        let own = self.plans.get(usize::try_from(stage.0).unwrap()).is_some_and(|plan| plan.is_indeterminate);
        let own = if own { Determinism::Indeterminate } else { Determinism::Determinate };
        self.parents(stage)
            .into_iter()
            .map(|parent| self.determinism(parent))
            .max()
            .unwrap_or_default()
            .max(own)
    }

    fn missing(&self, stage: StageId) -> BTreeSet<PartitionId> {
        let all = (0..self.partitions(stage)).map(PartitionId::of);
        let is_there = |partition: &PartitionId| match stage.0 {
            job @ 1_000.. => {
                self.results.get(&JobId(job)).is_some_and(|result| result.contains_key(partition))
            }
            _ => self.known.contains_key(&(stage, *partition)),
        };
        all.filter(|partition| !is_there(partition)).collect()
    }

    fn walk(&self, root: StageId, whole: bool) -> Graph {
        let (mut graph, mut to_visit) = (Graph::new(), vec![root]);
        while let Some(stage) = to_visit.pop() {
            let missing = self.missing(stage);
            let parents = if missing.is_empty() && !whole { Vec::new() } else { self.parents(stage) };
            to_visit.extend(parents.iter().filter(|parent| !graph.contains_key(parent)));
            let (partitions, determinism) = (self.partitions(stage), self.determinism(stage));
            graph.insert(
                stage,
                Node { partitions, missing, parents: parents.into_iter().collect(), determinism },
            );
        }
        graph
    }

    /// All that a task of the stage reads, or the first output that is not there.
    fn read(&self, stage: StageId) -> Result<Made, (StageId, PartitionId)> {
        let mut made = Made::new();
        for parent in self.parents(stage) {
            for partition in (0..self.partitions(parent)).map(PartitionId::of) {
                let output = (parent, partition);
                let Some(part) = self.known.get(&output).filter(|_| !self.gone.contains(&output)) else {
                    return Err(output);
                };
                for (of, makings) in part {
                    made.entry(*of).or_default().extend(makings);
                }
            }
        }
        Ok(made)
    }

    fn step(&mut self, event: Event) {
        for command in self.core.step(event, self.now) {
            match command {
                Command::Run { stage, attempt, partitions, .. } => {
                    assert!(!partitions.is_empty());
                    for parent in self.parents(stage) {
                        assert!(self.missing(parent).is_empty(), "{stage} runs before {parent} is done");
                    }
                    for partition in partitions {
                        let early = partition.0 % 2 == 0;
                        let read = if early { self.read(stage).ok() } else { None };
                        self.running.push(Task { stage, attempt, partition, read, is_retired: false });
                    }
                }
                Command::Stop { stage } => self.running.retain(|task| task.stage != stage),
                Command::Reset { stage } => self.known.retain(|(of, _), _| *of != stage),
                Command::End { job, outcome } => match self.outcomes.entry(job) {
                    Entry::Vacant(entry) => drop(entry.insert(outcome)),
                    Entry::Occupied(_) => panic!("{job} ended twice"),
                },
                Command::Retire { stage } => {
                    let retired = self.running.iter_mut().filter(|task| task.stage == stage);
                    retired.for_each(|task| task.is_retired = true);
                }
                Command::Drop { .. } => {}
            }
        }
    }

    fn submit(&mut self, job: u64) {
        let result = Self::result(job);
        self.results.insert(JobId(result.0), BTreeMap::new());
        let graph = self.walk(result, false);
        self.step(Event::Submitted { job: JobId(result.0), result, graph });
    }

    fn finish(&mut self, which: usize) {
        if self.running.is_empty() {
            return;
        }
        let Task { stage, attempt, partition, read, is_retired } =
            self.running.swap_remove(which % self.running.len());
        let mut made = match read.map_or_else(|| self.read(stage), Ok) {
            Ok(made) => made,
            Err(_) if is_retired => return,
            Err(output) => {
                self.known.remove(&output);
                self.gone.remove(&output);
                let whole = self.determinism(output.0) == Determinism::Indeterminate;
                let graph = self.walk(stage, whole);
                return self.step(Event::Lost { reader: stage, attempt, lost: output.0, graph });
            }
        };
        if !self.core.accepts(stage, attempt, partition) {
            return;
        }
        self.makings += 1;
        if self.determinism(stage) == Determinism::Indeterminate {
            made.insert((stage, partition), BTreeSet::from([self.makings]));
        }
        if stage.0 >= 1_000 {
            let before = self.results.entry(JobId(stage.0)).or_default().insert(partition, made);
            assert!(before.is_none(), "{stage} {partition} was handed out twice");
        } else {
            self.gone.remove(&(stage, partition));
            self.known.insert((stage, partition), made);
        }
        self.step(Event::Done { stage, partition });
    }

    fn act(&mut self, (kind, number): (u8, usize)) {
        match kind {
            0 => self.submit(
                number as u64 % 6 + 10 * self.outcomes.len() as u64 + 100 * self.results.len() as u64,
            ),
            1 => {
                let outputs: Vec<_> = self.known.keys().copied().collect();
                self.gone.extend(outputs.get(number % outputs.len().max(1)));
            }
            2 => {
                let jobs: Vec<_> = self.core.jobs().collect();
                if let Some(job) = jobs.get(number % jobs.len().max(1)).filter(|_| number.is_multiple_of(3)) {
                    self.step(Event::Cancelled { job: *job, why: String::new() });
                }
            }
            3 if number.is_multiple_of(5) && !self.running.is_empty() => {
                let Task { stage, attempt, partition, is_retired, .. } =
                    self.running.swap_remove(number % self.running.len());
                if is_retired {
                    return;
                }
                let failure = Failure { partition, attempts: 4, error: TaskError::Lost(String::new()) };
                self.step(Event::Failed { stage, attempt, failure });
            }
            4 | 5 => {
                self.now = self.now + Duration::from_millis(100);
                self.step(Event::Wake);
            }
            _ => self.finish(number),
        }
    }

    /// Lets all that runs come to its end.
    fn drain(&mut self) {
        for turn in 0..100_000 {
            if self.core.jobs().next().is_none() {
                return;
            }
            if self.running.is_empty() {
                let at = self.core.wake_at().expect("something is to be done as long as a job has not ended");
                self.now = self.now.max(at);
                self.step(Event::Wake);
            }
            self.finish(turn * 7);
        }
        panic!("jobs do not end: {:?}", self.core);
    }

    fn check(&self) {
        assert!(self.running.is_empty(), "tasks run for no job");
        assert_eq!(self.outcomes.len(), self.results.len(), "each job has ended");
        for (job, outcome) in &self.outcomes {
            if *outcome != Outcome::Succeeded {
                continue;
            }
            let parts = &self.results[job];
            assert_eq!(parts.len(), 2, "{job} has all its results");
            let mut read = Made::new();
            for (of, makings) in parts.values().flatten() {
                read.entry(*of).or_default().extend(makings);
            }
            for (of, makings) in read.iter().filter(|((stage, _), _)| stage.0 < 1_000) {
                assert_eq!(makings.len(), 1, "{job} has read two versions of {of:?}");
            }
        }
    }
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let plan = (1usize..4, prop::collection::vec(0usize..8, 0..3), prop::bool::weighted(0.2));
    prop::collection::vec(plan, 1..7).prop_map(|plans| {
        let numbered = plans.into_iter().enumerate();
        numbered
            .map(|(index, (partitions, parents, is_indeterminate))| Plan {
                partitions,
                parents: parents.into_iter().filter(|parent| *parent < index).collect(),
                is_indeterminate,
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn jobs_end_and_read_one_version_of_everything(
        plans in plans(),
        acts in prop::collection::vec((0u8..16, 0usize..1_000), 0..160),
    ) {
        let mut world = World {
            plans,
            core: DagCore::new(Limits { stage_attempts_max: 4, resubmit_delay: Duration::from_millis(200) }),
            now: Time::default(),
            known: BTreeMap::new(),
            gone: BTreeSet::new(),
            results: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            running: Vec::new(),
            makings: 0,
        };
        world.submit(0);
        acts.into_iter().for_each(|act| world.act(act));
        world.drain();
        world.check();
    }
}
