//! Which blocks of persisted RDDs executors hold.

use crate::dag::version::Blocks;
use parking_lot::Mutex;
use rsk_proto::{BlockId, BlockUpdate, ExecutorId, PartitionId, RddId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

/// Who holds which partition; none that nobody holds.
type Held = BTreeMap<PartitionId, BTreeSet<ExecutorId>>;
type Removed = Box<dyn Fn(RddId) + Send + Sync>;

/// The blocks that tasks have told of, for RDDs that are persisted. A block may be gone before its executor could say
/// so: whoever needs it then makes it again.
#[derive(Default)]
pub(crate) struct BlockTable {
    rdds: Mutex<BTreeMap<RddId, Held>>,
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
    pub(crate) fn update(&self, executor: ExecutorId, updates: &[BlockUpdate]) {
        if updates.is_empty() {
            return;
        }
        let mut strays = BTreeSet::new();
        let mut rdds = self.rdds.lock();
        for update in updates {
            match *update {
                BlockUpdate::Stored(BlockId { rdd, partition }) => match rdds.get_mut(&rdd) {
                    Some(held) => drop(held.entry(partition).or_default().insert(executor)),
                    None => drop(strays.insert(rdd)),
                },
                BlockUpdate::Dropped(BlockId { rdd, partition }) => {
                    if let Some(held) = rdds.get_mut(&rdd) {
                        drop_holder(held, partition, executor);
                    }
                }
            }
        }
        drop(rdds);
        for rdd in strays {
            self.forget(rdd);
        }
    }

    /// Does this executor hold a block?
    pub(crate) fn holds(&self, id: BlockId, executor: ExecutorId) -> bool {
        let rdds = self.rdds.lock();
        let held = rdds.get(&id.rdd).and_then(|held| held.get(&id.partition));
        held.is_some_and(|holders| holders.contains(&executor))
    }

    /// Who holds which partition of an RDD.
    pub(crate) fn holders(&self, rdd: RddId) -> BTreeMap<PartitionId, BTreeSet<ExecutorId>> {
        self.rdds.lock().get(&rdd).cloned().unwrap_or_default()
    }

    /// Those that hold something.
    pub(crate) fn executors(&self) -> BTreeSet<ExecutorId> {
        self.rdds.lock().values().flat_map(BTreeMap::values).flatten().copied().collect()
    }

    /// An executor has gone with all that it held.
    pub(crate) fn forget_executor(&self, gone: ExecutorId) {
        for held in self.rdds.lock().values_mut() {
            for holders in held.values_mut() {
                holders.remove(&gone);
            }
            held.retain(|_, holders| !holders.is_empty());
        }
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

fn drop_holder(held: &mut Held, partition: PartitionId, executor: ExecutorId) {
    if let Some(holders) = held.get_mut(&partition) {
        holders.remove(&executor);
        if holders.is_empty() {
            held.remove(&partition);
        }
    }
}

impl Blocks for BlockTable {
    fn has_any(&self, rdd: RddId) -> bool {
        self.rdds.lock().get(&rdd).is_some_and(|held| !held.is_empty())
    }

    /// Removes the blocks of an RDD that stays persisted: they were made of what is not true any more.
    fn clear(&self, rdd: RddId) {
        if self.rdds.lock().get_mut(&rdd).map(BTreeMap::clear).is_some() {
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

    const A: ExecutorId = ExecutorId(1);
    const B: ExecutorId = ExecutorId(2);

    #[test]
    fn what_an_executor_held_goes_with_it_and_what_others_hold_stays() {
        let table = BlockTable::default();
        let id = |partition| BlockId { rdd: RddId(4), partition: PartitionId(partition) };
        table.insert(RddId(4));
        table.update(A, &[BlockUpdate::Stored(id(0)), BlockUpdate::Stored(id(1))]);
        table.update(B, &[BlockUpdate::Stored(id(1))]);
        assert!(table.holds_all(RddId(4), 2) && !table.holds(id(0), B));
        table.forget_executor(A);
        assert!(!table.holds_all(RddId(4), 2) && table.holds(id(1), B));
        assert_eq!(table.holders(RddId(4)), BTreeMap::from([(PartitionId(1), BTreeSet::from([B]))]));
    }

    #[test]
    fn a_block_that_comes_after_its_rdd_was_removed_is_removed_too() {
        let table = BlockTable::default();
        let removed = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&removed);
        table.on_removed(move |rdd| seen.lock().push(rdd));
        let id = |partition| BlockId { rdd: RddId(4), partition: PartitionId(partition) };
        table.insert(RddId(4));
        table.update(
            A,
            &[BlockUpdate::Stored(id(0)), BlockUpdate::Stored(id(1)), BlockUpdate::Dropped(id(0))],
        );
        assert!(table.holds(id(1), A) && !table.holds(id(0), A) && !table.holds_all(RddId(4), 2));
        table.remove(RddId(4));
        table.update(A, &[BlockUpdate::Dropped(id(1)), BlockUpdate::Stored(id(0))]);
        assert!(!table.holds(id(0), A));
        assert_eq!(*removed.lock(), [RddId(4), RddId(4)]);
    }
}
