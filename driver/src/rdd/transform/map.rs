//! `map`: one record for each record.

use super::one_parent;
use crate::rdd::{Bound, Function, Rdd, Stateless, With};
use rsk_executor::TaskContext;
use rsk_proto::{Data, PartitionId};

/// The node of `map`: one record for each record.
#[derive(Debug, Clone)]
pub struct Map<P, F> {
    parent: P,
    function: F,
}

impl<P, F> Map<P, F> {
    pub(crate) fn new(parent: P, function: F) -> Self {
        Map { parent, function }
    }
}

impl<P: Rdd, F> Rdd for Map<P, F>
where
    F: Function<(P::Item,), Out: Send + 'static>,
{
    type Item = F::Out;

    one_parent!();

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let function = self.function.clone();
        self.parent.compute(partition, task).map(move |item| function.call((item,)))
    }
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`map`](super::Transform::map) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..3, 2).with(5).map(|step, n| n * step).collect()?, [0, 5, 10]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn map<Out, F>(self, function: F) -> Map<P, Bound<E, F>>
    where
        Out: Send + 'static,
        F: Fn(&E, P::Item) -> Out + Stateless,
    {
        Map::new(self.parent, Bound::new(self.value, function))
    }
}
