//! `persist` and `cache`: partitions kept as blocks.

use super::ByRef;
use crate::{
    Context,
    dag::version::Version,
    rdd::{
        Dependency, Determinism, Items, Partitioning, PreferredHosts, Rdd,
        dependency::{self, Needs},
    },
    track::Located,
};
use rsk_executor::{
    TaskContext,
    block::{Block, BlockIter},
};
use rsk_proto::{
    BlockEpoch, BlockHolder, BlockId, BlockUpdate, CodecError, Data, Decoder, Encoder, PartitionId, RddId,
    StorageLevel, TaskError,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The node of [`persist`](super::Persist::persist).
///
/// A task whose block is believed to be there, or to be given by another executor, carries nothing of what lies behind
/// it. If the block is gone after all, the task is tried again with its lineage.
pub struct Persisted<P> {
    rdd: RddId,
    /// How it is kept; nothing once it is not persisted any more. In the driver the lease knows.
    level: Option<StorageLevel>,
    /// In an executor, which of its blocks to read, and who gives it.
    epoch: BlockEpoch,
    holders: Vec<BlockHolder>,
    /// In an executor, nothing where the block was believed to be.
    parent: Option<P>,
    /// In the driver alone.
    lease: Option<Arc<Lease>>,
}

/// The right to an RDD's blocks: they go when it is dropped.
struct Lease {
    context: Context,
    level: StorageLevel,
    is_persisted: AtomicBool,
    needs: Arc<dependency::Persisted>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.context.blocks().remove(self.needs.rdd);
    }
}

impl<P: Rdd<Item: Data + Sync + Clone>> Persisted<P> {
    pub(super) fn new(parent: &P, level: StorageLevel) -> Self {
        let context = parent.context().clone();
        let rdd = RddId(context.next_id());
        context.blocks().insert(rdd);
        let mut behind = Vec::new();
        parent.dependencies(&mut behind);
        let needs = Arc::new(dependency::Persisted {
            rdd,
            partitions: parent.partitions(),
            behind,
            version: Version::default(),
        });
        let lease = Lease { context, level, is_persisted: AtomicBool::new(true), needs };
        let (epoch, holders) = (BlockEpoch::FIRST, Vec::new());
        let (parent, lease) = (Some(parent.clone()), Some(Arc::new(lease)));
        Persisted { rdd, level: Some(level), epoch, holders, parent, lease }
    }

    /// The same records as handles: none is copied out of a block that is in memory.
    ///
    /// Cost: a block stays in memory while a handle to one of its records does. Records that are kept as bytes, or not
    /// at all, belong to their handles.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let lines = ctx.range(0..100, 4).map(|n| n.to_string()).cache();
    /// assert_eq!(lines.by_ref().map(|line| line.len()).reduce(|a, b| a + b)?, 190);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn by_ref(&self) -> ByRef<P> {
        ByRef::new(self.clone())
    }

    /// Removes all its blocks, now and everywhere. Jobs that read it compute it from then on. Repeated calls change
    /// nothing.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let numbers = ctx.range(0..100, 4).cache();
    /// assert_eq!(numbers.count()?, 100);
    /// numbers.unpersist();
    /// assert_eq!(numbers.count()?, 100);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn unpersist(&self) {
        if let Some(lease) = &self.lease {
            lease.is_persisted.store(false, Ordering::Relaxed);
            lease.context.blocks().remove(self.rdd);
        }
    }

    /// How it is kept; nothing after [`unpersist`](Persisted::unpersist).
    ///
    /// ```
    /// use rsk::{StorageLevel, prelude::*};
    /// let numbers = rsk::Context::new("local")?.range(0..100, 4).cache();
    /// assert_eq!(numbers.level(), Some(StorageLevel::MemoryOnly));
    /// numbers.unpersist();
    /// assert_eq!(numbers.level(), None);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn level(&self) -> Option<StorageLevel> {
        match &self.lease {
            Some(lease) => lease.is_persisted.load(Ordering::Relaxed).then_some(lease.level),
            None => self.level,
        }
    }

    #[expect(clippy::expect_used, reason = "a node in the driver has its parent")]
    fn parent(&self) -> &P {
        self.parent.as_ref().expect("only the driver asks a node about itself")
    }

    /// The block, found, fetched or made; its records one by one where it is not persisted any more.
    pub(super) fn block(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> Result<Block<P::Item>, Items<P::Item>> {
        let id = BlockId { rdd: self.rdd, partition, epoch: self.epoch };
        let make = || {
            let Some(parent) = &self.parent else {
                task.note_block(BlockUpdate::Dropped(id));
                TaskError::BlockMissing { block: id }.raise()
            };
            parent.compute(partition, task)
        };
        match self.level {
            Some(level) => {
                let blocks = task.executor().blocks();
                let fetched = blocks.fetch(task, id, &self.holders);
                Ok(fetched.unwrap_or_else(|| blocks.get_or_make(task, id, level, make)))
            }
            None => Err(Box::new(make())),
        }
    }
}

impl<P: Rdd<Item: Data + Sync + Clone>> Rdd for Persisted<P> {
    type Item = P::Item;

    fn context(&self) -> &Context {
        self.parent().context()
    }

    fn partitions(&self) -> usize {
        self.parent().partitions()
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        to.extend(self.lease.as_ref().map(|lease| Dependency(Needs::Persisted(Arc::clone(&lease.needs)))));
    }

    fn determinism(&self) -> Determinism {
        self.parent().determinism()
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        self.parent().preferred_hosts()
    }

    fn partitioning(&self) -> Option<Partitioning> {
        self.parent().partitioning()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = P::Item> + 'static {
        match self.block(partition, task) {
            Ok(block) => Records::Block(block.into_iter()),
            Err(computed) => Records::Computed(computed),
        }
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        let level = self.level();
        let blocks = self.parent().context().blocks();
        let Located { epoch, is_here, holders } = blocks.locate(self.rdd, partition, to.executor());
        let is_held = level.is_some() && (is_here || !holders.is_empty());
        to.put(&(self.rdd, level, epoch, holders, is_held));
        if !is_held {
            self.parent().encode(partition, to);
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let (rdd, level, epoch, holders, is_held) = from.get()?;
        let parent = if is_held { None } else { Some(P::decode(from)?) };
        Ok(Persisted { rdd, level, epoch, holders, parent, lease: None })
    }
}

/// The records of a partition.
#[expect(clippy::large_enum_variant, reason = "there is one a partition")]
enum Records<T> {
    Block(BlockIter<T>),
    Computed(Items<T>),
}

impl<T: Data + Sync + Clone> Iterator for Records<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match self {
            Records::Block(block) => block.next(),
            Records::Computed(computed) => computed.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Records::Block(block) => block.size_hint(),
            Records::Computed(computed) => computed.size_hint(),
        }
    }

    fn fold<B, F: FnMut(B, T) -> B>(self, zero: B, step: F) -> B {
        match self {
            Records::Block(block) => block.fold(zero, step),
            Records::Computed(computed) => computed.fold(zero, step),
        }
    }
}

impl<P: Clone> Clone for Persisted<P> {
    fn clone(&self) -> Self {
        let (parent, lease) = (self.parent.clone(), self.lease.clone());
        Persisted { holders: self.holders.clone(), parent, lease, ..*self }
    }
}

impl<P> std::fmt::Debug for Persisted<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Persisted({}, {:?})", self.rdd, self.level)
    }
}
