//! Whether what an operator holds has outgrown its task.

use super::{Growth, Hold, live_bytes};
use crate::TaskContext;
use std::iter;

/// No operator has less: the buffers of a reader alone take some hundred KiB.
const LIMIT_MIN: u64 = 1 << 20;
/// At most so many records between two looks.
const LOOK_EVERY_MAX: u32 = 64;
/// A change of less is not worth recording in the budget.
const STEP_BYTES: u64 = 64 << 10;

/// Bytes that one operator of this task may hold.
pub(crate) fn limit_of(task: &TaskContext) -> u64 {
    task.memory_share().max(LIMIT_MIN)
}

/// Bytes of this thread that `body` gives back; `reckoned` where the allocator is not counted.
pub(crate) fn freed_by(body: impl FnOnce(), reckoned: u64) -> u64 {
    let before = live_bytes();
    body();
    if cfg!(not(feature = "count-memory")) {
        return reckoned;
    }
    u64::try_from(before - live_bytes()).unwrap_or(0)
}

/// Asks whether a table or buffer, empty when this was made, has outgrown the task's share. What it has grown to is
/// recorded in the executor's budget, for as long as this lives.
///
/// Whoever asks says how to reckon what is held: that is done only where the allocator is not counted.
///
/// Cost: asked once a record, it looks at each while they are large, and at one in 64 while they are small.
pub(crate) struct Watch {
    growth: Growth,
    limit: u64,
    hold: Hold,
    until_look: u32,
    look_every: u32,
    seen: u64,
}

impl Watch {
    /// Starts at zero here and now, on the task's thread.
    pub(crate) fn new(task: &TaskContext) -> Self {
        Watch::with_limit(task, limit_of(task))
    }

    /// For what may hold more or less than the task's share.
    pub(crate) fn with_limit(task: &TaskContext, limit: u64) -> Self {
        let hold = task.executor().memory().hold();
        Watch { growth: Growth::start(), limit, hold, until_look: 1, look_every: 1, seen: 0 }
    }

    /// It holds more than it may.
    #[inline]
    pub(crate) fn is_over(&mut self, reckon: impl FnOnce() -> u64) -> bool {
        self.is_over_with(0, reckon)
    }

    /// It would hold more than it may with `bytes` more.
    #[inline]
    pub(crate) fn is_over_with(&mut self, bytes: usize, reckon: impl FnOnce() -> u64) -> bool {
        self.until_look -= 1;
        self.until_look == 0 && self.look(reckon).saturating_add(bytes as u64) > self.limit
    }

    /// Looks again the later the less has changed since the last look.
    fn look(&mut self, reckon: impl FnOnce() -> u64) -> u64 {
        let grown = self.grown(reckon);
        let is_calm = grown.abs_diff(self.seen) < self.limit / 256;
        self.look_every = if is_calm { (self.look_every * 2).min(LOOK_EVERY_MAX) } else { 1 };
        (self.until_look, self.seen) = (self.look_every, grown);
        grown
    }

    /// A quarter of the share is free: going on is worth while.
    pub(crate) fn has_room(&mut self, reckon: impl FnOnce() -> u64) -> bool {
        self.grown(reckon) <= self.limit / 4 * 3
    }

    #[inline]
    fn grown(&mut self, reckon: impl FnOnce() -> u64) -> u64 {
        let counted = cfg!(feature = "count-memory");
        let grown = if counted { self.growth.bytes_beyond(self.hold.bytes()) } else { reckon() };
        if grown.abs_diff(self.hold.bytes()) >= STEP_BYTES {
            self.hold.resize(grown);
        }
        grown
    }

    /// Hands the table's `length` items on, and gives back their part of the budget as they go.
    pub(crate) fn drain<I: Iterator>(mut self, items: I, length: usize) -> impl Iterator<Item = I::Item> {
        let step = (length / 64).max(1);
        let recorded = self.hold.bytes();
        let part = self.grown(|| recorded) / 64;
        let mut until_step = step;
        let mut items = Some(items);
        iter::from_fn(move || {
            let item = items.as_mut()?.next();
            until_step -= 1;
            if item.is_none() {
                items = None;
                self.hold.resize(0);
            } else if until_step == 0 {
                until_step = step;
                self.hold.resize(self.hold.bytes().saturating_sub(part));
            }
            item
        })
    }
}

#[cfg(all(test, feature = "count-memory"))]
mod tests {
    use super::*;
    use crate::memory::Budget;

    fn watch(budget: &std::sync::Arc<Budget>) -> Watch {
        Watch {
            growth: Growth::start(),
            limit: 1 << 20,
            hold: budget.hold(),
            until_look: 1,
            look_every: 1,
            seen: 0,
        }
    }

    fn look(watch: &mut Watch) -> bool {
        (0..LOOK_EVERY_MAX)
            .fold(false, |is_over, _| is_over | watch.is_over(|| unreachable!("the allocator is counted")))
    }

    #[test]
    fn two_operators_that_feed_each_other_answer_for_their_own_tables() {
        let budget = Budget::new(8 << 20);
        let mut outer = watch(&budget);
        let mut inner = watch(&budget);
        let inner_table = vec![0u8; (1 << 20) - 4096];
        assert!(!look(&mut inner) && !look(&mut outer));
        let outer_table = vec![0u8; 1 << 19];
        assert!(!look(&mut outer), "the table of the inner one is not its own");
        let recorded = budget.in_use().execution;
        assert!(recorded.abs_diff((3 << 19) - 4096) < 4096, "{recorded}");
        drop((inner_table, inner));
        assert!(!look(&mut outer));
        let more = vec![0u8; 1 << 20];
        assert!(look(&mut outer));
        drop((outer_table, more, outer));
        assert_eq!(budget.in_use().execution, 0);
    }
}
