//! Values of one key merged: early on the map side, wholly on the reduce side.

use crate::rdd::{
    Function, Partitioner, Partitioning, Rdd, partitioner::By, shuffle::Shuffled, transform::one_parent,
};
use rsk_executor::{
    TaskContext,
    shuffle::{combine, combine_early},
};
use rsk_proto::{Data, PartitionId};
use std::hash::Hash;

/// What `reduce_by_key` gives.
pub type Reduced<K, V, F> = CombineValues<Shuffled<K, V>, F>;

/// The map side: merges what fits in memory, so that less is shuffled.
#[derive(Debug, Clone)]
pub struct CombineEarly<P, F> {
    parent: P,
    function: F,
}

/// The reduce side: one record a key.
#[derive(Debug, Clone)]
pub struct CombineValues<P, F> {
    parent: P,
    function: F,
}

pub(super) fn reduce_by_key<P, K, V, F, Q>(parent: &P, function: &F, partitioner: Q) -> Reduced<K, V, F>
where
    P: Rdd<Item = (K, V)>,
    K: Data + Hash + Eq,
    V: Data,
    F: Function<(V, V), Out = V>,
    Q: Partitioner<K>,
{
    let early = CombineEarly { parent: parent.clone(), function: function.clone() };
    CombineValues { parent: Shuffled::new(&early, By(partitioner)), function: function.clone() }
}

impl<P, K, V, F> Rdd for CombineEarly<P, F>
where
    P: Rdd<Item = (K, V)>,
    K: Data + Hash + Eq,
    V: Data,
    F: Function<(V, V), Out = V>,
{
    type Item = (K, V);

    one_parent!();

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = (K, V)> + 'static {
        let function = self.function.clone();
        combine_early(
            task,
            self.parent.compute(partition, task),
            |value| value,
            move |a, b| function.call((a, b)),
        )
    }
}

impl<P, K, V, F> Rdd for CombineValues<P, F>
where
    P: Rdd<Item = (K, V)>,
    K: Data + Hash + Eq,
    V: Data,
    F: Function<(V, V), Out = V>,
{
    type Item = (K, V);

    one_parent!();

    fn partitioning(&self) -> Option<Partitioning> {
        self.parent.partitioning()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = (K, V)> + 'static {
        let function = self.function.clone();
        let again = self.function.clone();
        let records = self.parent.compute(partition, task);
        combine(
            task,
            records,
            |value| value,
            move |a, b| function.call((a, b)),
            move |a, b| again.call((a, b)),
        )
    }
}
