//! `subtract_by_key`: pairs whose keys another RDD does not have.

use super::{
    cogroup::Groups,
    facts::{facts_of, one_node},
};
use crate::rdd::{Partitioning, Rdd};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use std::hash::Hash;

/// What `subtract_by_key` gives.
pub struct SubtractByKey<K: Data, V: Data>(pub(crate) Groups<K, V, ()>);

one_node!(SubtractByKey<K, V>);

impl<K: Data + Hash + Eq + Clone, V: Data> Rdd for SubtractByKey<K, V> {
    type Item = (K, V);

    facts_of!(0);

    fn partitioning(&self) -> Option<Partitioning> {
        self.0.partitioning().map(Partitioning::with_values::<K, V>)
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = (K, V)> + 'static {
        let kept = self.0.compute(partition, task).filter(|(_, (_, other))| other.is_empty());
        kept.flat_map(|(key, (values, _))| values.into_iter().map(move |value| (key.clone(), value)))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Groups::decode(from).map(SubtractByKey)
    }
}
