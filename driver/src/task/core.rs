//! Which partition to try next, and when to give up. Pure: no clock, no threads, no I/O.

use rsk_proto::{Next, PartitionId, TaskError};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What one event leads to.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Go on: launch what can be launched.
    Continue,
    /// The first success of this partition: take its result.
    Accept,
    /// Every partition has succeeded, this one last: take its result.
    AcceptLast,
    /// Map output that this task needs is gone: make it again, then submit what is missing here once more.
    RerunParent(TaskError),
    /// Give up.
    Fail {
        /// The partition that could not be computed.
        partition: PartitionId,
        /// How often it was tried.
        attempts: u32,
        /// Why the last try failed.
        error: TaskError,
    },
}

/// The missing partitions of one stage, and the tries at each.
#[derive(Debug)]
pub(crate) struct TaskSetCore {
    attempts_max: u32,
    pending: VecDeque<PartitionId>,
    missing: BTreeSet<PartitionId>,
    failures: BTreeMap<PartitionId, u32>,
}

impl TaskSetCore {
    /// A set in which nothing has been tried. At least one attempt each.
    pub(crate) fn new(partitions: impl IntoIterator<Item = PartitionId>, attempts_max: u32) -> Self {
        let missing: BTreeSet<_> = partitions.into_iter().collect();
        let pending = missing.iter().copied().collect();
        TaskSetCore { attempts_max: attempts_max.max(1), pending, missing, failures: BTreeMap::new() }
    }

    /// The partition to try next, and how often it failed before.
    pub(crate) fn take_launchable(&mut self) -> Option<(PartitionId, u32)> {
        let partition = self.pending.pop_front()?;
        Some((partition, self.failures.get(&partition).copied().unwrap_or(0)))
    }

    /// Folds the end of one attempt. Late and repeated ends of a partition that has succeeded change nothing.
    pub(crate) fn ended(&mut self, partition: PartitionId, outcome: Result<(), TaskError>) -> Step {
        if !self.missing.contains(&partition) {
            return Step::Continue;
        }
        let Err(error) = outcome else {
            self.missing.remove(&partition);
            return if self.missing.is_empty() { Step::AcceptLast } else { Step::Accept };
        };
        let next = error.next();
        if next == Next::Ignore {
            self.pending.push_back(partition);
            return Step::Continue;
        }
        if next == Next::RerunParent {
            return Step::RerunParent(error);
        }
        let failures = self.failures.entry(partition).or_insert(0);
        *failures += 1;
        if next == Next::Retry && *failures < self.attempts_max {
            self.pending.push_back(partition);
            return Step::Continue;
        }
        Step::Fail { partition, attempts: *failures, error }
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

    #[test]
    fn the_fourth_failure_of_one_partition_ends_the_set() {
        let mut set = TaskSetCore::new([P0, P1], 4);
        for attempt in 0..4 {
            while let Some((partition, failures)) = set.take_launchable() {
                assert_eq!(failures, if partition == P0 { attempt } else { 0 });
            }
            let step = set.ended(P0, lost());
            if attempt < 3 {
                assert_eq!(step, Step::Continue);
            } else {
                assert!(matches!(step, Step::Fail { partition: P0, attempts: 4, .. }));
            }
        }
    }

    #[test]
    fn late_and_repeated_ends_change_nothing() {
        let mut set = TaskSetCore::new([P0, P1], 4);
        assert_eq!(set.ended(P0, Ok(())), Step::Accept);
        assert_eq!(set.ended(P0, Ok(())), Step::Continue);
        assert_eq!(set.ended(P0, lost()), Step::Continue);
        assert_eq!(set.ended(P1, Ok(())), Step::AcceptLast);
    }

    #[test]
    fn an_error_that_no_retry_can_mend_ends_the_set_at_once() {
        let mut set = TaskSetCore::new([P0], 4);
        let step = set.ended(P0, Err(TaskError::Contract("zip of unequal lengths".to_owned())));
        assert!(matches!(step, Step::Fail { attempts: 1, .. }));
    }

    #[test]
    fn a_killed_attempt_does_not_count_as_failure() {
        let mut set = TaskSetCore::new([P0], 1);
        set.take_launchable();
        assert_eq!(set.ended(P0, Err(TaskError::Killed("preempted".to_owned()))), Step::Continue);
        assert_eq!(set.take_launchable(), Some((P0, 0)));
    }
}
