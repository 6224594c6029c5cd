//! RDDs as sets of records: `distinct`, `intersection` and `subtract` are operators by key, the key being the record.

use crate::rdd::{
    Partitioning, Rdd,
    pair::{
        CombineByKey, First, Groups,
        facts::{facts_of, one_node},
    },
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use std::hash::Hash;

/// Each record as a key, with nothing for a value; pairs spread by their keys are spread as whole pairs too.
#[derive(Debug, Clone)]
pub(super) struct Units<P>(pub(super) P);

impl<P: Rdd> Rdd for Units<P> {
    type Item = (P::Item, ());

    facts_of!(0);

    fn partitioning(&self) -> Option<Partitioning> {
        self.0.partitioning()?.of_records::<P::Item>()
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        self.0.compute(partition, task).map(|item| (item, ()))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        P::decode(from).map(Units)
    }
}

/// What `distinct` gives.
pub struct Distinct<T: Data>(pub(super) CombineByKey<T, (), First>);

one_node!(Distinct<T>);

impl<T: Data + Hash + Eq> Rdd for Distinct<T> {
    type Item = T;

    facts_of!(0);

    fn partitioning(&self) -> Option<Partitioning> {
        self.0.partitioning()?.of_keys::<T>()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        self.0.compute(partition, task).map(|(item, ())| item)
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        CombineByKey::decode(from).map(Distinct)
    }
}

/// What `intersection` gives.
pub struct Intersection<T: Data>(pub(super) Groups<T, (), ()>);

one_node!(Intersection<T>);

impl<T: Data + Hash + Eq> Rdd for Intersection<T> {
    type Item = T;

    facts_of!(0);

    fn partitioning(&self) -> Option<Partitioning> {
        self.0.partitioning()?.of_keys::<T>()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        self.0
            .compute(partition, task)
            .filter_map(|(item, (left, right))| (!left.is_empty() && !right.is_empty()).then_some(item))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Groups::decode(from).map(Intersection)
    }
}

/// What `subtract` gives.
pub struct Subtract<T: Data>(pub(super) Groups<T, (), ()>);

one_node!(Subtract<T>);

impl<T: Data + Hash + Eq + Clone> Rdd for Subtract<T> {
    type Item = T;

    facts_of!(0);

    fn partitioning(&self) -> Option<Partitioning> {
        self.0.partitioning()?.of_keys::<T>()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        let kept = self.0.compute(partition, task).filter(|(_, (_, other))| other.is_empty());
        kept.flat_map(|(item, (copies, _))| std::iter::repeat_n(item, copies.len()))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Groups::decode(from).map(Subtract)
    }
}
