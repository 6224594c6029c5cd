//! Which partition to try next, and when to give up. Pure: no clock, no threads, no I/O.

use super::locality::Pending;
use rsk_proto::{ExecutorId, Next, PartitionId, TaskError, TaskId, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Which executors hold the data of which partition.
pub type Preferred = BTreeMap<PartitionId, Vec<ExecutorId>>;

/// What the end of one attempt leads to.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// It is not known to run: another has done its partition, or it has ended before.
    Unknown,
    /// Nothing: nobody needs its partition any more, or another attempt at it runs.
    Continue,
    /// Its partition is in line again.
    Retry,
    /// It succeeded: its output may be wanted, and these other attempts at the same partition are not any more.
    Succeeded {
        /// They are to be stopped.
        superfluous: Vec<TaskId>,
    },
    /// Output that it reads is gone.
    RerunParent(TaskError),
    /// Trying again cannot help, or has been tried often enough.
    GiveUp {
        /// How often the partition was tried.
        attempts: u32,
        /// Why the last try failed.
        error: TaskError,
    },
}

/// How tries are made.
#[derive(Debug, Clone, Copy)]
pub struct Tries {
    /// At least one attempt at each partition.
    pub attempts_max: u32,
    /// Data that is held somewhere is waited for so long.
    pub locality_wait: Duration,
    /// Whether stragglers are tried a second time while they run.
    pub has_speculation: bool,
}

/// Speculation begins when so many of ten partitions are done.
const DONE_OF_TEN: usize = 9;
/// A straggler runs for more than so many times the median.
const MEDIANS: u32 = 3;
/// And for more than this.
const STRAGGLES_FROM: Duration = Duration::from_millis(100);

/// The missing partitions of one stage, submitted together, and the tries at each.
#[derive(Debug)]
pub struct TaskSetCore {
    tries: Tries,
    partitions: usize,
    preferred: Preferred,
    pending: Pending,
    running: BTreeMap<TaskId, Attempt>,
    failures: BTreeMap<PartitionId, u32>,
    /// Partitions that run and are pending a second time.
    copies: BTreeSet<PartitionId>,
    /// How long attempts ran that succeeded; kept where there is speculation.
    ran: Vec<Duration>,
    is_retired: bool,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    partition: PartitionId,
    place: ExecutorId,
    since: Time,
}

impl TaskSetCore {
    /// A set in which nothing has been tried.
    pub fn new(
        partitions: impl IntoIterator<Item = PartitionId>,
        preferred: Preferred,
        tries: Tries,
        now: Time,
    ) -> Self {
        let mut set = TaskSetCore {
            tries,
            partitions: 0,
            preferred,
            pending: Pending::new(tries.locality_wait, now),
            running: BTreeMap::new(),
            failures: BTreeMap::new(),
            copies: BTreeSet::new(),
            ran: Vec::new(),
            is_retired: false,
        };
        partitions.into_iter().for_each(|partition| set.push(partition, None));
        set.partitions = set.pending.len();
        set
    }

    fn push(&mut self, partition: PartitionId, avoids: Option<ExecutorId>) {
        let places = self.preferred.get(&partition).cloned().unwrap_or_default();
        // Where it failed it is not local any more.
        let places = places.into_iter().filter(|place| Some(*place) != avoids).collect();
        self.pending.push(partition, places, avoids);
    }

    /// Has it something to launch on this executor? `is_only` says that there is no other.
    pub fn is_launchable(&self, place: ExecutorId, is_only: bool, now: Time) -> bool {
        self.pending.has_for(place, is_only, now)
    }

    /// The partition to try next on this executor, as `task`, and how often it failed before.
    pub fn take_launchable(
        &mut self,
        task: TaskId,
        place: ExecutorId,
        is_only: bool,
        now: Time,
    ) -> Option<(PartitionId, u32)> {
        let partition = self.pending.take(place, is_only, now)?;
        self.copies.remove(&partition);
        self.running.insert(task, Attempt { partition, place, since: now });
        Some((partition, self.failures.get(&partition).copied().unwrap_or(0)))
    }

    /// When what waits for its executor may go to another.
    pub fn wake_at(&self) -> Option<Time> {
        self.pending.wake_at()
    }

    /// An executor has gone: nobody waits for it.
    pub fn forget_place(&mut self, place: ExecutorId) {
        self.preferred.values_mut().for_each(|places| places.retain(|held| *held != place));
        self.pending.forget_place(place);
    }

    /// Another attempt has done this partition.
    pub fn skip(&mut self, partition: PartitionId) {
        self.pending.skip(partition);
        self.copies.remove(&partition);
    }

    /// Launches no more; what runs may finish.
    pub fn retire(&mut self) {
        self.is_retired = true;
        self.pending.clear();
        self.copies.clear();
    }

    /// Nothing runs and nothing is to be launched.
    pub fn is_over(&self) -> bool {
        self.running.is_empty() && self.pending.is_empty()
    }

    /// How many partitions have not succeeded here.
    pub fn left(&self) -> usize {
        let running: BTreeSet<_> = self.running.values().map(|attempt| attempt.partition).collect();
        self.pending.len() - self.copies.len() + running.len()
    }

    /// How many tasks run.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Those that run: each with its partition, how often that failed before, where it is, and since when.
    pub fn attempts(&self) -> impl Iterator<Item = (TaskId, PartitionId, u32, ExecutorId, Time)> {
        self.running.iter().map(|(task, Attempt { partition, place, since })| {
            (*task, *partition, self.failures.get(partition).copied().unwrap_or(0), *place, *since)
        })
    }

    /// Puts partitions whose only attempt takes much longer than others did in line for another executor.
    ///
    /// Source: Spark's speculation, with its thresholds: nine tenths done, three medians.
    pub fn speculate(&mut self, now: Time) {
        let done = self.partitions.saturating_sub(self.left());
        if !self.tries.has_speculation || self.is_retired || done * 10 < self.partitions * DONE_OF_TEN {
            return;
        }
        let middle = self.ran.len() / 2;
        let Some((_, median, _)) = (!self.ran.is_empty()).then(|| self.ran.select_nth_unstable(middle))
        else {
            return;
        };
        let limit = (*median * MEDIANS).max(STRAGGLES_FROM);
        let straggles = |attempt: &&Attempt| now.since(attempt.since) > limit;
        let stragglers: Vec<Attempt> = self.running.values().filter(straggles).copied().collect();
        for Attempt { partition, place, .. } in stragglers {
            let attempts = self.running.values().filter(|attempt| attempt.partition == partition).count();
            if attempts == 1 && self.copies.insert(partition) {
                self.push(partition, Some(place));
            }
        }
    }

    /// Folds the end of one attempt.
    pub fn ended(&mut self, task: TaskId, outcome: Result<(), TaskError>, now: Time) -> Step {
        let Some(Attempt { partition, place, since }) = self.running.remove(&task) else {
            return Step::Unknown;
        };
        let Err(error) = outcome else {
            if self.tries.has_speculation {
                self.ran.push(now.since(since));
            }
            // Looking for it costs a step for each that waits.
            if self.copies.contains(&partition) {
                self.skip(partition);
            }
            let others = self.running.iter().filter(|(_, attempt)| attempt.partition == partition);
            let superfluous: Vec<TaskId> = others.map(|(task, _)| *task).collect();
            self.running.retain(|_, attempt| attempt.partition != partition);
            return Step::Succeeded { superfluous };
        };
        let is_tried = self.running.values().any(|attempt| attempt.partition == partition);
        match error.next() {
            _ if self.is_retired => Step::Continue,
            Next::Ignore => self.try_again(partition, None, is_tried),
            Next::RerunParent => Step::RerunParent(error),
            next => {
                let failures = self.failures.entry(partition).or_insert(0);
                *failures += 1;
                if next == Next::Retry && *failures < self.tries.attempts_max.max(1) {
                    return self.try_again(partition, Some(place), is_tried);
                }
                Step::GiveUp { attempts: *failures, error }
            }
        }
    }

    /// An attempt has not begun where it was sent, and will not: its partition is in line again. False when it is not
    /// known to run.
    pub fn give_back(&mut self, task: TaskId) -> bool {
        let Some(Attempt { partition, .. }) = self.running.remove(&task) else { return false };
        let is_tried = self.running.values().any(|attempt| attempt.partition == partition);
        if !self.is_retired {
            self.try_again(partition, None, is_tried);
        }
        true
    }

    /// How many partitions are in line.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Unless another attempt at the partition runs, or is in line.
    fn try_again(&mut self, partition: PartitionId, avoids: Option<ExecutorId>, is_tried: bool) -> Step {
        if is_tried {
            return Step::Continue;
        }
        if !self.copies.remove(&partition) {
            self.push(partition, avoids);
        }
        Step::Retry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P0: PartitionId = PartitionId(0);
    const P1: PartitionId = PartitionId(1);

    fn lost() -> Result<(), TaskError> {
        Err(TaskError::Lost("gone".to_owned()))
    }

    const HERE: ExecutorId = ExecutorId(1);
    const NOW: Time = Time(Duration::ZERO);

    const WAIT: Duration = Duration::from_secs(3);

    fn tries(attempts_max: u32, has_speculation: bool) -> Tries {
        Tries { attempts_max, locality_wait: WAIT, has_speculation }
    }

    fn set<const N: usize>(partitions: [PartitionId; N], attempts_max: u32) -> TaskSetCore {
        TaskSetCore::new(partitions, Preferred::new(), tries(attempts_max, false), NOW)
    }

    /// In tests without copies a partition's attempts have one number.
    fn task(partition: PartitionId) -> TaskId {
        TaskId(u64::from(partition.0))
    }

    fn launch(set: &mut TaskSetCore) -> Option<(PartitionId, u32)> {
        let unnamed = TaskId(u64::MAX);
        let (partition, failures) = set.take_launchable(unnamed, HERE, true, NOW)?;
        let attempt = set.running.remove(&unnamed)?;
        set.running.insert(task(partition), attempt);
        Some((partition, failures))
    }

    fn end(set: &mut TaskSetCore, partition: PartitionId, outcome: Result<(), TaskError>) -> Step {
        set.ended(task(partition), outcome, NOW)
    }

    const DONE: Step = Step::Succeeded { superfluous: Vec::new() };

    fn launch_all(set: &mut TaskSetCore) -> Vec<(PartitionId, u32)> {
        std::iter::from_fn(|| launch(set)).collect()
    }

    #[test]
    fn a_failed_partition_goes_to_another_executor_where_there_is_one() {
        let there = ExecutorId(2);
        let preferred = Preferred::from([(P0, vec![HERE, there])]);
        let mut set = TaskSetCore::new([P0], preferred, tries(4, false), NOW);
        assert_eq!(set.take_launchable(task(P0), HERE, false, NOW), Some((P0, 0)));
        assert_eq!(end(&mut set, P0, lost()), Step::Retry);
        assert!(!set.is_launchable(HERE, false, NOW) && set.is_launchable(there, false, NOW));
        set.forget_place(there);
        assert!(set.is_launchable(HERE, true, NOW));
    }

    #[test]
    fn the_fourth_failure_of_one_partition_gives_up() {
        let mut set = set([P0, P1], 4);
        assert_eq!(launch_all(&mut set), [(P0, 0), (P1, 0)]);
        for attempt in 1..4 {
            assert_eq!(end(&mut set, P0, lost()), Step::Retry);
            assert_eq!(launch_all(&mut set), [(P0, attempt)]);
        }
        assert!(matches!(end(&mut set, P0, lost()), Step::GiveUp { attempts: 4, .. }));
    }

    #[test]
    fn repeated_ends_change_nothing() {
        let mut set = set([P0], 4);
        assert_eq!(end(&mut set, P0, lost()), Step::Unknown);
        assert_eq!(launch_all(&mut set), [(P0, 0)]);
        assert_eq!(end(&mut set, P0, Ok(())), DONE);
        for outcome in [Ok(()), lost()] {
            assert_eq!(end(&mut set, P0, outcome), Step::Unknown);
        }
        assert!(set.is_over());
    }

    #[test]
    fn an_error_that_no_retry_can_mend_gives_up_at_once() {
        let mut set = set([P0], 4);
        launch_all(&mut set);
        let step = end(&mut set, P0, Err(TaskError::Contract("zip of unequal lengths".to_owned())));
        assert!(matches!(step, Step::GiveUp { attempts: 1, .. }));
    }

    #[test]
    fn a_killed_attempt_does_not_count_as_failure() {
        let mut set = set([P0], 1);
        launch_all(&mut set);
        assert_eq!(end(&mut set, P0, Err(TaskError::Killed("preempted".to_owned()))), Step::Retry);
        assert_eq!(launch_all(&mut set), [(P0, 0)]);
    }

    #[test]
    fn what_was_given_back_is_in_line_again_and_has_not_failed() {
        let mut set = set([P0], 1);
        launch(&mut set).unwrap();
        assert!(set.give_back(task(P0)) && !set.give_back(task(P0)));
        assert_eq!(launch(&mut set), Some((P0, 0)));
        set.retire();
        assert!(set.give_back(task(P0)) && set.is_over());
    }

    #[test]
    fn a_retired_set_launches_nothing_and_still_takes_successes() {
        let mut set = set([P0, P1], 4);
        launch(&mut set);
        set.retire();
        assert!(!set.is_launchable(HERE, true, NOW) && !set.is_over());
        assert_eq!(end(&mut set, P0, Ok(())), DONE);
        assert!(set.is_over());
    }

    const THERE: ExecutorId = ExecutorId(2);

    fn at(millis: u64) -> Time {
        Time(Duration::from_millis(millis))
    }

    /// Ten partitions, of which nine took 10 ms; the first runs as task 0.
    fn with_a_straggler() -> TaskSetCore {
        let partitions = (0..10).map(PartitionId);
        let mut set = TaskSetCore::new(partitions, Preferred::new(), tries(4, true), NOW);
        for n in 0..10 {
            set.take_launchable(TaskId(n), HERE, false, at(0)).unwrap();
        }
        for n in 1..10 {
            set.speculate(at(10_000));
            assert!(!set.is_launchable(THERE, false, NOW), "too early");
            assert_eq!(set.ended(TaskId(n), Ok(()), at(10)), DONE);
        }
        set
    }

    #[test]
    fn a_straggler_is_tried_once_more_elsewhere_and_the_first_to_end_wins() {
        for (first, second) in [(0, 10), (10, 0)] {
            let mut set = with_a_straggler();
            set.speculate(at(100));
            assert!(!set.is_launchable(THERE, false, at(100)), "it does not take long yet");
            set.speculate(at(101));
            set.speculate(at(102));
            assert!(!set.is_launchable(HERE, false, at(102)), "it is slow here");
            assert_eq!(set.take_launchable(TaskId(10), THERE, false, at(102)), Some((P0, 0)));
            set.speculate(at(999));
            assert_eq!((set.left(), set.is_launchable(ExecutorId(3), false, at(999))), (1, false), "once");
            let step = set.ended(TaskId(first), Ok(()), at(200));
            assert_eq!(step, Step::Succeeded { superfluous: vec![TaskId(second)] });
            assert!(set.is_over());
            assert_eq!(set.ended(TaskId(second), Ok(()), at(200)), Step::Unknown);
        }
    }

    #[test]
    fn of_two_attempts_one_may_fail_and_both_may() {
        let mut set = with_a_straggler();
        set.speculate(at(500));
        assert_eq!(set.ended(TaskId(0), lost(), at(500)), Step::Retry);
        assert_eq!(set.left(), 1, "the copy is in line already");
        assert_eq!(set.take_launchable(TaskId(10), THERE, false, at(500)), Some((P0, 1)));
        assert_eq!(set.ended(TaskId(10), lost(), at(500)), Step::Retry);
        assert_eq!(set.take_launchable(TaskId(11), HERE, false, at(500)), Some((P0, 2)));
        assert_eq!(set.ended(TaskId(11), Ok(()), at(501)), DONE);
        assert!(set.is_over());
    }

    #[test]
    fn without_speculation_nobody_is_tried_twice_at_once() {
        let mut set = set([P0, P1], 4);
        launch_all(&mut set);
        end(&mut set, P1, Ok(()));
        set.speculate(at(1_000_000));
        assert!(!set.is_launchable(THERE, false, at(1_000_000)));
    }
}
