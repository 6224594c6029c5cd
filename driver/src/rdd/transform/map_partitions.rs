//! `map_partitions`: what the function makes of each partition.

use super::{Marked, one_parent};
use crate::rdd::{Bound, Function, Items, Rdd, Stateless, With};
use rsk_executor::TaskContext;
use rsk_proto::{Data, PartitionId};

/// The node of `map_partitions`: what the function makes of each partition.
#[derive(Debug, Clone)]
pub struct MapPartitions<P, F> {
    parent: P,
    function: F,
}

impl<P, F> MapPartitions<P, F> {
    pub(crate) fn new(parent: P, function: F) -> Self {
        MapPartitions { parent, function }
    }
}

impl<P: Rdd, F> Rdd for MapPartitions<P, F>
where
    F: Function<(Items<P::Item>,), Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>>,
{
    type Item = <F::Out as IntoIterator>::Item;

    one_parent!();

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let function = self.function.clone();
        function.call((Box::new(self.parent.compute(partition, task)),)).into_iter()
    }
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`map_partitions`](super::Transform::map_partitions) with the value.
    pub fn map_partitions<Out, F>(self, function: F) -> MapPartitions<P, Bound<E, F>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        F: Fn(&E, Items<P::Item>) -> Out + Stateless,
    {
        MapPartitions::new(self.parent, Bound::new(self.value, function))
    }

    /// [`map_partitions_keeping_keys`](super::Transform::map_partitions_keeping_keys) with the value.
    pub fn map_partitions_keeping_keys<Out, F>(self, function: F) -> Marked<MapPartitions<P, Bound<E, F>>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        F: Fn(&E, Items<P::Item>) -> Out + Stateless,
    {
        let partitioning = self.parent.partitioning();
        Marked::spread(self.map_partitions(function), partitioning)
    }
}
