//! `repartition`: records dealt out to new partitions one after another.

use crate::rdd::{
    Determinism, Partitioning, Rdd,
    draw::Draws,
    pair::facts::{facts_of, one_node},
    partitioner::Spread,
    shuffle::Shuffled,
    transform::as_parent,
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use serde::{Deserialize, Serialize};

const SEED: u64 = 0x64_6561_6c73;

/// What `repartition` gives.
pub struct Repartition<T: Data>(Shuffled<Place, T>);

one_node!(Repartition<T>);

impl<T: Data> Repartition<T> {
    pub(super) fn new<P: Rdd<Item = T>>(parent: &P, partitions: usize) -> Self {
        let dealt = Deal { parent: parent.clone(), partitions };
        Repartition(Shuffled::new(&dealt, ByPlace(partitions)))
    }
}

impl<T: Data> Rdd for Repartition<T> {
    type Item = T;

    facts_of!(0);

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        self.0.compute(partition, task).map(|(_, item)| item)
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Shuffled::decode(from).map(Repartition)
    }
}

/// Where a record was dealt to. It takes no byte of the shuffle: who reads the record knows.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Place {
    #[serde(skip)]
    partition: usize,
}

#[derive(Clone, PartialEq)]
struct ByPlace(usize);

impl Spread<Place> for ByPlace {
    fn partitions(&self) -> usize {
        self.0
    }

    #[inline]
    fn partition(&self, place: &Place) -> usize {
        place.partition
    }

    fn name(&self) -> &'static str {
        "of a repartition"
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.0);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        from.get().map(ByPlace)
    }

    fn partitioning(&self) -> Partitioning {
        Partitioning::by::<Place, _>(self)
    }
}

/// Deals records out, from a partition that differs from parent to parent: small parents do not all fill the first.
#[derive(Clone)]
struct Deal<P> {
    parent: P,
    partitions: usize,
}

impl<P: Rdd> Rdd for Deal<P> {
    type Item = (Place, P::Item);

    as_parent!();

    fn determinism(&self) -> Determinism {
        self.parent.determinism().by_order()
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let partitions = self.partitions;
        let start = Draws::of(SEED, partition).below(partitions as u64);
        let mut next = rsk_proto::to_usize(start);
        self.parent.compute(partition, task).map(move |item| {
            let place = Place { partition: next };
            next = if next + 1 < partitions { next + 1 } else { 0 };
            (place, item)
        })
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.parent.encode(partition, to);
        to.put(&self.partitions);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Deal { parent: P::decode(from)?, partitions: from.get()? })
    }
}
