//! How blocks leave memory.

use super::{
    slots::{Candidate, Place, Resident, Slots, Ticket},
    store::{Claim, Inner},
};
use crate::memory::Evict;
use rsk_proto::{BlockId, BlockUpdate, RddId, StorageLevel};
use std::sync::Arc;

/// A block that has left its slot, and not yet memory.
struct Victim {
    claim: Claim,
    block: Arc<dyn Resident>,
    to_disk: bool,
}

impl Evict for Inner {
    /// Blocks that nobody reads go first: the memory of others is free only when their readers have finished.
    fn evict_for_execution(&self) {
        let victims = {
            let mut slots = self.slots.lock();
            let over = self.budget.is_over_by();
            let (read, unread): (Vec<_>, Vec<_>) = slots.candidates().partition(|block| block.is_read);
            let chosen = up_to(over, unread.into_iter().chain(read)).0;
            self.take_out(&mut slots, &chosen)
        };
        self.see_off(victims);
    }

    fn evict_for_block(&self, bytes: u64, of: RddId) -> bool {
        let victims = {
            let mut slots = self.slots.lock();
            let lacks = self.budget.lacks(bytes);
            let others = slots.candidates().filter(|block| block.id.rdd != of && !block.is_read);
            let (chosen, freed) = up_to(lacks, others);
            if freed < lacks {
                return false;
            }
            self.take_out(&mut slots, &chosen)
        };
        self.see_off(victims);
        true
    }
}

/// The first blocks that hold `bytes` together, and what they do hold.
fn up_to(bytes: u64, blocks: impl Iterator<Item = Candidate>) -> (Vec<(BlockId, Ticket)>, u64) {
    let (mut chosen, mut freed) = (Vec::new(), 0);
    for block in blocks {
        if freed >= bytes {
            break;
        }
        if block.bytes > 0 {
            freed += block.bytes;
            chosen.push((block.id, block.ticket));
        }
    }
    (chosen, freed)
}

impl Inner {
    /// Takes blocks out of their slots. Those that go to disk keep theirs: who wants one waits for its file.
    fn take_out(&self, slots: &mut Slots, chosen: &[(BlockId, Ticket)]) -> Vec<Victim> {
        let mut victims = Vec::new();
        for &(id, ticket) in chosen {
            let Some((_, Place::Memory { block, level, .. })) = slots.get(id) else { continue };
            let (block, to_disk) = (Arc::clone(block), *level == StorageLevel::MemoryAndDisk);
            block.reservation().leave();
            slots.put(id, ticket, Place::Leaving);
            slots.count_eviction();
            victims.push(Victim { claim: Claim::new(self, id, ticket), block, to_disk });
        }
        victims
    }

    /// Writes the blocks that have a place on disk; then their memory goes, unless somebody reads them.
    fn see_off(&self, victims: Vec<Victim>) {
        for Victim { claim, block, to_disk } in victims {
            if !to_disk {
                continue;
            }
            match self.write(claim.id(), claim.ticket(), |to| block.write(to)) {
                Ok(disk) => {
                    claim.land(disk);
                }
                // The task that needs the memory is not to blame: the block is made again when it is wanted.
                Err(error) => {
                    tracing::warn!(%error, block = %claim.id(), "dropped a block that cannot be written");
                }
            }
        }
    }

    /// Tells the driver, through the task that runs on this thread.
    pub(crate) fn note(update: BlockUpdate) {
        if let Some(task) = crate::TaskContext::current() {
            task.note_block(update);
        }
    }
}
