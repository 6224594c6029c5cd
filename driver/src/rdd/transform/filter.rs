//! `filter`: the records that the function approves.

use super::one_parent;
use crate::rdd::{Bound, Function, Partitioning, Rdd, Stateless, With};
use rsk_executor::TaskContext;
use rsk_proto::{Data, PartitionId};

/// The node of `filter`: the records that the function approves.
#[derive(Debug, Clone)]
pub struct Filter<P, F> {
    parent: P,
    function: F,
}

impl<P, F> Filter<P, F> {
    pub(crate) fn new(parent: P, function: F) -> Self {
        Filter { parent, function }
    }
}

impl<P: Rdd, F> Rdd for Filter<P, F>
where
    F: for<'a> Function<(&'a P::Item,), Out = bool>,
{
    type Item = P::Item;

    one_parent!();

    fn partitioning(&self) -> Option<Partitioning> {
        self.parent.partitioning()
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let function = self.function.clone();
        self.parent.compute(partition, task).filter(move |item| function.call((item,)))
    }
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`filter`](super::Transform::filter) with the value.
    pub fn filter<F>(self, function: F) -> Filter<P, Bound<E, F>>
    where
        F: Fn(&E, &P::Item) -> bool + Stateless,
    {
        Filter::new(self.parent, Bound::new(self.value, function))
    }
}
