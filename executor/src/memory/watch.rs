//! Whether what an operator holds has outgrown its task.

use super::{Growth, Hold};
use crate::TaskContext;

/// Records between two looks at the memory.
const LOOK_EVERY: u32 = 1024;

/// Asks now and then whether a table or buffer, empty when this was made, has outgrown the task's share. What it has
/// grown to is recorded in the executor's budget, for as long as this lives.
pub(crate) struct Watch {
    growth: Growth,
    limit: u64,
    until_look: u32,
    hold: Hold,
}

impl Watch {
    /// Starts at zero here and now, on the task's thread.
    pub(crate) fn new(task: &TaskContext) -> Self {
        let hold = task.executor().memory().hold();
        Watch { growth: Growth::start(), limit: task.memory_share(), until_look: LOOK_EVERY, hold }
    }

    /// To be asked once a record.
    pub(crate) fn is_over(&mut self) -> bool {
        self.until_look -= 1;
        if self.until_look > 0 {
            return false;
        }
        self.until_look = LOOK_EVERY;
        let grown = self.growth.bytes();
        self.hold.resize(grown);
        grown > self.limit
    }
}
