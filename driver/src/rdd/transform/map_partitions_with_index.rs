//! `map_partitions_with_index`: what the function makes of each partition and its number.

use super::one_parent;
use crate::rdd::{Bound, Function, Items, Rdd, Stateless, With};
use rsk_executor::TaskContext;
use rsk_proto::{Data, PartitionId};

/// The node of `map_partitions_with_index`: what the function makes of each partition and its number.
#[derive(Debug, Clone)]
pub struct MapPartitionsWithIndex<P, F> {
    parent: P,
    function: F,
}

impl<P, F> MapPartitionsWithIndex<P, F> {
    pub(crate) fn new(parent: P, function: F) -> Self {
        MapPartitionsWithIndex { parent, function }
    }
}

impl<P: Rdd, F> Rdd for MapPartitionsWithIndex<P, F>
where
    F: Function<(usize, Items<P::Item>), Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>>,
{
    type Item = <F::Out as IntoIterator>::Item;

    one_parent!();

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let items: Items<P::Item> = Box::new(self.parent.compute(partition, task));
        self.function.clone().call((partition.index(), items)).into_iter()
    }
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`map_partitions_with_index`](super::Transform::map_partitions_with_index) with the value.
    pub fn map_partitions_with_index<Out, F>(self, function: F) -> MapPartitionsWithIndex<P, Bound<E, F>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        F: Fn(&E, usize, Items<P::Item>) -> Out + Stateless,
    {
        MapPartitionsWithIndex::new(self.parent, Bound::new(self.value, function))
    }
}
