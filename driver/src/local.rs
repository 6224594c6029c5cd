//! The local backend: slots in this process, threads that take one task after another.

use crate::{Error, dispatch::Dispatch, track::MapOutputTable, value::ValueRegistry};
use rsk_executor::{DriverLink, Executor, ExecutorConfig, MapOutputs, WorkDir};
use rsk_proto::{Cause, PartitionId, ShuffleId, TaskEnd, TaskError, TaskMetrics, ValueId};
use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

/// Room for lineages of ten thousand steps.
const STACK_BYTES: usize = 64 << 20;

/// Threads that run tasks. Dropping the backend waits for them, so that the work directory goes with the program.
#[derive(Debug)]
pub(crate) struct Local {
    dispatch: Arc<Dispatch>,
    threads: Vec<JoinHandle<()>>,
    executor: Arc<Executor>,
}

impl Local {
    /// Starts the slots.
    pub(crate) fn start(
        config: ExecutorConfig,
        work_dir: WorkDir,
        dispatch: Arc<Dispatch>,
        values: Arc<ValueRegistry>,
        map_outputs: Arc<MapOutputTable>,
    ) -> Result<Local, Error> {
        let link = Arc::new(Link { values, map_outputs });
        let executor = Executor::new(config, crate::rdd::action::run_task, link, work_dir);
        let mut threads = Vec::new();
        for slot in 0..config.slots.max(1) {
            let (dispatch, executor) = (Arc::clone(&dispatch), Arc::clone(&executor));
            let builder = thread::Builder::new().name(format!("slot-{slot}")).stack_size(STACK_BYTES);
            threads.push(builder.spawn(move || serve(&dispatch, &executor)).map_err(Error::Slot)?);
        }
        Ok(Local { dispatch, threads, executor })
    }

    pub(crate) fn executor(&self) -> &Arc<Executor> {
        &self.executor
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.dispatch.stop("the context has stopped");
        // The last handle may be let go of by a slot itself.
        let own = thread::current().id();
        for slot in self.threads.drain(..).filter(|slot| slot.thread().id() != own) {
            if slot.join().is_err() {
                tracing::error!("a slot's thread panicked");
            }
        }
        self.executor.work_dir().remove();
    }
}

/// What a slot does until there will be no more tasks.
fn serve(dispatch: &Dispatch, executor: &Arc<Executor>) {
    let mut ended = None;
    while let Some(work) = dispatch.turn(ended.take()) {
        let (attempt, is_killed, task) = work.encode();
        let end = task.and_then(|task| executor.run(&task, is_killed).map_err(TaskError::Refused));
        ended = Some(end.unwrap_or_else(|error| TaskEnd {
            attempt,
            outcome: Err(error),
            accumulators: Vec::new(),
            blocks: Vec::new(),
            metrics: TaskMetrics::default(),
        }));
    }
}

/// The driver as tasks of the same process see it.
struct Link {
    values: Arc<ValueRegistry>,
    map_outputs: Arc<MapOutputTable>,
}

impl DriverLink for Link {
    fn value(&self, id: ValueId) -> Result<Arc<[u8]>, Cause> {
        self.values.get(id).ok_or_else(|| Cause::new("the driver has dropped its last handle to the value"))
    }

    fn map_outputs(&self, shuffle: ShuffleId) -> Result<Arc<MapOutputs>, TaskError> {
        let missing = TaskError::MapOutputMissing { shuffle, map: PartitionId(0) };
        self.map_outputs.get(shuffle).ok_or(missing)
    }
}
