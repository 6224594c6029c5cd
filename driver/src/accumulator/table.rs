//! The accumulators that a handle of the driver still reads, and how far the stages are that add to them.

use parking_lot::Mutex;
use rsk_proto::{AccumulatorId, AccumulatorUpdate, PartitionId, StageId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Weak},
};

/// Which of a stage's sums may be merged, so that they merge in partition order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    /// Those of partitions below this: all of them are there.
    Below(PartitionId),
    /// All that are there: no more are awaited.
    All,
    /// All, and nobody needs the stage any more.
    Ended,
}

impl Default for Ready {
    fn default() -> Self {
        Ready::Below(PartitionId(0))
    }
}

/// The driver's side of one accumulator, whatever its type.
pub(crate) trait AnySum: Send + Sync {
    /// Lays down what one attempt added up, encoded. Runs no code of the user.
    fn put(&self, stage: StageId, partition: PartitionId, update: &[u8], ready: Ready);
    /// Says what may be merged. Runs no code of the user.
    fn set_ready(&self, stage: StageId, ready: Ready);
    /// Merges what may be merged.
    fn fold(&self);
}

/// All accumulators of a context.
#[derive(Default)]
pub(crate) struct AccumulatorTable(Mutex<Table>);

#[derive(Default)]
struct Table {
    sums: BTreeMap<AccumulatorId, Weak<dyn AnySum>>,
    stages: BTreeMap<StageId, Progress>,
}

#[derive(Default)]
struct Progress {
    /// Partitions that are still to come.
    awaited: BTreeSet<PartitionId>,
    touched: BTreeSet<AccumulatorId>,
}

impl AccumulatorTable {
    pub(crate) fn insert(&self, id: AccumulatorId, sum: &Arc<impl AnySum + 'static>) {
        let sum: Weak<dyn AnySum> = Arc::downgrade(&(Arc::clone(sum) as Arc<dyn AnySum>));
        self.0.lock().sums.insert(id, sum);
    }

    pub(crate) fn remove(&self, id: AccumulatorId) {
        self.0.lock().sums.remove(&id);
    }

    /// These partitions of a stage will be computed. Tasks cannot know accumulators that do not exist yet.
    pub(crate) fn begun(&self, stage: StageId, partitions: &BTreeSet<PartitionId>) {
        let mut table = self.0.lock();
        if !table.sums.is_empty() {
            table.stages.entry(stage).or_default().awaited.extend(partitions);
        }
    }

    /// One attempt was accepted. Answers the sums that have something to merge, for [`AnySum::fold`] outside of all
    /// locks.
    pub(crate) fn accepted(
        &self,
        stage: StageId,
        partition: PartitionId,
        updates: &[AccumulatorUpdate],
    ) -> Vec<Arc<dyn AnySum>> {
        let mut table = self.0.lock();
        let Table { sums, stages } = &mut *table;
        let Some(progress) = stages.get_mut(&stage) else { return Vec::new() };
        progress.awaited.remove(&partition);
        let ready = progress.awaited.first().map_or(Ready::All, |next| Ready::Below(*next));
        // A sum that was held by nobody else is dropped by the caller, not under the lock that its drop takes.
        let mut reached = Vec::new();
        for update in updates {
            if let Some(sum) = sums.get(&update.id).and_then(Weak::upgrade) {
                sum.put(stage, partition, &update.value, ready);
                progress.touched.insert(update.id);
                reached.push(sum);
            }
        }
        reached.extend(touched(sums, progress, stage, ready));
        reached
    }

    /// No job needs the stage any more.
    pub(crate) fn ended(&self, stage: StageId) -> Vec<Arc<dyn AnySum>> {
        let mut table = self.0.lock();
        let Some(progress) = table.stages.remove(&stage) else { return Vec::new() };
        touched(&table.sums, &progress, stage, Ready::Ended)
    }
}

fn touched(
    sums: &BTreeMap<AccumulatorId, Weak<dyn AnySum>>,
    progress: &Progress,
    stage: StageId,
    ready: Ready,
) -> Vec<Arc<dyn AnySum>> {
    let sums = progress.touched.iter().filter_map(|id| sums.get(id).and_then(Weak::upgrade));
    sums.inspect(|sum| sum.set_ready(stage, ready)).collect()
}

impl std::fmt::Debug for AccumulatorTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AccumulatorTable").field(&self.0.lock().sums.len()).finish()
    }
}
