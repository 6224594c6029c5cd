//! What an executor is told when it starts.

use rsk_proto::ByteSize;

/// The sizes of one executor.
#[derive(Debug, Clone, Copy)]
pub struct ExecutorConfig {
    /// Tasks that run at a time.
    pub slots: u32,
    /// What the process may use. 60 % of it is the budget of execution and cache together.
    pub memory: ByteSize,
}

impl ExecutorConfig {
    /// The bytes that execution and cache share.
    pub fn budget(&self) -> u64 {
        self.memory.0 / 10 * 6
    }

    /// The bytes that one task may hold before it spills: a constant of the job, so that a run repeated spills at the
    /// same records. Execution has half of the budget for sure; the cache may use the rest, and what execution leaves.
    pub fn task_share(&self) -> u64 {
        (self.budget() / 2 / u64::from(self.slots.max(1))).max(1)
    }
}
