//! Which partition to try next, and when to give up. Pure: no clock, no threads, no I/O.

use super::locality::Pending;
use rsk_proto::{ExecutorId, Next, PartitionId, TaskError, Time};
use std::{collections::BTreeMap, time::Duration};

/// Which executors hold the data of which partition.
pub type Preferred = BTreeMap<PartitionId, Vec<ExecutorId>>;

/// What the end of one attempt leads to.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Nothing but launching what can be launched.
    Continue,
    /// It succeeded: its output may be wanted.
    Succeeded,
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

/// The missing partitions of one stage, submitted together, and the tries at each.
#[derive(Debug)]
pub struct TaskSetCore {
    attempts_max: u32,
    preferred: Preferred,
    pending: Pending,
    running: BTreeMap<PartitionId, ExecutorId>,
    failures: BTreeMap<PartitionId, u32>,
    is_retired: bool,
}

impl TaskSetCore {
    /// A set in which nothing has been tried. At least one attempt each; data that is held somewhere is waited for so
    /// long.
    pub fn new(
        partitions: impl IntoIterator<Item = PartitionId>,
        preferred: Preferred,
        attempts_max: u32,
        locality_wait: Duration,
        now: Time,
    ) -> Self {
        let mut set = TaskSetCore {
            attempts_max: attempts_max.max(1),
            preferred,
            pending: Pending::new(locality_wait, now),
            running: BTreeMap::new(),
            failures: BTreeMap::new(),
            is_retired: false,
        };
        partitions.into_iter().for_each(|partition| set.push(partition, None));
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

    /// The partition to try next on this executor, and how often it failed before.
    pub fn take_launchable(
        &mut self,
        place: ExecutorId,
        is_only: bool,
        now: Time,
    ) -> Option<(PartitionId, u32)> {
        let partition = self.pending.take(place, is_only, now)?;
        self.running.insert(partition, place);
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
    }

    /// Launches no more; what runs may finish.
    pub fn retire(&mut self) {
        self.is_retired = true;
        self.pending.clear();
    }

    /// Nothing runs and nothing is to be launched.
    pub fn is_over(&self) -> bool {
        self.running.is_empty() && self.pending.is_empty()
    }

    /// How many partitions have not succeeded here.
    pub fn left(&self) -> usize {
        self.pending.len() + self.running.len()
    }

    /// How many tasks run.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Folds the end of one attempt. The end of an attempt that is not known to run changes nothing.
    pub fn ended(&mut self, partition: PartitionId, outcome: Result<(), TaskError>) -> Step {
        let Some(place) = self.running.remove(&partition) else { return Step::Continue };
        let Err(error) = outcome else { return Step::Succeeded };
        match error.next() {
            _ if self.is_retired => Step::Continue,
            Next::Ignore => {
                self.push(partition, None);
                Step::Continue
            }
            Next::RerunParent => Step::RerunParent(error),
            next => {
                let failures = self.failures.entry(partition).or_insert(0);
                *failures += 1;
                if next == Next::Retry && *failures < self.attempts_max {
                    self.push(partition, Some(place));
                    return Step::Continue;
                }
                Step::GiveUp { attempts: *failures, error }
            }
        }
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

    fn set<const N: usize>(partitions: [PartitionId; N], attempts_max: u32) -> TaskSetCore {
        TaskSetCore::new(partitions, Preferred::new(), attempts_max, Duration::from_secs(3), NOW)
    }

    fn launch_all(set: &mut TaskSetCore) -> Vec<(PartitionId, u32)> {
        std::iter::from_fn(|| set.take_launchable(HERE, true, NOW)).collect()
    }

    #[test]
    fn a_failed_partition_goes_to_another_executor_where_there_is_one() {
        let there = ExecutorId(2);
        let preferred = Preferred::from([(P0, vec![HERE, there])]);
        let mut set = TaskSetCore::new([P0], preferred, 4, Duration::from_secs(3), NOW);
        assert_eq!(set.take_launchable(HERE, false, NOW), Some((P0, 0)));
        assert_eq!(set.ended(P0, lost()), Step::Continue);
        assert!(!set.is_launchable(HERE, false, NOW) && set.is_launchable(there, false, NOW));
        set.forget_place(there);
        assert!(set.is_launchable(HERE, true, NOW));
    }

    #[test]
    fn the_fourth_failure_of_one_partition_gives_up() {
        let mut set = set([P0, P1], 4);
        assert_eq!(launch_all(&mut set), [(P0, 0), (P1, 0)]);
        for attempt in 1..4 {
            assert_eq!(set.ended(P0, lost()), Step::Continue);
            assert_eq!(launch_all(&mut set), [(P0, attempt)]);
        }
        assert!(matches!(set.ended(P0, lost()), Step::GiveUp { attempts: 4, .. }));
    }

    #[test]
    fn repeated_ends_change_nothing() {
        let mut set = set([P0], 4);
        assert_eq!(set.ended(P0, lost()), Step::Continue);
        assert_eq!(launch_all(&mut set), [(P0, 0)]);
        assert_eq!(set.ended(P0, Ok(())), Step::Succeeded);
        for outcome in [Ok(()), lost()] {
            assert_eq!(set.ended(P0, outcome), Step::Continue);
        }
        assert!(set.is_over());
    }

    #[test]
    fn an_error_that_no_retry_can_mend_gives_up_at_once() {
        let mut set = set([P0], 4);
        launch_all(&mut set);
        let step = set.ended(P0, Err(TaskError::Contract("zip of unequal lengths".to_owned())));
        assert!(matches!(step, Step::GiveUp { attempts: 1, .. }));
    }

    #[test]
    fn a_killed_attempt_does_not_count_as_failure() {
        let mut set = set([P0], 1);
        launch_all(&mut set);
        assert_eq!(set.ended(P0, Err(TaskError::Killed("preempted".to_owned()))), Step::Continue);
        assert_eq!(launch_all(&mut set), [(P0, 0)]);
    }

    #[test]
    fn a_retired_set_launches_nothing_and_still_takes_successes() {
        let mut set = set([P0, P1], 4);
        set.take_launchable(HERE, true, NOW);
        set.retire();
        assert!(!set.is_launchable(HERE, true, NOW) && !set.is_over());
        assert_eq!(set.ended(P0, Ok(())), Step::Succeeded);
        assert!(set.is_over());
    }
}
