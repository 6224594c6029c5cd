//! `by_ref`: records of a persisted RDD as handles.

use super::{Persisted, Shared};
use crate::{
    Context,
    rdd::{Dependency, Determinism, Items, PreferredHosts, Rdd},
};
use rsk_executor::{TaskContext, block::SharedIter};
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};

/// The node of [`Persisted::by_ref`].
#[derive(Debug, Clone)]
pub struct ByRef<P>(Persisted<P>);

impl<P> ByRef<P> {
    pub(super) fn new(parent: Persisted<P>) -> Self {
        ByRef(parent)
    }
}

impl<P: Rdd<Item: Data + Sync + Clone>> Rdd for ByRef<P> {
    type Item = Shared<P::Item>;

    fn context(&self) -> &Context {
        self.0.context()
    }

    fn partitions(&self) -> usize {
        self.0.partitions()
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.0.dependencies(to);
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        self.0.preferred_hosts()
    }

    fn determinism(&self) -> Determinism {
        self.0.determinism()
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Shared<P::Item>> + 'static {
        match self.0.block(partition, task) {
            Ok(block) => Records::Block(block.into_shared()),
            Err(computed) => Records::Computed(computed),
        }
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Persisted::decode(from).map(ByRef)
    }
}

/// The handles of a partition.
#[expect(clippy::large_enum_variant, reason = "there is one a partition")]
enum Records<T> {
    Block(SharedIter<T>),
    Computed(Items<T>),
}

impl<T: Data + Sync> Iterator for Records<T> {
    type Item = Shared<T>;

    fn next(&mut self) -> Option<Shared<T>> {
        match self {
            Records::Block(block) => block.next(),
            Records::Computed(computed) => computed.next().map(Shared::from),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Records::Block(block) => block.size_hint(),
            Records::Computed(computed) => computed.size_hint(),
        }
    }
}
