//! Runs one encoded task: decode, call the program's entry, turn whatever comes back into a [`TaskEnd`].

use super::TaskContext;
use crate::{
    DriverLink, ExecutorConfig, WorkDir,
    block::{BlockStore, Holders},
    memory::Budget,
    shuffle::Connections,
    value::ValueCache,
};
use rsk_proto::{
    AnyValue, CodecError, Decoder, Keeper, TaskAttempt, TaskEnd, TaskError, TaskMetrics, TaskOutput, ValueId,
    Values,
};
use rsk_storage::Storage;
use serde::{Deserialize, Serialize};
use std::{
    any::{Any, TypeId},
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Once, atomic::AtomicBool},
    time::Instant,
};

/// What comes first in each encoded task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskHeader {
    /// Which attempt it is.
    pub attempt: TaskAttempt,
    /// The bytes it may hold before it spills.
    pub memory_share: u64,
}

/// Finds the code a task names and runs it. The program that links the executor supplies this: only it knows what a
/// place in its own image means.
pub type Program = fn(&mut Decoder<'_>, &TaskContext) -> Result<TaskOutput, TaskError>;

/// One executor: what its tasks share.
pub struct Executor {
    config: ExecutorConfig,
    program: Program,
    link: Arc<dyn DriverLink>,
    values: ValueCache,
    memory: Arc<Budget>,
    blocks: BlockStore,
    work_dir: WorkDir,
    keeper: Option<Keeper>,
    connections: Connections,
    holders: Holders,
    storage: Storage,
}

impl Executor {
    /// An executor of `config`'s size over a work directory of its own; `keeper` is its agent, if it has one.
    pub fn new(
        config: ExecutorConfig,
        program: Program,
        link: Arc<dyn DriverLink>,
        work_dir: WorkDir,
        keeper: Option<Keeper>,
        storage: Storage,
    ) -> Arc<Self> {
        watch_panics();
        let memory = Budget::new(config.budget());
        let blocks = BlockStore::new(work_dir.block(), &memory);
        let (values, connections) = (ValueCache::default(), Connections::default());
        let holders = Holders::default();
        Arc::new(Executor {
            config,
            program,
            link,
            values,
            memory,
            blocks,
            work_dir,
            keeper,
            connections,
            holders,
            storage,
        })
    }

    /// The agent that keeps its map outputs; nothing in local mode.
    pub fn keeper(&self) -> Option<&Keeper> {
        self.keeper.as_ref()
    }

    /// The stores that its tasks read and write.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Connections to other agents.
    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Other executors, as holders of cached blocks.
    pub fn holders(&self) -> &Holders {
        &self.holders
    }

    /// Its sizes.
    pub fn config(&self) -> &ExecutorConfig {
        &self.config
    }

    /// The driver.
    pub fn link(&self) -> &dyn DriverLink {
        &*self.link
    }

    /// Its own files.
    pub fn work_dir(&self) -> &WorkDir {
        &self.work_dir
    }

    /// What its tasks and cached blocks may hold.
    pub fn memory(&self) -> &Arc<Budget> {
        &self.memory
    }

    /// Cached blocks.
    pub fn blocks(&self) -> &BlockStore {
        &self.blocks
    }

    /// Forgets a value that no handle of the driver names any more.
    pub fn remove_value(&self, id: ValueId) {
        self.values.remove(id);
    }

    /// Runs one task to its end on this thread. A panic in user code is its outcome, never the executor's.
    ///
    /// Errors: only when the bytes do not even say which attempt they are.
    pub fn run(self: &Arc<Self>, task: &[u8], is_killed: Arc<AtomicBool>) -> Result<TaskEnd, CodecError> {
        let started = Instant::now();
        let mut from = Decoder::new(task, &**self);
        let header: TaskHeader = from.get()?;
        let context = TaskContext::new(Arc::clone(self), header.attempt, header.memory_share, is_killed);
        let run = || {
            context.check_killed();
            (self.program)(&mut from, &context)
        };
        let outcome = context.enter(|| match panic::catch_unwind(AssertUnwindSafe(run)) {
            Ok(outcome) => outcome,
            Err(payload) => Err(what_was_raised(payload)),
        });
        let accumulators = if outcome.is_ok() { context.take_accumulators() } else { Ok(Vec::new()) };
        let (outcome, accumulators) = match (outcome, accumulators) {
            (outcome, Ok(accumulators)) => (outcome, accumulators),
            (_, Err(error)) => (Err(error), Vec::new()),
        };
        let run_micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let metrics = TaskMetrics { run_micros, ..context.metrics() };
        Ok(TaskEnd { attempt: header.attempt, outcome, accumulators, blocks: context.take_blocks(), metrics })
    }
}

impl Values for Executor {
    fn value(
        &self,
        id: ValueId,
        type_id: TypeId,
        decode: fn(&[u8]) -> Result<AnyValue, CodecError>,
    ) -> Result<AnyValue, CodecError> {
        self.values.get(id, type_id, || {
            let bytes = self.link.value(id).map_err(|cause| CodecError::Value(id, cause))?;
            decode(&bytes)
        })
    }
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("config", &self.config).finish_non_exhaustive()
    }
}

thread_local! {
    /// Message and place of the last panic on this thread, left by the hook for the runner.
    static LAST_PANIC: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// Panics inside tasks are kept for the task's end instead of being printed; others go the way they went before.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if TaskContext::current().is_none() {
                return before(info);
            }
            let location = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
            let message = info.payload_as_str().unwrap_or("a panic without a message").to_owned();
            LAST_PANIC.set(Some((message, location)));
        }));
    });
}

/// What left the task by unwinding: a typed error, or a panic of user code.
fn what_was_raised(payload: Box<dyn Any + Send>) -> TaskError {
    payload.downcast::<TaskError>().map_or_else(
        |_| {
            let (message, location) = LAST_PANIC.take().unwrap_or_default();
            TaskError::Panic { message, location }
        },
        |error| *error,
    )
}
