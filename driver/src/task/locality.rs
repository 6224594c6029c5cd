//! Which of its pending partitions a task set gives to which executor: those whose data an executor holds wait for it a
//! while. Pure.
//!
//! Source: delay scheduling, Zaharia et al., `EuroSys` 2010: a task set that has launched nothing where its data is for as
//! long as the wait gives up on place, until it launches there again.

use rsk_proto::{ExecutorId, PartitionId, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Partitions to be tried, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    wait: Duration,
    next: u64,
    queue: BTreeMap<u64, Waiting>,
    /// Those that no living executor is better for than another.
    anywhere: BTreeSet<u64>,
    by_place: BTreeMap<ExecutorId, BTreeSet<u64>>,
    /// When one was last launched where its data is.
    local_at: Time,
}

#[derive(Debug)]
struct Waiting {
    partition: PartitionId,
    /// Where it failed: another executor is better.
    avoids: Option<ExecutorId>,
    places: Vec<ExecutorId>,
}

impl Pending {
    /// Nothing pending at `now`; data that is held somewhere is waited for so long.
    pub(crate) fn new(wait: Duration, now: Time) -> Self {
        Pending { wait, local_at: now, ..Pending::default() }
    }

    /// Adds a partition behind all others.
    pub(crate) fn push(
        &mut self,
        partition: PartitionId,
        places: Vec<ExecutorId>,
        avoids: Option<ExecutorId>,
    ) {
        let at = self.next;
        self.next += 1;
        for place in &places {
            self.by_place.entry(*place).or_default().insert(at);
        }
        if places.is_empty() {
            self.anywhere.insert(at);
        }
        self.queue.insert(at, Waiting { partition, avoids, places });
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Is there one for this executor? `is_only` says that there is no other executor.
    pub(crate) fn has_for(&self, place: ExecutorId, is_only: bool, now: Time) -> bool {
        self.first_for(place, is_only, now).is_some()
    }

    /// Takes the one for this executor.
    ///
    /// Cost: logarithmic, and one step more for each that avoids it.
    pub(crate) fn take(&mut self, place: ExecutorId, is_only: bool, now: Time) -> Option<PartitionId> {
        let at = self.first_for(place, is_only, now)?;
        let waiting = self.remove(at)?;
        if waiting.places.contains(&place) {
            self.local_at = now;
        }
        Some(waiting.partition)
    }

    /// When one may be given to an executor that it does not prefer.
    pub(crate) fn wake_at(&self) -> Option<Time> {
        let is_choosy = |waiting: &Waiting| !waiting.places.is_empty() || waiting.avoids.is_some();
        self.queue.values().next().filter(|first| is_choosy(first)).map(|_| self.local_at + self.wait)
    }

    /// An executor has gone: nobody waits for it.
    pub(crate) fn forget_place(&mut self, gone: ExecutorId) {
        for at in self.by_place.remove(&gone).unwrap_or_default() {
            if let Some(waiting) = self.queue.get_mut(&at) {
                waiting.places.retain(|place| *place != gone);
                if waiting.places.is_empty() {
                    self.anywhere.insert(at);
                }
            }
        }
    }

    /// Another attempt has done this partition.
    pub(crate) fn skip(&mut self, partition: PartitionId) {
        let same = |(at, waiting): (&u64, &Waiting)| (waiting.partition == partition).then_some(*at);
        let all: Vec<u64> = self.queue.iter().filter_map(same).collect();
        for at in all {
            self.remove(at);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Pending { wait: self.wait, next: self.next, local_at: self.local_at, ..Pending::default() };
    }

    fn first_for(&self, place: ExecutorId, is_only: bool, now: Time) -> Option<u64> {
        if let Some(at) = self.by_place.get(&place).and_then(BTreeSet::first) {
            return Some(*at);
        }
        let has_waited = now.since(self.local_at) >= self.wait;
        let may = |at: &&u64| {
            is_only || has_waited || self.queue.get(at).is_some_and(|waiting| waiting.avoids != Some(place))
        };
        let anywhere = self.anywhere.iter().find(may);
        anywhere.or_else(|| self.queue.keys().next().filter(|_| has_waited || is_only)).copied()
    }

    fn remove(&mut self, at: u64) -> Option<Waiting> {
        let waiting = self.queue.remove(&at)?;
        self.anywhere.remove(&at);
        for place in &waiting.places {
            if let Some(all) = self.by_place.get_mut(place) {
                all.remove(&at);
            }
        }
        Some(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ExecutorId = ExecutorId(1);
    const B: ExecutorId = ExecutorId(2);
    const WAIT: Duration = Duration::from_secs(3);

    fn at(secs: u64) -> Time {
        Time(Duration::from_secs(secs))
    }

    fn pending(places: &[&[ExecutorId]]) -> Pending {
        let mut pending = Pending::new(WAIT, at(0));
        for (partition, places) in places.iter().enumerate() {
            pending.push(PartitionId::of(partition), places.to_vec(), None);
        }
        pending
    }

    fn take(pending: &mut Pending, place: ExecutorId, secs: u64) -> Option<u32> {
        pending.take(place, false, at(secs)).map(|partition| partition.0)
    }

    #[test]
    fn an_executor_gets_what_it_holds_first_and_then_what_nobody_holds() {
        let mut all = pending(&[&[], &[B], &[A], &[A, B]]);
        assert_eq!(take(&mut all, A, 0), Some(2));
        assert_eq!(take(&mut all, A, 0), Some(3));
        assert_eq!(take(&mut all, A, 0), Some(0));
        assert!(!all.has_for(A, false, at(2)));
        assert_eq!(all.wake_at(), Some(at(3)));
        assert_eq!(take(&mut all, A, 3), Some(1), "it has waited");
        assert!(all.is_empty());
    }

    #[test]
    fn a_local_launch_begins_the_wait_again() {
        let mut all = pending(&[&[B], &[B]]);
        assert_eq!(take(&mut all, B, 2), Some(0));
        assert_eq!(take(&mut all, A, 4), None);
        assert_eq!(take(&mut all, A, 5), Some(1));
    }

    #[test]
    fn nobody_waits_for_an_executor_that_has_gone_and_an_only_one_waits_for_nobody() {
        let mut all = pending(&[&[B], &[B]]);
        assert_eq!(take(&mut all, A, 0), None);
        all.forget_place(B);
        assert_eq!(take(&mut all, A, 0), Some(0));
        assert_eq!(pending(&[&[B]]).take(A, true, at(0)), Some(PartitionId(0)));
    }

    #[test]
    fn a_partition_is_tried_again_elsewhere_while_there_is_elsewhere() {
        let mut all = Pending::new(WAIT, at(0));
        all.push(PartitionId(0), Vec::new(), Some(A));
        assert_eq!(take(&mut all, A, 1), None);
        assert_eq!(all.wake_at(), Some(at(3)));
        assert!(all.has_for(B, false, at(1)) && all.has_for(A, true, at(1)) && all.has_for(A, false, at(3)));
        all.skip(PartitionId(0));
        assert!(all.is_empty() && all.wake_at().is_none());
    }
}
