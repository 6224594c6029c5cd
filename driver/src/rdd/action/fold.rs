//! `fold` and `reduce`: records merged two by two, partitions in order.

use super::{
    Function,
    result::{self, PartitionAction},
};
use crate::{Error, Result, rdd::Rdd, value::Captured};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder};

/// Merges a partition's records; none when it has none.
#[derive(Clone)]
pub(super) struct Reduce<F>(F);

impl<T: Data, F: Function<(T, T), Out = T>> PartitionAction<T> for Reduce<F> {
    type Out = Option<T>;

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) -> Option<T> {
        items.reduce(|a, b| self.0.call((a, b)))
    }

    fn encode(&self, to: &mut Encoder) {
        self.0.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        F::decode(from).map(Reduce)
    }
}

pub(super) fn reduce<R, F>(rdd: &R, function: &F) -> Result<R::Item>
where
    R: Rdd<Item: Data>,
    F: Function<(R::Item, R::Item), Out = R::Item>,
{
    let mut total = None;
    result::run(rdd, &Reduce(function.clone()), |part: Option<R::Item>| {
        total = match (total.take(), part) {
            (Some(total), Some(part)) => Some(function.call((total, part))),
            (total, part) => total.or(part),
        };
    })?;
    total.ok_or(Error::Empty("reduce"))
}

/// Merges a partition's records into the zero.
#[derive(Clone)]
pub(super) struct Fold<T, F> {
    zero: Captured<T>,
    function: F,
}

impl<T: Data + Sync + Clone, F: Function<(T, T), Out = T>> PartitionAction<T> for Fold<T, F> {
    type Out = T;

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) -> T {
        items.fold(self.zero.get().clone(), |a, b| self.function.call((a, b)))
    }

    fn encode(&self, to: &mut Encoder) {
        self.zero.encode(to);
        self.function.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Fold { zero: Captured::decode(from)?, function: F::decode(from)? })
    }
}

pub(super) fn fold<R, F>(rdd: &R, zero: R::Item, function: &F) -> Result<R::Item>
where
    R: Rdd<Item: Data + Sync + Clone>,
    F: Function<(R::Item, R::Item), Out = R::Item>,
{
    let mut total = Some(zero.clone());
    let action = Fold { zero: Captured::new(zero, rdd.context().values()), function: function.clone() };
    result::run(rdd, &action, |part: R::Item| {
        total = total.take().map(|total| function.call((total, part)));
    })?;
    total.ok_or(Error::Empty("fold"))
}
