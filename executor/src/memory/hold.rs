//! What one table or buffer of a running task holds.

use super::Budget;
use std::{cell::Cell, marker::PhantomData, sync::Arc};

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
}

/// Bytes that tables and buffers of this thread hold together.
pub(crate) fn held_by_thread() -> i64 {
    HELD.get()
}

/// The bytes that one operator holds for execution, given back when it is dropped. It stays on its task's thread, and
/// should live as long as the table or buffer itself, also while that is drained.
///
/// Nothing is refused: an operator spills at its task's share, which is a constant, so that a run repeated spills at the
/// same records whatever else is cached. What is recorded here makes cached blocks leave.
///
/// ```
/// use rsk_executor::memory::Budget;
/// let budget = Budget::new(1 << 20);
/// let mut buffer = budget.hold();
/// buffer.resize(64 << 10);
/// buffer.resize(16 << 10);
/// assert_eq!(buffer.bytes(), 16 << 10);
/// ```
#[derive(Debug)]
pub struct Hold {
    budget: Arc<Budget>,
    bytes: u64,
    on_thread: PhantomData<*const ()>,
}

impl Hold {
    pub(super) fn new(budget: &Arc<Budget>) -> Hold {
        Hold { budget: Arc::clone(budget), bytes: 0, on_thread: PhantomData }
    }

    /// Says how much the operator holds now. Growth beyond what is free evicts cached blocks before this returns.
    ///
    /// Cost: a lock of a few instructions; where blocks leave, their way to disk.
    pub fn resize(&mut self, bytes: u64) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        let signed = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        HELD.set(HELD.get().saturating_add(signed(bytes)).saturating_sub(signed(before)));
        self.budget.change(|sums| sums.execution = sums.execution + bytes - before);
        if bytes > before
            && self.budget.is_over_by() > 0
            && let Some(cache) = self.budget.cache()
        {
            cache.evict_for_execution();
        }
    }

    /// The bytes it holds.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.resize(0);
        }
    }
}
