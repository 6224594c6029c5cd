//! Which blocks there are, and in which order they were used.

use super::section::SectionWriter;
use crate::memory::Reservation;
use rsk_proto::{BlockEpoch, BlockId, RddId, StorageLevel, TaskError};
use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
    thread::ThreadId,
};

/// A block in memory, whatever its records.
pub(crate) trait Resident: Any + Send + Sync {
    fn reservation(&self) -> &Reservation;
    fn write(&self, to: &mut SectionWriter) -> Result<(), TaskError>;
}

/// One try at one block; never used twice, so that a late end cannot be taken for that of a later try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(pub(crate) u64);

/// A block on disk.
#[derive(Debug, Clone)]
pub(crate) struct OnDisk {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
}

/// Where a block is.
pub(crate) enum Place {
    /// A task makes it.
    Making(ThreadId),
    /// In memory; `used` is its place in the order of use.
    Memory { block: Arc<dyn Resident>, level: StorageLevel, used: u64 },
    /// On its way from memory to disk.
    Leaving,
    /// On disk.
    Disk(OnDisk),
}

/// What a store holds, and has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockCounts {
    /// Blocks in memory.
    pub in_memory: u64,
    /// Their bytes.
    pub memory_bytes: u64,
    /// Blocks on disk.
    pub on_disk: u64,
    /// Their bytes.
    pub disk_bytes: u64,
    /// Blocks that had to leave memory, to disk or for good, since the executor started.
    pub evictions: u64,
}

/// All blocks of one executor.
#[derive(Default)]
pub(crate) struct Slots {
    places: HashMap<BlockId, (Ticket, Place)>,
    /// Blocks in memory, least recently used first.
    order: BTreeMap<u64, BlockId>,
    clock: u64,
    counts: BlockCounts,
}

impl Slots {
    pub(crate) fn get(&self, id: BlockId) -> Option<(Ticket, &Place)> {
        self.places.get(&id).map(|(ticket, place)| (*ticket, place))
    }

    pub(crate) fn is(&self, id: BlockId, ticket: Ticket) -> bool {
        self.places.get(&id).is_some_and(|(held, _)| *held == ticket)
    }

    pub(crate) fn counts(&self) -> BlockCounts {
        self.counts
    }

    pub(crate) fn count_eviction(&mut self) {
        self.counts.evictions += 1;
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// A block that this thread is going to make.
    pub(crate) fn claim(&mut self, id: BlockId) -> Ticket {
        let ticket = Ticket(self.tick());
        self.places.insert(id, (ticket, Place::Making(std::thread::current().id())));
        ticket
    }

    /// A block in memory, now the most recently used.
    pub(crate) fn touch(&mut self, id: BlockId) {
        let now = self.tick();
        if let Some((_, Place::Memory { used, .. })) = self.places.get_mut(&id) {
            self.order.remove(used);
            *used = now;
            self.order.insert(now, id);
        }
    }

    /// Puts the block of this ticket elsewhere. False if it has been forgotten meanwhile: nothing changes then.
    pub(crate) fn put(&mut self, id: BlockId, ticket: Ticket, place: Place) -> bool {
        if !self.is(id, ticket) {
            return false;
        }
        drop(self.take(id, ticket));
        match &place {
            Place::Memory { block, used, .. } => {
                self.order.insert(*used, id);
                self.counts.in_memory += 1;
                self.counts.memory_bytes += block.reservation().bytes();
            }
            Place::Disk(disk) => {
                self.counts.on_disk += 1;
                self.counts.disk_bytes += disk.bytes;
            }
            Place::Making(_) | Place::Leaving => {}
        }
        self.places.insert(id, (ticket, place));
        true
    }

    /// A place in memory, as the most recently used.
    pub(crate) fn in_memory(&mut self, block: Arc<dyn Resident>, level: StorageLevel) -> Place {
        Place::Memory { block, level, used: self.tick() }
    }

    /// Forgets the block of this ticket.
    pub(crate) fn take(&mut self, id: BlockId, ticket: Ticket) -> Option<Place> {
        if !self.is(id, ticket) {
            return None;
        }
        let (_, place) = self.places.remove(&id)?;
        match &place {
            Place::Memory { block, used, .. } => {
                self.order.remove(used);
                self.counts.in_memory -= 1;
                self.counts.memory_bytes -= block.reservation().bytes();
            }
            Place::Disk(disk) => {
                self.counts.on_disk -= 1;
                self.counts.disk_bytes -= disk.bytes;
            }
            Place::Making(_) | Place::Leaving => {}
        }
        Some(place)
    }

    /// The blocks of one RDD that are of an earlier epoch.
    pub(crate) fn of(&self, rdd: RddId, before: BlockEpoch) -> Vec<(BlockId, Ticket)> {
        let of = self.places.iter().filter(|(id, _)| id.rdd == rdd && id.epoch < before);
        of.map(|(id, (ticket, _))| (*id, *ticket)).collect()
    }

    /// Blocks in memory, least recently used first, and whether somebody reads them now.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = Candidate> {
        self.order.values().filter_map(|&id| match self.places.get(&id)? {
            (ticket, Place::Memory { block, .. }) => Some(Candidate {
                id,
                ticket: *ticket,
                bytes: block.reservation().bytes(),
                is_read: Arc::strong_count(block) > 1,
            }),
            _ => None,
        })
    }
}

/// A block that may have to leave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) id: BlockId,
    pub(crate) ticket: Ticket,
    pub(crate) bytes: u64,
    pub(crate) is_read: bool,
}
