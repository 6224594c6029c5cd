//! Accounting of memory: how much a thread holds.

mod allocator;
mod watch;

pub use allocator::live_bytes;
pub(crate) use watch::Watch;

/// How much a table or buffer of the running task has grown since it was empty.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    before: i64,
}

impl Growth {
    /// Starts at zero here and now, on this thread.
    pub fn start() -> Self {
        Growth { before: live_bytes() }
    }

    /// Bytes that this thread allocated and has not freed since. Zero where the allocator is not counted.
    pub fn bytes(self) -> u64 {
        u64::try_from(live_bytes() - self.before).unwrap_or(0)
    }
}
