//! What execution and cache of one executor may hold together.
//!
//! Execution may take half whenever it wants to: cached blocks are evicted for it. The cache may take whatever is free,
//! and evicts blocks of other RDDs for itself. Nobody ever waits for memory.
//!
//! Lock order: the store's slots, then the sums here, which are locked for a few instructions and under which nothing
//! else is locked, called or waited for.

use super::{Hold, Reservation};
use parking_lot::Mutex;
use rsk_proto::RddId;
use std::sync::{Arc, OnceLock, Weak};

/// The memory of one executor.
///
/// Bounds: the cache never holds more than the whole, blocks being made and blocks evicted while a task still reads them
/// included. An operator holds at most its task's share and what it grows between two looks (1,024 records); the shares of
/// all slots are half of the whole, and operators of one task that hold at the same time take one share each. When [`Hold::resize`] returns, execution and the blocks that can be evicted
/// fit into the whole together, or none is left to evict. So execution and cache together pass the whole only by blocks
/// that are being made or read meanwhile: with one share a task never more than one and a half times the whole, 90 % of
/// the process.
///
/// ```
/// use rsk_executor::memory::Budget;
/// let budget = Budget::new(1 << 20);
/// let mut table = budget.hold();
/// table.resize(1000);
/// assert_eq!(budget.in_use().execution, 1000);
/// drop(table);
/// assert_eq!(budget.in_use().execution, 0);
/// ```
pub struct Budget {
    total: u64,
    sums: Mutex<BudgetUse>,
    cache: OnceLock<Weak<dyn Evict>>,
}

/// Bytes in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetUse {
    /// Tables and buffers of running tasks.
    pub execution: u64,
    /// Cached blocks, those being made, and `leaving`.
    pub cache: u64,
    /// Blocks evicted for execution that tasks still read, or that are on their way to disk.
    pub leaving: u64,
}

/// The cache, as the budget sees it.
pub(crate) trait Evict: Send + Sync {
    /// Evicts least recently used blocks until execution has the room it took, or none is left.
    fn evict_for_execution(&self);

    /// Evicts least recently used blocks of RDDs other than `of` until `bytes` are free. False, and nothing evicted, if
    /// that cannot be.
    fn evict_for_block(&self, bytes: u64, of: RddId) -> bool;
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(total: u64) -> Arc<Budget> {
        Arc::new(Budget { total, sums: Mutex::default(), cache: OnceLock::new() })
    }

    /// The bytes that execution and cache share.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The bytes in use now.
    pub fn in_use(&self) -> BudgetUse {
        *self.sums.lock()
    }

    /// An empty hold for a table or buffer that is about to grow.
    pub fn hold(self: &Arc<Self>) -> Hold {
        Hold::new(self)
    }

    /// An empty reservation for a block of `rdd`.
    pub(crate) fn reservation(self: &Arc<Self>, rdd: RddId) -> Reservation {
        Reservation::new(self, rdd)
    }

    /// Names the cache that makes room; the first one named stays.
    pub(crate) fn set_cache(&self, cache: Weak<dyn Evict>) {
        if self.cache.set(cache).is_err() {
            tracing::debug!("the budget has a cache already");
        }
    }

    /// Bytes that execution took and blocks must leave.
    pub(crate) fn is_over_by(&self) -> u64 {
        let sums = self.in_use();
        (sums.execution + sums.cache - sums.leaving).saturating_sub(self.total)
    }

    /// Bytes that are missing for a block of so many bytes.
    pub(crate) fn lacks(&self, bytes: u64) -> u64 {
        let sums = self.in_use();
        (sums.execution + sums.cache).saturating_add(bytes).saturating_sub(self.total)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut BudgetUse)) {
        change(&mut self.sums.lock());
    }

    /// Takes bytes for a block if they are free.
    pub(crate) fn try_take(&self, bytes: u64) -> bool {
        let mut sums = self.sums.lock();
        let is_free = (sums.execution + sums.cache).saturating_add(bytes) <= self.total;
        if is_free {
            sums.cache += bytes;
        }
        is_free
    }

    pub(crate) fn cache(&self) -> Option<Arc<dyn Evict>> {
        self.cache.get().and_then(Weak::upgrade)
    }
}

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Budget({:?} of {} bytes)", self.in_use(), self.total)
    }
}

#[cfg(test)]
mod tests;
