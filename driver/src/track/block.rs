//! Which blocks of persisted RDDs executors hold.

use crate::dag::version::Blocks;
use parking_lot::Mutex;
use rsk_proto::{BlockId, BlockUpdate, PartitionId, RddId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

type Removed = Box<dyn Fn(RddId) + Send + Sync>;

/// The blocks that tasks have told of, for RDDs that are persisted. A block may be gone before its executor could say
/// so: whoever needs it then makes it again.
#[derive(Default)]
pub(crate) struct BlockTable {
    rdds: Mutex<BTreeMap<RddId, BTreeSet<PartitionId>>>,
    removed: OnceLock<Removed>,
}

impl BlockTable {
    /// What to do when an RDD's blocks are not wanted any more: executors forget them.
    pub(crate) fn on_removed(&self, removed: impl Fn(RddId) + Send + Sync + 'static) {
        self.removed.get_or_init(|| Box::new(removed));
    }

    /// From now on this RDD's blocks are wanted.
    pub(crate) fn insert(&self, rdd: RddId) {
        self.rdds.lock().entry(rdd).or_default();
    }

    /// Takes in what a task noted, in order. Blocks that came after their RDD had been removed are removed too.
    pub(crate) fn update(&self, updates: &[BlockUpdate]) {
        if updates.is_empty() {
            return;
        }
        let mut strays = BTreeSet::new();
        let mut rdds = self.rdds.lock();
        for update in updates {
            match *update {
                BlockUpdate::Stored(BlockId { rdd, partition }) => match rdds.get_mut(&rdd) {
                    Some(held) => drop(held.insert(partition)),
                    None => drop(strays.insert(rdd)),
                },
                BlockUpdate::Dropped(BlockId { rdd, partition }) => {
                    rdds.get_mut(&rdd).map(|held| held.remove(&partition));
                }
            }
        }
        drop(rdds);
        for rdd in strays {
            self.forget(rdd);
        }
    }

    /// Is one block there?
    pub(crate) fn holds(&self, id: BlockId) -> bool {
        self.rdds.lock().get(&id.rdd).is_some_and(|held| held.contains(&id.partition))
    }

    /// Are all partitions there?
    pub(crate) fn holds_all(&self, rdd: RddId, partitions: usize) -> bool {
        self.rdds.lock().get(&rdd).is_some_and(|held| held.len() == partitions)
    }

    /// Removes the blocks of an RDD that is not persisted any more.
    pub(crate) fn remove(&self, rdd: RddId) {
        if self.rdds.lock().remove(&rdd).is_some() {
            self.forget(rdd);
        }
    }

    fn forget(&self, rdd: RddId) {
        self.removed.get().inspect(|removed| removed(rdd));
    }
}

impl Blocks for BlockTable {
    fn has_any(&self, rdd: RddId) -> bool {
        self.rdds.lock().get(&rdd).is_some_and(|held| !held.is_empty())
    }

    /// Removes the blocks of an RDD that stays persisted: they were made of what is not true any more.
    fn clear(&self, rdd: RddId) {
        if self.rdds.lock().get_mut(&rdd).map(BTreeSet::clear).is_some() {
            self.forget(rdd);
        }
    }
}

impl std::fmt::Debug for BlockTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("BlockTable").field(&*self.rdds.lock()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_block_that_comes_after_its_rdd_was_removed_is_removed_too() {
        let table = BlockTable::default();
        let removed = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&removed);
        table.on_removed(move |rdd| seen.lock().push(rdd));
        let id = |partition| BlockId { rdd: RddId(4), partition: PartitionId(partition) };
        table.insert(RddId(4));
        table.update(&[BlockUpdate::Stored(id(0)), BlockUpdate::Stored(id(1)), BlockUpdate::Dropped(id(0))]);
        assert!(table.holds(id(1)) && !table.holds(id(0)) && !table.holds_all(RddId(4), 2));
        table.remove(RddId(4));
        table.update(&[BlockUpdate::Dropped(id(1)), BlockUpdate::Stored(id(0))]);
        assert!(!table.holds(id(0)));
        assert_eq!(*removed.lock(), [RddId(4), RddId(4)]);
    }
}
