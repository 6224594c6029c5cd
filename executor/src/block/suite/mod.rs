//! What a [`BlockStore`] promises at each level, written as code.

mod concurrent;
mod damage;
mod levels;
mod memory;
mod remote;

use super::{Block, BlockStore};
use crate::{DriverLink, Executor, ExecutorConfig, TaskContext, WorkDir};
use rsk_proto::{
    BlockEpoch, BlockId, BlockUpdate, ByteSize, Cause, MapOutputs, PartitionId, RddId, ShuffleId, StageId,
    StorageLevel, TaskAttempt, TaskError, TaskId, TaskOutput, ValueId,
};
use rsk_storage::Storage;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

pub(super) const LEVELS: [StorageLevel; 4] = [
    StorageLevel::MemoryOnly,
    StorageLevel::MemoryOnlySer,
    StorageLevel::MemoryAndDisk,
    StorageLevel::DiskOnly,
];

struct NoDriver;

impl DriverLink for NoDriver {
    fn value(&self, _: ValueId) -> Result<Arc<[u8]>, Cause> {
        Err(Cause::new("no driver"))
    }

    fn map_outputs(&self, shuffle: ShuffleId) -> Result<Arc<MapOutputs>, TaskError> {
        Err(TaskError::MapOutputMissing { shuffle, map: PartitionId(0) })
    }
}

/// An executor alone. Its work directory goes with it.
struct Bench {
    executor: Arc<Executor>,
    _parent: tempfile::TempDir,
}

impl Bench {
    /// With a budget of so many bytes.
    fn new(budget: u64) -> Bench {
        let parent = tempfile::tempdir().unwrap();
        let work_dir = WorkDir::create(parent.path()).unwrap();
        let config = ExecutorConfig { slots: 2, memory: ByteSize(budget.div_ceil(6) * 10) };
        let executor = Executor::new(
            config,
            |_, _| Ok(TaskOutput::Inline(Vec::new())),
            Arc::new(NoDriver),
            work_dir,
            None,
            Storage::default(),
        );
        Bench { executor, _parent: parent }
    }

    fn task(&self) -> TaskContext {
        self.task_with(Arc::default())
    }

    fn task_with(&self, is_killed: Arc<AtomicBool>) -> TaskContext {
        let attempt = TaskAttempt {
            task: TaskId(1),
            stage: StageId(1),
            stage_attempt: 0,
            partition: PartitionId(0),
            attempt: 0,
        };
        let share = self.executor.config().task_share();
        TaskContext::new(Arc::clone(&self.executor), attempt, share, is_killed)
    }

    /// Runs as a task, and answers what blocks came and went.
    fn run<R>(&self, body: impl FnOnce(&TaskContext) -> R) -> (R, Vec<BlockUpdate>) {
        let task = self.task();
        let result = task.enter(|| body(&task));
        (result, task.take_blocks())
    }

    fn blocks(&self) -> &BlockStore {
        self.executor.blocks()
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.executor.work_dir().block()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

fn id(rdd: u64, partition: u32) -> BlockId {
    BlockId { rdd: RddId(rdd), partition: PartitionId(partition), epoch: BlockEpoch::FIRST }
}

type Record = (u32, String);

/// `count` records that only this block has.
fn records(id: BlockId, count: u32) -> Vec<Record> {
    (0..count).map(|n| (n, format!("{id} record {n} {:x}", hash(n)))).collect()
}

fn hash(n: u32) -> u64 {
    (u64::from(n) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// All records of a block that has `count`, made only if it must be.
fn get(bench: &Bench, task: &TaskContext, id: BlockId, level: StorageLevel, count: u32) -> Vec<Record> {
    bench.blocks().get_or_make(task, id, level, || records(id, count).into_iter()).into_iter().collect()
}

/// All records of a block that must be there.
fn get_kept(bench: &Bench, task: &TaskContext, id: BlockId, level: StorageLevel) -> Vec<Record> {
    let make = || -> std::vec::IntoIter<Record> { panic!("{id} is made again") };
    bench.blocks().get_or_make(task, id, level, make).into_iter().collect()
}

/// The typed error by which `body` left.
fn raised<R>(body: impl FnOnce() -> R) -> Option<TaskError> {
    let payload = catch_unwind(AssertUnwindSafe(body)).err()?;
    payload.downcast().ok().map(|error| *error)
}

fn is_passed<T>(block: &Block<T>) -> bool {
    matches!(block, Block::Passed(_))
}
