//! `keys` and `values`: one half of each pair.

use super::facts::facts_of;
use crate::rdd::Rdd;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};

/// What `keys` gives: the key of each pair.
#[derive(Debug, Clone)]
pub struct Keys<P>(pub(crate) P);

/// What `values` gives: the value of each pair.
#[derive(Debug, Clone)]
pub struct Values<P>(pub(crate) P);

impl<P: Rdd<Item = (K, V)>, K: Send + 'static, V> Rdd for Keys<P> {
    type Item = K;

    facts_of!(0);

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = K> + 'static {
        self.0.compute(partition, task).map(|(key, _)| key)
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        P::decode(from).map(Keys)
    }
}

impl<P: Rdd<Item = (K, V)>, K, V: Send + 'static> Rdd for Values<P> {
    type Item = V;

    facts_of!(0);

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = V> + 'static {
        self.0.compute(partition, task).map(|(_, value)| value)
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        P::decode(from).map(Values)
    }
}
