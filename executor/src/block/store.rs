//! The store: claims, waits, keeps and forgets.

use super::{
    file::{BlockFile, remove},
    read::{Block, BlockReader},
    section::SectionWriter,
    slots::{BlockCounts, OnDisk, Place, Resident, Slots, Ticket},
    unroll::{Unrolled, encode, unroll},
};
use crate::{
    TaskContext,
    memory::{Budget, Evict},
};
use parking_lot::{Condvar, Mutex};
use rsk_proto::{BlockEpoch, BlockId, BlockUpdate, Data, OrRaise, RddId, StorageLevel, TaskError};
use std::{
    path::PathBuf,
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

/// How often a task that waits for a block looks whether it was killed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The blocks of one executor.
///
/// Bounds: memory is the budget's; disk is what blocks at levels with a disk need.
#[derive(Debug)]
pub struct BlockStore(pub(super) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) slots: Mutex<Slots>,
    changed: Condvar,
    pub(crate) budget: Arc<Budget>,
    folder: PathBuf,
    me: Weak<Inner>,
}

/// A block that is there.
pub(crate) enum Kept {
    Memory(Arc<dyn Resident>),
    Disk(Ticket, OnDisk),
}

enum Found {
    Memory(Arc<dyn Resident>),
    Disk(Ticket, OnDisk),
    Nothing(Claim),
}

impl BlockStore {
    /// A store within `budget` that writes under `folder`.
    pub fn new(folder: PathBuf, budget: &Arc<Budget>) -> Self {
        let inner = Arc::new_cyclic(|me| Inner {
            slots: Mutex::default(),
            changed: Condvar::new(),
            budget: Arc::clone(budget),
            folder,
            me: Weak::clone(me),
        });
        let cache: Weak<dyn Evict> = Weak::<Inner>::clone(&inner.me);
        budget.set_cache(cache);
        BlockStore(inner)
    }

    /// The block `id`: as it is kept, or made now and kept at `level` if it fits.
    ///
    /// A block that another task is making is waited for; if that one fails, this one makes it. It is kept only once
    /// `make`'s iterator has given `None`. Where it does not fit, it is written to disk if `level` has one, and otherwise
    /// passed on, to be made again when it is wanted again. A block on disk stays there.
    ///
    /// Errors: raised. A damaged file is forgotten and the block made again, at once if no record was handed out yet,
    /// else by the next attempt, after [`TaskError::Io`]. [`TaskError::DiskFull`] leaves nothing behind.
    /// Cost: one unrolling, then a clone a record, or a decoding a record where it is kept as bytes.
    ///
    /// ```
    /// # use rsk_executor::*;
    /// # use rsk_proto::*;
    /// # use std::{iter, sync::Arc};
    /// # use rsk_storage::Storage;
    /// # struct NoDriver;
    /// # impl DriverLink for NoDriver {
    /// #     fn value(&self, _: ValueId) -> Result<Arc<[u8]>, Cause> { Err(Cause::new("no driver")) }
    /// #     fn map_outputs(&self, shuffle: ShuffleId) -> Result<Arc<MapOutputs>, TaskError> {
    /// #         Err(TaskError::MapOutputMissing { shuffle, map: PartitionId(0) })
    /// #     }
    /// # }
    /// # let parent = tempfile::tempdir()?;
    /// # let config = ExecutorConfig { slots: 1, memory: ByteSize::mib(64) };
    /// # let work_dir = WorkDir::create(parent.path())?;
    /// # let executor =
    /// #     Executor::new(config, |_, _| Ok(TaskOutput::Inline(Vec::new())), Arc::new(NoDriver), work_dir, None, Storage::default());
    /// # let (stage, partition) = (StageId(0), PartitionId(7));
    /// # let attempt = TaskAttempt { task: TaskId(0), stage, stage_attempt: 0, partition, attempt: 0 };
    /// # let task = &TaskContext::new(executor, attempt, config.task_share(), Arc::default());
    /// let blocks = task.executor().blocks();
    /// let id = BlockId { rdd: RddId(4), partition: PartitionId(7), epoch: BlockEpoch::FIRST };
    /// let squares = |make: fn() -> Box<dyn Iterator<Item = u64>>| {
    ///     blocks.get_or_make(task, id, StorageLevel::MemoryOnly, make).into_iter().sum::<u64>()
    /// };
    /// assert_eq!(squares(|| Box::new((1..=3).map(|n| n * n))), 14);
    /// assert_eq!(squares(|| unreachable!("it is kept")), 14);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_or_make<T, I>(
        &self,
        task: &TaskContext,
        id: BlockId,
        level: StorageLevel,
        make: impl FnOnce() -> I,
    ) -> Block<T>
    where
        T: Data + Sync,
        I: Iterator<Item = T> + 'static,
    {
        loop {
            match self.0.find(task, id) {
                Found::Memory(block) => return Block::in_memory(task, id, block),
                Found::Disk(ticket, disk) => match BlockReader::open(task, &self.0, id, ticket, disk) {
                    Ok(reader) => return Block::Read(reader),
                    Err(cause) => self.0.drop_damaged(id, ticket, &cause),
                },
                Found::Nothing(claim) => return self.0.make(task, claim, level, make),
            }
        }
    }

    /// Is the block in memory or on disk?
    pub fn holds(&self, id: BlockId) -> bool {
        let slots = self.0.slots.lock();
        slots.get(id).is_some_and(|(_, place)| !matches!(place, Place::Making(_)))
    }

    /// Forgets the blocks of one RDD that are of an earlier epoch, and removes their files. One that is being made is not
    /// kept.
    pub fn remove(&self, rdd: RddId, before: BlockEpoch) {
        let places: Vec<Place> = {
            let mut slots = self.0.slots.lock();
            let of = slots.of(rdd, before);
            of.into_iter().filter_map(|(id, ticket)| slots.take(id, ticket)).collect()
        };
        self.0.changed.notify_all();
        for place in places {
            if let Place::Disk(disk) = place {
                remove(&disk.path);
            }
        }
    }

    /// What is held now.
    pub fn counts(&self) -> BlockCounts {
        self.0.slots.lock().counts()
    }
}

impl Inner {
    /// Finds a block, waiting while another task makes or writes it; or claims its slot.
    fn find(&self, task: &TaskContext, id: BlockId) -> Found {
        let mut slots = self.slots.lock();
        loop {
            match slots.get(id) {
                None => {
                    let ticket = slots.claim(id);
                    return Found::Nothing(Claim::new(self, id, ticket));
                }
                Some((_, Place::Memory { block, .. })) => {
                    let block = Arc::clone(block);
                    slots.touch(id);
                    return Found::Memory(block);
                }
                Some((ticket, Place::Disk(disk))) => return Found::Disk(ticket, disk.clone()),
                Some((_, Place::Making(by))) if *by == thread::current().id() => {
                    drop(slots);
                    TaskError::Contract(format!("{id} is needed to make itself")).raise()
                }
                Some((_, Place::Making(_) | Place::Leaving)) => {
                    task.check_killed();
                    self.changed.wait_for(&mut slots, LOOK_EVERY);
                }
            }
        }
    }

    fn make<T, I>(
        &self,
        task: &TaskContext,
        claim: Claim,
        level: StorageLevel,
        make: impl FnOnce() -> I,
    ) -> Block<T>
    where
        T: Data + Sync,
        I: Iterator<Item = T> + 'static,
    {
        let rdd = claim.id.rdd;
        let rest = match level {
            StorageLevel::DiskOnly => return Block::Read(self.make_on_disk(task, claim, make())),
            StorageLevel::MemoryOnlySer => match encode(task, &self.budget, rdd, make) {
                Unrolled::Whole(encoded) => {
                    let id = claim.id;
                    claim.keep(task, Arc::clone(&encoded) as Arc<dyn Resident>, level);
                    return Block::Read(BlockReader::of(task, id, encoded));
                }
                Unrolled::Partly(rest) => rest,
            },
            StorageLevel::MemoryOnly | StorageLevel::MemoryAndDisk => {
                match unroll(task, &self.budget, rdd, make) {
                    Unrolled::Whole(held) => {
                        claim.keep(task, held.resident(), level);
                        return Block::Held(held);
                    }
                    Unrolled::Partly(rest) => rest,
                }
            }
        };
        match level {
            StorageLevel::MemoryAndDisk => Block::Read(self.make_on_disk(task, claim, rest)),
            // The slot is free for others from here on: none of them could use what passes through this task.
            _ => Block::Passed(rest),
        }
    }

    fn make_on_disk<T: Data + Sync>(
        &self,
        task: &TaskContext,
        claim: Claim,
        records: impl Iterator<Item = T>,
    ) -> BlockReader<T> {
        let (id, ticket) = (claim.id, claim.ticket);
        let mut records = records;
        let written = self.write(id, ticket, |to| records.try_for_each(|record| to.write(&record)));
        let disk = written.or_raise();
        let opened = BlockReader::open(task, &self.arc(), id, ticket, disk.clone());
        match opened {
            // Forgotten meanwhile, its file is gone, but not for a reader that has opened it.
            Ok(reader) => {
                if claim.land(disk) {
                    task.note_block(BlockUpdate::Stored(id));
                }
                reader
            }
            Err(cause) => {
                remove(&disk.path);
                TaskError::Io(cause.within(format!("cannot read back {}", disk.path.display()))).raise()
            }
        }
    }

    /// Writes a block to its file, or leaves nothing.
    pub(crate) fn write(
        &self,
        id: BlockId,
        ticket: Ticket,
        records: impl FnOnce(&mut SectionWriter) -> Result<(), TaskError>,
    ) -> Result<OnDisk, TaskError> {
        // Executors of one driver, a process each, share the folder.
        let name = format!("{id}-{}-{}.block", std::process::id(), ticket.0);
        let path = self.folder.join(name);
        let mut writer = BlockFile::create(id, &path)?;
        records(writer.sections())?;
        let bytes = writer.finish(&path)?;
        Ok(OnDisk { path, bytes })
    }

    /// Finds a block for another executor. One that is on its way to disk is waited for until `until`.
    pub(crate) fn find_for_another(&self, id: BlockId, until: Instant) -> Option<Kept> {
        let mut slots = self.slots.lock();
        loop {
            match slots.get(id)? {
                (_, Place::Memory { block, .. }) => {
                    let block = Arc::clone(block);
                    slots.touch(id);
                    return Some(Kept::Memory(block));
                }
                (ticket, Place::Disk(disk)) => return Some(Kept::Disk(ticket, disk.clone())),
                (_, Place::Making(_)) => return None,
                (_, Place::Leaving) => {
                    if self.changed.wait_until(&mut slots, until).timed_out() {
                        return None;
                    }
                }
            }
        }
    }

    /// Forgets a block whose file is not what was written.
    pub(crate) fn drop_damaged(&self, id: BlockId, ticket: Ticket, cause: &rsk_proto::Cause) {
        let place = self.slots.lock().take(id, ticket);
        if let Some(Place::Disk(disk)) = place {
            tracing::warn!(%cause, block = %id, path = %disk.path.display(), "dropped a damaged block");
            remove(&disk.path);
            Inner::note(BlockUpdate::Dropped(id));
        }
    }

    #[expect(clippy::expect_used, reason = "a borrowed store is alive")]
    fn arc(&self) -> Arc<Inner> {
        self.me.upgrade().expect("a borrowed store is alive")
    }
}

/// A slot that this thread fills. Dropped without having filled it, by unwinding for instance, it frees the slot, and
/// whoever waits for the block makes it.
pub(crate) struct Claim {
    store: Arc<Inner>,
    id: BlockId,
    ticket: Ticket,
}

impl Claim {
    pub(crate) fn new(store: &Inner, id: BlockId, ticket: Ticket) -> Claim {
        Claim { store: store.arc(), id, ticket }
    }

    pub(crate) fn id(&self) -> BlockId {
        self.id
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// The block has arrived on disk. If its RDD has been removed meanwhile, so is the file.
    pub(crate) fn land(self, disk: OnDisk) -> bool {
        let path = disk.path.clone();
        let is_kept = self.put(Place::Disk(disk));
        if !is_kept {
            remove(&path);
        }
        is_kept
    }

    /// Fills the slot. False if its RDD has been removed meanwhile.
    fn put(self, place: Place) -> bool {
        self.store.slots.lock().put(self.id, self.ticket, place)
    }

    fn keep(self, task: &TaskContext, block: Arc<dyn Resident>, level: StorageLevel) {
        let id = self.id;
        let is_kept = {
            let mut slots = self.store.slots.lock();
            let place = slots.in_memory(block, level);
            slots.put(id, self.ticket, place)
        };
        if is_kept {
            task.note_block(BlockUpdate::Stored(id));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let left = {
            let mut slots = self.store.slots.lock();
            match slots.get(self.id) {
                Some((ticket, Place::Making(_) | Place::Leaving)) if ticket == self.ticket => {
                    slots.take(self.id, ticket)
                }
                _ => None,
            }
        };
        self.store.changed.notify_all();
        if let Some(Place::Leaving) = left {
            Inner::note(BlockUpdate::Dropped(self.id));
        }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}
