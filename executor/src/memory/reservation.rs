//! The bytes of one cached block.

use super::Budget;
use rsk_proto::RddId;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The bytes that one block takes of the budget, given back when it is dropped: with the block, once its last reader has
/// let go of it.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    rdd: RddId,
    bytes: u64,
    is_leaving: AtomicBool,
}

impl Reservation {
    pub(super) fn new(budget: &Arc<Budget>, rdd: RddId) -> Self {
        Reservation { budget: Arc::clone(budget), rdd, bytes: 0, is_leaving: AtomicBool::new(false) }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Grows to `bytes` if there is room, after evicting blocks of other RDDs if need be: never blocks of the same RDD,
    /// which the next task would have to make again for the same reason.
    pub(crate) fn try_grow(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        while !self.budget.try_take(more) {
            let cache = self.budget.cache();
            if !cache.is_some_and(|cache| cache.evict_for_block(more, self.rdd)) {
                return false;
            }
        }
        self.bytes += more;
        true
    }

    /// Grows to `bytes` if they are free as it is.
    pub(crate) fn try_grow_freely(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let is_taken = self.budget.try_take(more);
        if is_taken {
            self.bytes += more;
        }
        is_taken
    }

    /// Gives back all but `bytes`.
    pub(crate) fn shrink(&mut self, bytes: u64) {
        let less = self.bytes.saturating_sub(bytes);
        self.bytes -= less;
        self.budget.change(|sums| sums.cache -= less);
    }

    /// The block is evicted: its bytes count no more against execution, and still against other blocks.
    pub(crate) fn leave(&self) {
        if !self.is_leaving.swap(true, Ordering::Relaxed) {
            self.budget.change(|sums| sums.leaving += self.bytes);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let leaving = if *self.is_leaving.get_mut() { self.bytes } else { 0 };
        self.budget.change(|sums| {
            sums.cache -= self.bytes;
            sums.leaving -= leaving;
        });
    }
}
