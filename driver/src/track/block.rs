//! Which blocks of persisted RDDs executors hold.

use parking_lot::Mutex;
use rsk_proto::{BlockId, BlockUpdate, PartitionId, RddId};
use std::collections::{BTreeMap, BTreeSet};

/// The blocks that tasks have told of. A block may be gone before its executor could say so: whoever needs it then makes
/// it again.
#[derive(Debug, Default)]
pub(crate) struct BlockTable(Mutex<BTreeMap<RddId, BTreeSet<PartitionId>>>);

impl BlockTable {
    /// Takes in what a task noted, in order.
    pub(crate) fn update(&self, updates: &[BlockUpdate]) {
        if updates.is_empty() {
            return;
        }
        let mut table = self.0.lock();
        for update in updates {
            match *update {
                BlockUpdate::Stored(BlockId { rdd, partition }) => {
                    table.entry(rdd).or_default().insert(partition);
                }
                BlockUpdate::Dropped(BlockId { rdd, partition }) => {
                    table.entry(rdd).or_default().remove(&partition);
                }
            }
        }
    }

    /// Are all partitions there?
    pub(crate) fn holds_all(&self, rdd: RddId, partitions: usize) -> bool {
        self.0.lock().get(&rdd).map_or(0, BTreeSet::len) == partitions
    }

    /// Forgets an RDD that is not persisted any more.
    pub(crate) fn remove(&self, rdd: RddId) {
        self.0.lock().remove(&rdd);
    }
}
