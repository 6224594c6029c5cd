//! `count`: how many records a partition has.

use super::result::PartitionAction;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder};

#[derive(Clone)]
pub(crate) struct Count;

impl<T: Send + 'static> PartitionAction<T> for Count {
    type Out = u64;

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) -> u64 {
        items.fold(0, |count, _| count + 1)
    }

    fn encode(&self, _: &mut Encoder) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Count)
    }
}
