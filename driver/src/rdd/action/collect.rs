//! `collect`: each partition as a list.

use super::result::PartitionAction;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder};

#[derive(Clone)]
pub(super) struct Collect;

impl<T: Data> PartitionAction<T> for Collect {
    type Out = Vec<T>;

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) -> Vec<T> {
        items.collect()
    }

    fn encode(&self, _: &mut Encoder) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Collect)
    }
}
