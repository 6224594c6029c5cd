//! Accounting of memory: how much a thread holds, and what execution and cache may hold together.

mod allocator;
mod budget;
mod hold;
mod list;
mod reservation;
mod scale;
mod watch;

pub use allocator::live_bytes;
pub use budget::{Budget, BudgetUse};
pub use hold::Hold;
pub use list::list_of;
pub(crate) use {
    allocator::{move_off_thread, uncounted},
    budget::Evict,
    reservation::Reservation,
    scale::{Sample, Scale, owned_of_encoded},
    watch::{Watch, freed_by, limit_of},
};

use hold::held_by_thread;

/// How much a table or buffer of the running task has grown since it was empty.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    before: i64,
    held_before: i64,
}

impl Growth {
    /// Starts at zero here and now, on this thread.
    pub fn start() -> Self {
        Growth { before: live_bytes(), held_before: held_by_thread() }
    }

    /// Bytes that this thread allocated and has not freed since. Zero where the allocator is not counted.
    pub fn bytes(self) -> u64 {
        u64::try_from(live_bytes() - self.before).unwrap_or(0)
    }

    /// The same, less what other operators of this thread hold and have recorded: `mine` is what is recorded for this
    /// one. So of two operators that feed each other each answers for its own table.
    pub(crate) fn bytes_beyond(self, mine: u64) -> u64 {
        let others = held_by_thread() - self.held_before - i64::try_from(mine).unwrap_or(i64::MAX);
        u64::try_from(live_bytes() - self.before - others).unwrap_or(0)
    }

    /// What the thread's count was at the start.
    #[cfg(all(test, feature = "count-memory"))]
    pub(crate) fn before(self) -> i64 {
        self.before
    }

    /// What has grown belongs to the executor from now on: this thread's count is again what it was at the start.
    pub(crate) fn hand_over(self) {
        move_off_thread(live_bytes() - self.before);
    }
}
