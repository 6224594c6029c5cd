//! The local backend: slots of this process, over the same encoded bytes that a cluster ships.

use crate::{Error, track::MapOutputTable, value::ValueRegistry};
use crossbeam_channel::{Receiver, Sender, bounded};
use rsk_executor::{DriverLink, Executor, ExecutorConfig, MapOutputs, WorkDir};
use rsk_proto::{Cause, CodecError, PartitionId, ShuffleId, TaskEnd, TaskError, ValueId};
use std::{
    sync::{Arc, atomic::AtomicBool},
    thread::{self, JoinHandle},
};

/// Deep lineage computes by nested calls.
const STACK_BYTES: usize = 64 << 20;
/// Encoded tasks that wait for each slot.
const QUEUED_PER_SLOT: usize = 4;

/// One encoded task on its way to a slot.
pub(crate) struct Launch {
    pub(crate) task: Vec<u8>,
    pub(crate) is_killed: Arc<AtomicBool>,
    pub(crate) ended: Sender<Result<TaskEnd, CodecError>>,
}

/// Threads that run tasks. Dropping the backend waits for them, so that the work directory goes with the program.
#[derive(Debug)]
pub(crate) struct Local {
    /// Nothing only while the backend is dropped.
    launches: Option<Sender<Launch>>,
    threads: Vec<JoinHandle<()>>,
    executor: Arc<Executor>,
    slots: u32,
}

impl Local {
    /// Starts the slots.
    pub(crate) fn start(
        config: ExecutorConfig,
        work_dir: WorkDir,
        values: Arc<ValueRegistry>,
        map_outputs: Arc<MapOutputTable>,
    ) -> Result<Local, Error> {
        let link = Arc::new(Link { values, map_outputs });
        let executor = Executor::new(config, crate::rdd::action::run_task, link, work_dir);
        let slots = config.slots.max(1);
        let (launches, queue) = bounded(slots as usize * QUEUED_PER_SLOT);
        let mut threads = Vec::new();
        for slot in 0..slots {
            let (queue, executor) = (queue.clone(), Arc::clone(&executor));
            let builder = thread::Builder::new().name(format!("slot-{slot}")).stack_size(STACK_BYTES);
            threads.push(builder.spawn(move || serve(&queue, &executor)).map_err(Error::Slot)?);
        }
        Ok(Local { launches: Some(launches), threads, executor, slots })
    }

    /// Hands a task to whichever slot is free first; waits while the queue is full.
    pub(crate) fn launch(&self, launch: Launch) -> Result<(), Error> {
        let launches = self.launches.as_ref().ok_or(Error::Stopped)?;
        launches.send(launch).map_err(|_| Error::Stopped)
    }

    /// Tasks that may be under way at a time without [`Local::launch`] waiting.
    pub(crate) fn in_flight_max(&self) -> usize {
        self.slots as usize * QUEUED_PER_SLOT
    }

    pub(crate) fn executor(&self) -> &Arc<Executor> {
        &self.executor
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.launches = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a slot's thread panicked");
            }
        }
    }
}

fn serve(queue: &Receiver<Launch>, executor: &Arc<Executor>) {
    for launch in queue {
        let end = executor.run(&launch.task, launch.is_killed);
        if launch.ended.send(end).is_err() {
            tracing::debug!("a task ended after its job");
        }
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
