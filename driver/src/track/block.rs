//! Which blocks of persisted RDDs executors hold.

use crate::dag::version::Blocks;
use parking_lot::Mutex;
use rsk_proto::{BlockEpoch, BlockHolder, BlockId, BlockUpdate, ExecutorId, PartitionId, RddId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

/// A task need not know of more who could give it a block.
const HOLDERS_MAX: usize = 3;

/// Who holds which partition; none that nobody holds.
type Held = BTreeMap<PartitionId, BTreeSet<ExecutorId>>;
type Removed = Box<dyn Fn(RddId, BlockEpoch) + Send + Sync>;

/// The blocks that tasks have told of, for RDDs that are persisted. A block may be gone before its executor could say
/// so: whoever needs it then makes it again.
#[derive(Default)]
pub(crate) struct BlockTable {
    rdds: Mutex<BTreeMap<RddId, Kept>>,
    /// Where executors give their blocks to others.
    given_at: Mutex<BTreeMap<ExecutorId, String>>,
    removed: OnceLock<Removed>,
}

/// The blocks of one RDD. Those of earlier epochs are made of what is not true any more.
#[derive(Debug, Default)]
struct Kept {
    epoch: BlockEpoch,
    held: Held,
}

/// What a task must know of a block that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) epoch: BlockEpoch,
    /// The executor that reads it is believed to hold it.
    pub(crate) is_here: bool,
    /// Others that are, and give it.
    pub(crate) holders: Vec<BlockHolder>,
}

impl BlockTable {
    /// What to do when an RDD's blocks are not wanted any more: executors forget them.
    pub(crate) fn on_removed(&self, removed: impl Fn(RddId, BlockEpoch) + Send + Sync + 'static) {
        self.removed.get_or_init(|| Box::new(removed));
    }

    /// From now on this RDD's blocks are wanted.
    pub(crate) fn insert(&self, rdd: RddId) {
        self.rdds.lock().entry(rdd).or_default();
    }

    /// This executor gives its blocks to others.
    pub(crate) fn gives_at(&self, executor: ExecutorId, address: &str) {
        self.given_at.lock().insert(executor, address.to_owned());
    }

    /// Takes in what a task noted of its executor, in order. Blocks that came after their RDD had been removed, or are of
    /// an epoch that is over, are removed too.
    pub(crate) fn update(&self, executor: ExecutorId, updates: &[BlockUpdate]) {
        if updates.is_empty() {
            return;
        }
        let mut strays = BTreeMap::new();
        let mut rdds = self.rdds.lock();
        for update in updates {
            match *update {
                BlockUpdate::Stored(id) => match rdds.get_mut(&id.rdd) {
                    Some(kept) if kept.epoch == id.epoch => {
                        kept.held.entry(id.partition).or_default().insert(executor);
                    }
                    Some(kept) => drop(strays.insert(id.rdd, kept.epoch)),
                    None => drop(strays.insert(id.rdd, BlockEpoch::NEVER)),
                },
                BlockUpdate::Dropped(id) => drop_holder(&mut rdds, id, executor),
                BlockUpdate::NotAt(..) => {}
            }
        }
        drop(rdds);
        for (rdd, before) in strays {
            self.forget(rdd, before);
        }
    }

    /// Takes in what a task noted of other executors.
    pub(crate) fn not_given(&self, updates: &[BlockUpdate]) {
        for update in updates {
            if let BlockUpdate::NotAt(id, executor) = *update {
                drop_holder(&mut self.rdds.lock(), id, executor);
            }
        }
    }

    /// Where a block is, for a task of this executor.
    pub(crate) fn locate(&self, rdd: RddId, partition: PartitionId, reader: ExecutorId) -> Located {
        let rdds = self.rdds.lock();
        let Some(Kept { epoch, held }) = rdds.get(&rdd) else {
            return Located { epoch: BlockEpoch::FIRST, is_here: false, holders: Vec::new() };
        };
        let holders = held.get(&partition).into_iter().flatten();
        let is_here = holders.clone().any(|holder| *holder == reader);
        let given_at = self.given_at.lock();
        let others = holders.filter(|holder| **holder != reader);
        let known = others.filter_map(|executor| {
            let at = given_at.get(executor)?.clone();
            Some(BlockHolder { executor: *executor, at })
        });
        Located { epoch: *epoch, is_here, holders: known.take(HOLDERS_MAX).collect() }
    }

    /// Who holds which partition of an RDD.
    pub(crate) fn holders(&self, rdd: RddId) -> BTreeMap<PartitionId, BTreeSet<ExecutorId>> {
        self.rdds.lock().get(&rdd).map(|kept| kept.held.clone()).unwrap_or_default()
    }

    /// Those that hold something.
    pub(crate) fn executors(&self) -> BTreeSet<ExecutorId> {
        self.rdds.lock().values().flat_map(|kept| kept.held.values()).flatten().copied().collect()
    }

    /// An executor has gone with all that it held, and gives nothing any more.
    pub(crate) fn leave(&self, gone: ExecutorId) {
        self.forget_executor(gone);
        self.given_at.lock().remove(&gone);
    }

    /// All that an executor held is gone.
    pub(crate) fn forget_executor(&self, gone: ExecutorId) {
        for Kept { held, .. } in self.rdds.lock().values_mut() {
            for holders in held.values_mut() {
                holders.remove(&gone);
            }
            held.retain(|_, holders| !holders.is_empty());
        }
    }

    /// Are all partitions there?
    pub(crate) fn holds_all(&self, rdd: RddId, partitions: usize) -> bool {
        self.rdds.lock().get(&rdd).is_some_and(|kept| kept.held.len() == partitions)
    }

    /// Removes the blocks of an RDD that is not persisted any more.
    pub(crate) fn remove(&self, rdd: RddId) {
        if self.rdds.lock().remove(&rdd).is_some() {
            self.forget(rdd, BlockEpoch::NEVER);
        }
    }

    fn forget(&self, rdd: RddId, before: BlockEpoch) {
        self.removed.get().inspect(|removed| removed(rdd, before));
    }
}

fn drop_holder(rdds: &mut BTreeMap<RddId, Kept>, id: BlockId, executor: ExecutorId) {
    if let Some(kept) = rdds.get_mut(&id.rdd)
        && kept.epoch == id.epoch
        && let Some(holders) = kept.held.get_mut(&id.partition)
    {
        holders.remove(&executor);
        if holders.is_empty() {
            kept.held.remove(&id.partition);
        }
    }
}

impl Blocks for BlockTable {
    fn has_any(&self, rdd: RddId) -> bool {
        self.rdds.lock().get(&rdd).is_some_and(|kept| !kept.held.is_empty())
    }

    /// Removes the blocks of an RDD that stays persisted: they were made of what is not true any more.
    fn clear(&self, rdd: RddId) {
        let next = self.rdds.lock().get_mut(&rdd).map(|kept| {
            *kept = Kept { epoch: kept.epoch.next(), held: Held::new() };
            kept.epoch
        });
        if let Some(epoch) = next {
            self.forget(rdd, epoch);
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
    const RDD: RddId = RddId(4);

    fn id(partition: u32) -> BlockId {
        BlockId { rdd: RDD, partition: PartitionId(partition), epoch: BlockEpoch::FIRST }
    }

    fn stored(partition: u32) -> BlockUpdate {
        BlockUpdate::Stored(id(partition))
    }

    fn is_held(table: &BlockTable, partition: u32, by: ExecutorId) -> bool {
        table.locate(RDD, PartitionId(partition), by).is_here
    }

    type RemovedSoFar = Arc<Mutex<Vec<(RddId, BlockEpoch)>>>;

    /// A table of one RDD, and what it has removed.
    fn table() -> (BlockTable, RemovedSoFar) {
        let (table, removed) = (BlockTable::default(), RemovedSoFar::default());
        let seen = Arc::clone(&removed);
        table.on_removed(move |rdd, before| seen.lock().push((rdd, before)));
        table.insert(RDD);
        (table, removed)
    }

    #[test]
    fn what_an_executor_held_goes_with_it_and_what_others_hold_stays() {
        let (table, _) = table();
        table.update(A, &[stored(0), stored(1)]);
        table.update(B, &[stored(1)]);
        assert!(table.holds_all(RDD, 2) && !is_held(&table, 0, B));
        table.leave(A);
        assert!(!table.holds_all(RDD, 2) && is_held(&table, 1, B));
        assert_eq!(table.holders(RDD), BTreeMap::from([(PartitionId(1), BTreeSet::from([B]))]));
    }

    #[test]
    fn a_block_that_comes_after_its_rdd_was_removed_is_removed_too() {
        let (table, removed) = table();
        table.update(A, &[stored(0), stored(1), BlockUpdate::Dropped(id(0))]);
        assert!(is_held(&table, 1, A) && !is_held(&table, 0, A) && !table.holds_all(RDD, 2));
        table.remove(RDD);
        table.update(A, &[BlockUpdate::Dropped(id(1)), stored(0)]);
        assert!(!is_held(&table, 0, A));
        assert_eq!(*removed.lock(), [(RDD, BlockEpoch::NEVER); 2]);
    }

    #[test]
    fn a_block_of_what_is_made_again_since_is_another_block() {
        let (table, removed) = table();
        table.update(A, &[stored(0)]);
        table.clear(RDD);
        // A task that ran meanwhile made these of the version before.
        table.update(B, &[stored(0)]);
        let epoch = BlockEpoch(1);
        let located = table.locate(RDD, PartitionId(0), B);
        assert_eq!(located, Located { epoch, is_here: false, holders: Vec::new() });
        assert!(!table.has_any(RDD));
        let new = BlockId { epoch, ..id(0) };
        table.update(B, &[BlockUpdate::Stored(new), BlockUpdate::Dropped(id(0))]);
        table.not_given(&[BlockUpdate::NotAt(id(0), B)]);
        assert!(is_held(&table, 0, B), "what is said of another block is nothing to it");
        assert_eq!(*removed.lock(), [(RDD, epoch); 2], "the new one stays");
    }

    #[test]
    fn tasks_hear_of_others_that_give_the_block_until_one_does_not() {
        let (table, _) = table();
        table.gives_at(A, "a:1");
        table.update(A, &[stored(0)]);
        table.update(B, &[stored(0)]);
        let holder = BlockHolder { executor: A, at: "a:1".to_owned() };
        let here = |table: &BlockTable, reader| table.locate(RDD, PartitionId(0), reader);
        let epoch = BlockEpoch::FIRST;
        assert_eq!(here(&table, B), Located { epoch, is_here: true, holders: vec![holder.clone()] });
        assert_eq!(here(&table, A), Located { epoch, is_here: true, holders: Vec::new() }, "B gives nothing");
        let other = ExecutorId(3);
        assert_eq!(here(&table, other), Located { epoch, is_here: false, holders: vec![holder] });
        table.not_given(&[BlockUpdate::NotAt(id(0), A)]);
        assert_eq!(here(&table, other), Located { epoch, is_here: false, holders: Vec::new() });
        assert!(is_held(&table, 0, B));
    }
}
