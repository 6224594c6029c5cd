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
        let grown = self.growth.bytes_beyond(self.hold.bytes());
        self.hold.resize(grown);
        grown > self.limit
    }
}

#[cfg(all(test, feature = "count-memory"))]
mod tests {
    use super::*;
    use crate::memory::Budget;

    fn watch(budget: &std::sync::Arc<Budget>) -> Watch {
        Watch { growth: Growth::start(), limit: 1 << 20, until_look: LOOK_EVERY, hold: budget.hold() }
    }

    fn look(watch: &mut Watch) -> bool {
        (0..LOOK_EVERY).fold(false, |is_over, _| is_over | watch.is_over())
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
