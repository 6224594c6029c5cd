//! `glom`: each partition as one record.

use super::MapPartitions;
use crate::rdd::{Function, Items};
use rsk_executor::{TaskContext, memory::list_of};
use rsk_proto::{CodecError, Decoder, Encoder};
use std::iter::{self, Once};

/// The node of `glom`: each partition as one record.
pub type Glom<P> = MapPartitions<P, IntoVec>;

/// The function of `glom`: all items in a list.
#[derive(Debug, Clone, Copy)]
pub struct IntoVec;

impl<T> Function<(Items<T>,)> for IntoVec {
    type Out = Once<Vec<T>>;

    fn call(&self, (items,): (Items<T>,)) -> Once<Vec<T>> {
        iter::once(match TaskContext::current() {
            Some(task) => list_of(&task, items),
            None => items.collect(),
        })
    }

    fn encode(&self, _: &mut Encoder) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(IntoVec)
    }
}
