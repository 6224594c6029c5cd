//! `zip_with_unique_id`: each record with a number that no other has, without counting first.

use super::as_parent;
use crate::rdd::{Determinism, Rdd};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};

/// The node of `zip_with_unique_id`: record i of partition k of n has the number i·n + k.
#[derive(Debug, Clone)]
pub struct ZipWithUniqueId<P> {
    parent: P,
    /// How many partitions there are.
    step: u64,
}

impl<P: Rdd> ZipWithUniqueId<P> {
    pub(crate) fn new(parent: P) -> Self {
        let step = parent.partitions() as u64;
        ZipWithUniqueId { parent, step }
    }
}

impl<P: Rdd> Rdd for ZipWithUniqueId<P> {
    type Item = (P::Item, u64);

    as_parent!();

    fn determinism(&self) -> Determinism {
        self.parent.determinism().by_order()
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let (mut next, step) = (u64::from(partition.0), self.step);
        self.parent.compute(partition, task).map(move |item| {
            let id = next;
            // A partition that gave 2^64 / n records would be the first to notice that this wraps.
            next = next.wrapping_add(step);
            (item, id)
        })
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        to.put(&self.step);
        self.parent.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(ZipWithUniqueId { step: from.get()?, parent: P::decode(from)? })
    }
}
