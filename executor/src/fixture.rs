//! An executor for tests: in a folder of its own, with a driver that knows the map outputs it is told.

use crate::{DriverLink, Executor, ExecutorConfig, TaskContext, WorkDir};
use parking_lot::Mutex;
use rsk_proto::{
    ByteSize, Cause, MapOutput, MapOutputs, PartitionId, ShuffleId, StageId, TaskAttempt, TaskError, TaskId,
    ValueId,
};
use rsk_storage::Storage;
use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The driver of tests.
#[derive(Default)]
struct Driver {
    outputs: Mutex<Vec<Option<MapOutput>>>,
}

impl DriverLink for Driver {
    fn value(&self, _: ValueId) -> Result<Arc<[u8]>, Cause> {
        Err(Cause::new("there are no values"))
    }

    fn map_outputs(&self, shuffle: ShuffleId) -> Result<Arc<MapOutputs>, TaskError> {
        Ok(Arc::new(MapOutputs { shuffle, outputs: self.outputs.lock().clone() }))
    }
}

pub(crate) struct Fixture {
    driver: Arc<Driver>,
    executor: Arc<Executor>,
    is_killed: Arc<AtomicBool>,
    _parent: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let work_dir = WorkDir::create(parent.path()).unwrap();
        let config = ExecutorConfig { slots: 1, memory: ByteSize(64 << 20) };
        let driver = Arc::new(Driver::default());
        let run =
            |_: &mut rsk_proto::Decoder<'_>, _: &TaskContext| unreachable!("tests call operators directly");
        let link = Arc::clone(&driver) as Arc<dyn DriverLink>;
        let executor = Executor::new(config, run, link, work_dir, None, Storage::default());
        Fixture { driver, executor, is_killed: Arc::default(), _parent: parent }
    }

    /// A task that may hold so many bytes.
    pub(crate) fn task(&self, memory_share: u64) -> TaskContext {
        let attempt = TaskAttempt {
            task: TaskId(1),
            stage: StageId(1),
            stage_attempt: 0,
            partition: PartitionId(0),
            attempt: 0,
        };
        TaskContext::new(Arc::clone(&self.executor), attempt, memory_share, Arc::clone(&self.is_killed))
    }

    /// Tells the driver what map tasks left.
    pub(crate) fn set_outputs(&self, outputs: impl IntoIterator<Item = MapOutput>) {
        *self.driver.outputs.lock() = outputs.into_iter().map(Some).collect();
    }

    pub(crate) fn kill(&self) {
        self.is_killed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn work_dir(&self) -> &WorkDir {
        self.executor.work_dir()
    }
}

/// Runs what may raise.
pub(crate) fn caught<R>(body: impl FnOnce() -> R) -> Result<R, TaskError> {
    panic::catch_unwind(AssertUnwindSafe(body)).map_err(|payload| match payload.downcast::<TaskError>() {
        Ok(error) => *error,
        Err(payload) => panic::resume_unwind(payload),
    })
}
