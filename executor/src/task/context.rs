//! What the code of a running task attempt may use.

use super::Executor;
use rsk_proto::{
    AccumulatorId, AccumulatorUpdate, BlockUpdate, Data, TaskAttempt, TaskError, TaskMetrics, encode_record,
};
use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

thread_local! {
    static CURRENT: RefCell<Option<TaskContext>> = const { RefCell::new(None) };
}

/// The attempt that runs on this thread: its name, its share of memory, its executor. A cheap clone; it never leaves
/// the thread.
#[derive(Clone)]
pub struct TaskContext(Rc<Inner>);

struct Inner {
    attempt: TaskAttempt,
    memory_share: u64,
    executor: Arc<Executor>,
    is_killed: Arc<AtomicBool>,
    accumulators: RefCell<BTreeMap<AccumulatorId, Box<dyn Sum>>>,
    blocks: RefCell<Vec<BlockUpdate>>,
    metrics: Cell<TaskMetrics>,
}

impl TaskContext {
    /// A context for one attempt. Only the runner makes these, and tests.
    pub fn new(
        executor: Arc<Executor>,
        attempt: TaskAttempt,
        memory_share: u64,
        is_killed: Arc<AtomicBool>,
    ) -> TaskContext {
        TaskContext(Rc::new(Inner {
            attempt,
            memory_share,
            executor,
            is_killed,
            accumulators: RefCell::default(),
            blocks: RefCell::default(),
            metrics: Cell::default(),
        }))
    }

    /// The attempt that runs on this thread, if one does: for handles that user code holds, such as accumulators.
    pub fn current() -> Option<TaskContext> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Runs `body` with this as the current context.
    pub(crate) fn enter<R>(&self, body: impl FnOnce() -> R) -> R {
        struct Restore(Option<TaskContext>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _restore = Restore(CURRENT.replace(Some(self.clone())));
        body()
    }

    /// Which attempt this is.
    pub fn attempt(&self) -> TaskAttempt {
        self.0.attempt
    }

    /// Bytes the attempt may hold in buffers and tables before it spills.
    pub fn memory_share(&self) -> u64 {
        self.0.memory_share
    }

    /// The executor it runs in.
    pub fn executor(&self) -> &Arc<Executor> {
        &self.0.executor
    }

    /// Leaves the attempt if it was told to stop. Sources and fetches ask once a buffer, so that every loop ends soon.
    pub fn check_killed(&self) {
        if self.0.is_killed.load(Ordering::Relaxed) {
            TaskError::Killed("its job was cancelled".to_owned()).raise();
        }
    }

    /// Adds to an accumulator of this attempt; `zero` starts it.
    pub fn accumulate<T: Data>(&self, id: AccumulatorId, zero: impl FnOnce() -> T, add: impl FnOnce(&mut T)) {
        let mut sums = self.0.accumulators.borrow_mut();
        let sum = sums.entry(id).or_insert_with(|| Box::new(zero()));
        if let Some(sum) = sum.as_any().downcast_mut() {
            add(sum);
        }
    }

    /// Tells the driver, at the end, that a block came or went.
    pub fn note_block(&self, update: BlockUpdate) {
        self.0.blocks.borrow_mut().push(update);
    }

    /// Counts a cost.
    pub fn count(&self, change: impl FnOnce(&mut TaskMetrics)) {
        let mut metrics = self.0.metrics.get();
        change(&mut metrics);
        self.0.metrics.set(metrics);
    }

    /// What the accumulators added up to.
    pub(crate) fn take_accumulators(&self) -> Result<Vec<AccumulatorUpdate>, TaskError> {
        let sums = std::mem::take(&mut *self.0.accumulators.borrow_mut());
        sums.into_iter().map(|(id, sum)| Ok(AccumulatorUpdate { id, value: sum.encode()? })).collect()
    }

    pub(crate) fn take_blocks(&self) -> Vec<BlockUpdate> {
        std::mem::take(&mut *self.0.blocks.borrow_mut())
    }

    pub(crate) fn metrics(&self) -> TaskMetrics {
        self.0.metrics.get()
    }
}

impl std::fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TaskContext({})", self.0.attempt)
    }
}

/// An accumulator's sum, whatever its type.
trait Sum {
    fn as_any(&mut self) -> &mut dyn Any;
    fn encode(&self) -> Result<Vec<u8>, TaskError>;
}

impl<T: Data> Sum for T {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn encode(&self) -> Result<Vec<u8>, TaskError> {
        let mut bytes = Vec::new();
        encode_record(self, &mut bytes)?;
        Ok(bytes)
    }
}
