//! `collect`: each partition as a list.

use super::result::PartitionAction;
use rsk_executor::{TaskContext, memory::list_of};
use rsk_proto::{CodecError, Data, Decoder, Encoder};

#[derive(Clone)]
pub(super) struct Collect;

impl<T: Data> PartitionAction<T> for Collect {
    type Out = Vec<T>;

    fn run(&self, items: impl Iterator<Item = T>, task: &TaskContext) -> Vec<T> {
        list_of(task, items)
    }

    fn encode(&self, _: &mut Encoder) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Collect)
    }
}
