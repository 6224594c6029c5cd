//! A map that leaves keys as they are, and so where they are.

use crate::rdd::{Function, Partitioning, Rdd, transform::one_parent};
use rsk_executor::TaskContext;
use rsk_proto::PartitionId;

/// What a function makes of each record; its key stays the same.
#[derive(Debug, Clone)]
pub(super) struct Applied<P, F> {
    parent: P,
    function: F,
}

impl<P, F> Applied<P, F> {
    pub(super) fn new(parent: P, function: F) -> Self {
        Applied { parent, function }
    }
}

impl<P, K, V, W, F> Rdd for Applied<P, F>
where
    P: Rdd<Item = (K, V)>,
    K: Send + 'static,
    W: Send + 'static,
    F: Function<((K, V),), Out = (K, W)>,
{
    type Item = (K, W);

    one_parent!();

    fn partitioning(&self) -> Option<Partitioning> {
        self.parent.partitioning().map(Partitioning::with_values::<K, W>)
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = (K, W)> + 'static {
        let function = self.function.clone();
        self.parent.compute(partition, task).map(move |record| function.call((record,)))
    }
}
