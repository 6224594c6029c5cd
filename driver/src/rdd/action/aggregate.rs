//! `reduce`, `aggregate` and `fold`: records merged one after another, then the partitions in order.

use super::result::{self, PartitionAction};
use crate::{
    Error, Result,
    rdd::{Bound, Function, Rdd, Stateless, With},
    value::Captured,
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder};

/// Merges a partition's records; none when it has none.
#[derive(Clone)]
pub(super) struct Reduce<F>(pub(super) F);

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

/// `name` is the action's, for the error of an RDD without records.
pub(super) fn reduce<R, F>(rdd: &R, function: &F, name: &'static str) -> Result<R::Item>
where
    R: Rdd<Item: Data>,
    F: Function<(R::Item, R::Item), Out = R::Item>,
{
    let mut total = None;
    result::run(rdd, &Reduce(function.clone()), |part| total = merged(function, total.take(), part))?;
    total.ok_or(Error::Empty(name))
}

/// Two answers as one, of which either may be missing.
pub(super) fn merged<T, F>(function: &F, total: Option<T>, part: Option<T>) -> Option<T>
where
    F: Function<(T, T), Out = T>,
{
    match (total, part) {
        (Some(total), Some(part)) => Some(function.call((total, part))),
        (total, part) => total.or(part),
    }
}

/// Merges a partition's records into the zero.
#[derive(Clone)]
pub(super) struct Aggregate<U, S> {
    zero: Captured<U>,
    merge: S,
}

impl<T, U, S> PartitionAction<T> for Aggregate<U, S>
where
    T: Send + 'static,
    U: Data + Sync + Clone,
    S: Function<(U, T), Out = U>,
{
    /// Never nothing: so that the levels of a tree merge it as they merge what `reduce` leaves.
    type Out = Option<U>;

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) -> Option<U> {
        Some(items.fold(self.zero.get().clone(), |total, item| self.merge.call((total, item))))
    }

    fn encode(&self, to: &mut Encoder) {
        self.zero.encode(to);
        self.merge.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Aggregate { zero: Captured::decode(from)?, merge: S::decode(from)? })
    }
}

impl<U: Data + Sync + Clone, S> Aggregate<U, S> {
    pub(super) fn new(rdd: &impl Rdd, zero: U, merge: S) -> Self {
        Aggregate { zero: Captured::new(zero, rdd.context().values()), merge }
    }
}

pub(super) fn aggregate<R, U, S, C>(rdd: &R, zero: U, merge: S, combine: &C) -> Result<U>
where
    R: Rdd,
    U: Data + Sync + Clone,
    S: Function<(U, R::Item), Out = U>,
    C: Function<(U, U), Out = U>,
{
    let mut total = Some(zero.clone());
    let action = Aggregate::new(rdd, zero, merge);
    result::run(rdd, &action, |part| total = merged(combine, total.take(), part))?;
    total.ok_or(Error::Empty("aggregate"))
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`reduce`](super::Actions::reduce) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..10, 3).with(7).reduce(|modulus, a, b| (a + b) % modulus)?, 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn reduce<F>(self, function: F) -> Result<P::Item>
    where
        P::Item: Data,
        F: Fn(&E, P::Item, P::Item) -> P::Item + Stateless,
    {
        reduce(&self.parent, &Bound::new(self.value, function), "reduce")
    }

    /// [`fold`](super::Actions::fold) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..10, 3).with(7).fold(0, |modulus, a, b| (a + b) % modulus)?, 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn fold<F>(self, zero: P::Item, function: F) -> Result<P::Item>
    where
        P::Item: Data + Sync + Clone,
        F: Fn(&E, P::Item, P::Item) -> P::Item + Stateless,
    {
        let function = Bound::new(self.value, function);
        aggregate(&self.parent, zero, function.clone(), &function)
    }

    /// [`aggregate`](super::Actions::aggregate) with the value, which both functions get.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let far = ctx.range(0..10, 3).with(7).aggregate(0, |far, n, x| n + u32::from(x >= *far), |_, a, b| a + b)?;
    /// assert_eq!(far, 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn aggregate<U, S, C>(self, zero: U, merge: S, combine: C) -> Result<U>
    where
        U: Data + Sync + Clone,
        S: Fn(&E, U, P::Item) -> U + Stateless,
        C: Fn(&E, U, U) -> U + Stateless,
    {
        let merge = Bound::new(self.value.clone(), merge);
        aggregate(&self.parent, zero, merge, &Bound::new(self.value, combine))
    }
}
