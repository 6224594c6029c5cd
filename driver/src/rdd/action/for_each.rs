//! `for_each`: a function called for what it does.

use super::{Function, result::PartitionAction};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder};

#[derive(Clone)]
pub(super) struct ForEach<F>(pub(super) F);

impl<T: Send + 'static, F: Function<(T,), Out = ()>> PartitionAction<T> for ForEach<F> {
    type Out = ();

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) {
        items.for_each(|item| self.0.call((item,)));
    }

    fn encode(&self, to: &mut Encoder) {
        self.0.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        F::decode(from).map(ForEach)
    }
}
