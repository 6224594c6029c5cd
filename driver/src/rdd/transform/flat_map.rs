//! `flat_map`: any number of records for each record.

use super::one_parent;
use crate::rdd::{Bound, Function, Rdd, Stateless, With};
use rsk_executor::TaskContext;
use rsk_proto::{Data, PartitionId};

/// The node of `flat_map`: any number of records for each record.
#[derive(Debug, Clone)]
pub struct FlatMap<P, F> {
    parent: P,
    function: F,
}

impl<P, F> FlatMap<P, F> {
    pub(crate) fn new(parent: P, function: F) -> Self {
        FlatMap { parent, function }
    }
}

impl<P: Rdd, F> Rdd for FlatMap<P, F>
where
    F: Function<(P::Item,), Out: IntoIterator<IntoIter: 'static, Item: Send + 'static> + 'static>,
{
    type Item = <F::Out as IntoIterator>::Item;

    one_parent!();

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let function = self.function.clone();
        self.parent.compute(partition, task).flat_map(move |item| function.call((item,)))
    }
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`flat_map`](super::Transform::flat_map) with the value.
    pub fn flat_map<Out, F>(self, function: F) -> FlatMap<P, Bound<E, F>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static> + 'static,
        F: Fn(&E, P::Item) -> Out + Stateless,
    {
        FlatMap::new(self.parent, Bound::new(self.value, function))
    }
}
