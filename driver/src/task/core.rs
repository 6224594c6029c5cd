//! Which partition to try next, and when to give up. Pure: no clock, no threads, no I/O.

use rsk_proto::{Next, PartitionId, TaskError};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What the end of one attempt leads to.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
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
pub(crate) struct TaskSetCore {
    attempts_max: u32,
    pending: VecDeque<PartitionId>,
    running: BTreeSet<PartitionId>,
    failures: BTreeMap<PartitionId, u32>,
    is_retired: bool,
}

impl TaskSetCore {
    /// A set in which nothing has been tried. At least one attempt each.
    pub(crate) fn new(partitions: impl IntoIterator<Item = PartitionId>, attempts_max: u32) -> Self {
        TaskSetCore {
            attempts_max: attempts_max.max(1),
            pending: partitions.into_iter().collect(),
            running: BTreeSet::new(),
            failures: BTreeMap::new(),
            is_retired: false,
        }
    }

    /// Has it something to launch?
    pub(crate) fn is_launchable(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The partition to try next, and how often it failed before.
    pub(crate) fn take_launchable(&mut self) -> Option<(PartitionId, u32)> {
        let partition = self.pending.pop_front()?;
        self.running.insert(partition);
        Some((partition, self.failures.get(&partition).copied().unwrap_or(0)))
    }

    /// Another attempt has done this partition.
    pub(crate) fn skip(&mut self, partition: PartitionId) {
        self.pending.retain(|pending| *pending != partition);
    }

    /// Launches no more; what runs may finish.
    pub(crate) fn retire(&mut self) {
        self.is_retired = true;
        self.pending.clear();
    }

    /// Nothing runs and nothing is to be launched.
    pub(crate) fn is_over(&self) -> bool {
        self.running.is_empty() && self.pending.is_empty()
    }

    /// How many partitions have not succeeded here.
    pub(crate) fn left(&self) -> usize {
        self.pending.len() + self.running.len()
    }

    /// How many tasks run.
    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    /// Folds the end of one attempt. The end of an attempt that is not known to run changes nothing.
    pub(crate) fn ended(&mut self, partition: PartitionId, outcome: Result<(), TaskError>) -> Step {
        if !self.running.remove(&partition) {
            return Step::Continue;
        }
        let Err(error) = outcome else { return Step::Succeeded };
        match error.next() {
            _ if self.is_retired => Step::Continue,
            Next::Ignore => {
                self.pending.push_back(partition);
                Step::Continue
            }
            Next::RerunParent => Step::RerunParent(error),
            next => {
                let failures = self.failures.entry(partition).or_insert(0);
                *failures += 1;
                if next == Next::Retry && *failures < self.attempts_max {
                    self.pending.push_back(partition);
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

    fn launch_all(set: &mut TaskSetCore) -> Vec<(PartitionId, u32)> {
        std::iter::from_fn(|| set.take_launchable()).collect()
    }

    #[test]
    fn the_fourth_failure_of_one_partition_gives_up() {
        let mut set = TaskSetCore::new([P0, P1], 4);
        assert_eq!(launch_all(&mut set), [(P0, 0), (P1, 0)]);
        for attempt in 1..4 {
            assert_eq!(set.ended(P0, lost()), Step::Continue);
            assert_eq!(launch_all(&mut set), [(P0, attempt)]);
        }
        assert!(matches!(set.ended(P0, lost()), Step::GiveUp { attempts: 4, .. }));
    }

    #[test]
    fn repeated_ends_change_nothing() {
        let mut set = TaskSetCore::new([P0], 4);
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
        let mut set = TaskSetCore::new([P0], 4);
        launch_all(&mut set);
        let step = set.ended(P0, Err(TaskError::Contract("zip of unequal lengths".to_owned())));
        assert!(matches!(step, Step::GiveUp { attempts: 1, .. }));
    }

    #[test]
    fn a_killed_attempt_does_not_count_as_failure() {
        let mut set = TaskSetCore::new([P0], 1);
        launch_all(&mut set);
        assert_eq!(set.ended(P0, Err(TaskError::Killed("preempted".to_owned()))), Step::Continue);
        assert_eq!(launch_all(&mut set), [(P0, 0)]);
    }

    #[test]
    fn a_retired_set_launches_nothing_and_still_takes_successes() {
        let mut set = TaskSetCore::new([P0, P1], 4);
        set.take_launchable();
        set.retire();
        assert!(!set.is_launchable() && !set.is_over());
        assert_eq!(set.ended(P0, Ok(())), Step::Succeeded);
        assert!(set.is_over());
    }
}
