//! `map_values` and `flat_map_values`: other values at the same keys, which stay where they are.

use crate::rdd::{Bound, Function, Partitioning, Rdd, Stateless, With, transform::one_parent};
use rsk_executor::TaskContext;
use rsk_proto::{Data, PartitionId};

/// The node of `map_values`: one value for each value.
#[derive(Debug, Clone)]
pub struct MapValues<P, F> {
    parent: P,
    function: F,
}

impl<P, F> MapValues<P, F> {
    pub(crate) fn new(parent: P, function: F) -> Self {
        MapValues { parent, function }
    }
}

impl<P: Rdd<Item = (K, V)>, K, V, F> Rdd for MapValues<P, F>
where
    K: Send + 'static,
    F: Function<(V,), Out: Send + 'static>,
{
    type Item = (K, F::Out);

    one_parent!();

    fn partitioning(&self) -> Option<Partitioning> {
        self.parent.partitioning().map(Partitioning::with_values::<K, F::Out>)
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let function = self.function.clone();
        self.parent.compute(partition, task).map(move |(key, value)| (key, function.call((value,))))
    }
}

/// The node of `flat_map_values`: any number of values for each value.
#[derive(Debug, Clone)]
pub struct FlatMapValues<P, F> {
    parent: P,
    function: F,
}

impl<P, F> FlatMapValues<P, F> {
    pub(crate) fn new(parent: P, function: F) -> Self {
        FlatMapValues { parent, function }
    }
}

impl<P: Rdd<Item = (K, V)>, K, V, W, F> Rdd for FlatMapValues<P, F>
where
    K: Clone + Send + 'static,
    W: Send + 'static,
    F: Function<(V,), Out: IntoIterator<Item = W, IntoIter: 'static>>,
{
    type Item = (K, W);

    one_parent!();

    fn partitioning(&self) -> Option<Partitioning> {
        self.parent.partitioning().map(Partitioning::with_values::<K, W>)
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let function = self.function.clone();
        self.parent
            .compute(partition, task)
            .flat_map(move |(key, value)| function.call((value,)).into_iter().map(move |w| (key.clone(), w)))
    }
}

impl<P: Rdd<Item = (K, V)>, K: Send + 'static, V, E: Data + Sync> With<P, E> {
    /// [`map_values`](super::PairRdd::map_values) with the value.
    pub fn map_values<W, F>(self, function: F) -> MapValues<P, Bound<E, F>>
    where
        W: Send + 'static,
        F: Fn(&E, V) -> W + Stateless,
    {
        MapValues::new(self.parent, Bound::new(self.value, function))
    }

    /// [`flat_map_values`](super::PairRdd::flat_map_values) with the value.
    pub fn flat_map_values<Out, F>(self, function: F) -> FlatMapValues<P, Bound<E, F>>
    where
        K: Clone,
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        F: Fn(&E, V) -> Out + Stateless,
    {
        FlatMapValues::new(self.parent, Bound::new(self.value, function))
    }
}
