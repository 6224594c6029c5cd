//! `zip_partitions`: what the function makes of two partitions.

use super::two_parents;
use crate::rdd::{Bound, Function, Items, Rdd, Stateless, With};
use rsk_executor::TaskContext;
use rsk_proto::{Data, PartitionId};

/// The node of `zip_partitions`: what the function makes of two partitions.
#[derive(Debug, Clone)]
pub struct ZipPartitions<A, B, F> {
    left: A,
    right: B,
    function: F,
}

impl<A: Rdd, B: Rdd, F> ZipPartitions<A, B, F> {
    pub(crate) fn new(left: A, right: B, function: F) -> crate::Result<Self> {
        super::check_same_partitions("zip_partitions", &left, &right)?;
        Ok(ZipPartitions { left, right, function })
    }
}

impl<A: Rdd, B: Rdd, F> Rdd for ZipPartitions<A, B, F>
where
    F: Function<(Items<A::Item>, Items<B::Item>), Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>>,
{
    type Item = <F::Out as IntoIterator>::Item;

    two_parents!();

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let left: Items<A::Item> = Box::new(self.left.compute(partition, task));
        let right: Items<B::Item> = Box::new(self.right.compute(partition, task));
        self.function.clone().call((left, right)).into_iter()
    }

    fn encode(&self, partition: PartitionId, to: &mut rsk_proto::Encoder) {
        self.left.encode(partition, to);
        self.right.encode(partition, to);
        self.function.encode(to);
    }

    fn decode(from: &mut rsk_proto::Decoder<'_>) -> Result<Self, rsk_proto::CodecError> {
        Ok(ZipPartitions { left: A::decode(from)?, right: B::decode(from)?, function: F::decode(from)? })
    }
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`zip_partitions`](super::Transform::zip_partitions) with the value.
    pub fn zip_partitions<B, Out, F>(
        self,
        other: &B,
        function: F,
    ) -> crate::Result<ZipPartitions<P, B, Bound<E, F>>>
    where
        B: Rdd,
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        F: Fn(&E, Items<P::Item>, Items<B::Item>) -> Out + Stateless,
    {
        ZipPartitions::new(self.parent, other.clone(), Bound::new(self.value, function))
    }
}
