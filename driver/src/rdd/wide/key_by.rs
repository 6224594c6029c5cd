//! Records beside the keys that a function gives them, on their way into a shuffle.

use crate::rdd::{Function, Rdd, transform::one_parent};
use rsk_executor::TaskContext;
use rsk_proto::PartitionId;

#[derive(Debug, Clone)]
pub(super) struct KeyBy<P, F> {
    parent: P,
    function: F,
}

impl<P, F> KeyBy<P, F> {
    pub(super) fn new(parent: P, function: F) -> Self {
        KeyBy { parent, function }
    }
}

impl<P: Rdd, K, F> Rdd for KeyBy<P, F>
where
    K: Send + 'static,
    F: for<'a> Function<(&'a P::Item,), Out = K>,
{
    type Item = (K, P::Item);

    one_parent!();

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let function = self.function.clone();
        self.parent.compute(partition, task).map(move |item| (function.call((&item,)), item))
    }
}
