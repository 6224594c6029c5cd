//! RDDs that are kept: as blocks of executors, or as files that cut the lineage.

mod by_ref;
mod checkpoint;
mod persisted;

pub use by_ref::ByRef;
pub(crate) use checkpoint::CheckpointDir;
pub use checkpoint::Checkpointed;
pub use persisted::Persisted;
pub use rsk_executor::block::Shared;

use super::Rdd;
use crate::Result;
use rsk_proto::{Data, StorageLevel};

/// What keeps an RDD, so that jobs after the first do not compute it again.
///
/// Cost: where none is said, that of [`persist`](Persist::persist). Nothing is shuffled.
pub trait Persist: Rdd {
    /// The same RDD, whose partitions are kept as `level` says once they have been computed: lazily, by whatever job
    /// needs them first. The blocks go with the last handle, or by [`Persisted::unpersist`].
    ///
    /// A task that runs where its block is not fetches it from an executor that holds it. A block that is gone, evicted or
    /// lost, is computed again. Where all blocks are there, nothing behind them runs.
    ///
    /// Cost: memory up to what execution leaves of the budget; records cloned when they are read (see
    /// [`Persisted::by_ref`]), or decoded where the level keeps bytes.
    ///
    /// ```
    /// use rsk::{StorageLevel, prelude::*};
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let lines = ctx.range(0..100, 4).map(|n| n.to_string()).persist(StorageLevel::MemoryAndDisk);
    /// assert_eq!(lines.count()?, 100);
    /// assert_eq!(lines.filter(|line| line.ends_with('7')).count()?, 10); // no number is made a string again
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn persist(&self, level: StorageLevel) -> Persisted<Self>
    where
        Self::Item: Data + Sync + Clone,
    {
        Persisted::new(self, level)
    }

    /// [`persist`](Persist::persist) as records in memory; a block that does not fit is computed each time.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let points = ctx.range(0..1000, 4).map(|n| n as f64 / 10.0).cache();
    /// let mut mean = 0.0;
    /// for _ in 0..5 {
    ///     mean = points.by_ref().with(mean).map(|mean, point| *point - mean / 2.0).reduce(|a, b| a + b)? / 1000.0;
    /// }
    /// assert!(mean > 33.0 && mean < 35.0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn cache(&self) -> Persisted<Self>
    where
        Self::Item: Data + Sync + Clone,
    {
        self.persist(StorageLevel::MemoryOnly)
    }

    /// The same records, read from files that a job writes now: the lineage behind them is let go of. What is
    /// expensive should be persisted before, or it is computed for this as well as for other jobs.
    ///
    /// The files are under [`Context::set_checkpoint_dir`](crate::Context::set_checkpoint_dir), where they stay; without
    /// one they are in the work directory and go with the last handle.
    ///
    /// Errors: files that cannot be written; while a job reads: a file that is missing or damaged, named.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let mut state = ctx.range(0..4, 2).boxed();
    /// for _ in 0..100 {
    ///     state = state.map(|n| n + 1).checkpoint()?.boxed();
    /// }
    /// assert_eq!(state.collect()?, [100, 101, 102, 103]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn checkpoint(&self) -> Result<Checkpointed<Self::Item>>
    where
        Self::Item: Data,
    {
        Checkpointed::write(self)
    }
}

impl<R: Rdd> Persist for R {}

#[cfg(test)]
mod tests;
