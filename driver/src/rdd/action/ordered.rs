//! `take_ordered` and `top`: the least and the greatest records, in order.

use super::{
    least::Least,
    result::{self, PartitionAction},
};
use crate::{
    Result,
    rdd::{Bound, Function, Rdd, Stateless, With},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder};
use std::cmp::Ordering;

/// Which end of the order comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum End {
    Least,
    Greatest,
}

/// The first records of a partition by an order.
#[derive(Clone)]
struct First<F> {
    n: usize,
    end: End,
    compare: F,
}

impl<F> First<F> {
    fn compare<T>(&self, a: &T, b: &T) -> Ordering
    where
        F: for<'a> Function<(&'a T, &'a T), Out = Ordering>,
    {
        let order = self.compare.call((a, b));
        if self.end == End::Least { order } else { order.reverse() }
    }
}

impl<T, F> PartitionAction<T> for First<F>
where
    T: Data,
    F: for<'a> Function<(&'a T, &'a T), Out = Ordering>,
{
    type Out = Vec<T>;

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) -> Vec<T> {
        let mut least = Least::new(self.n, |a, b| self.compare(a, b));
        items.for_each(|item| least.push(item));
        least.finish()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&(self.n, self.end));
        self.compare.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let (n, end) = from.get()?;
        Ok(First { n, end, compare: F::decode(from)? })
    }
}

pub(super) fn first_by<R, F>(rdd: &R, n: usize, end: End, compare: F) -> Result<Vec<R::Item>>
where
    R: Rdd<Item: Data>,
    F: for<'a> Function<(&'a R::Item, &'a R::Item), Out = Ordering>,
{
    if n == 0 {
        return Ok(Vec::new());
    }
    let action = First { n, end, compare };
    let mut least = Least::new(n, |a, b| action.compare(a, b));
    result::run(rdd, &action, |part: Vec<R::Item>| part.into_iter().for_each(|item| least.push(item)))?;
    Ok(least.finish())
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`take_ordered_by`](super::Actions::take_ordered_by) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let nearest = ctx.range(0..10, 3).with(4u64).take_ordered_by(3, |to, a, b| a.abs_diff(*to).cmp(&b.abs_diff(*to)))?;
    /// assert_eq!(nearest, [4, 3, 5]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn take_ordered_by<F>(self, n: usize, compare: F) -> Result<Vec<P::Item>>
    where
        P::Item: Data,
        F: Fn(&E, &P::Item, &P::Item) -> Ordering + Stateless,
    {
        first_by(&self.parent, n, End::Least, Bound::new(self.value, compare))
    }

    /// [`top_by`](super::Actions::top_by) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let farthest = ctx.range(0..10, 3).with(4u64).top_by(2, |from, a, b| a.abs_diff(*from).cmp(&b.abs_diff(*from)))?;
    /// assert_eq!(farthest, [9, 0]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn top_by<F>(self, n: usize, compare: F) -> Result<Vec<P::Item>>
    where
        P::Item: Data,
        F: Fn(&E, &P::Item, &P::Item) -> Ordering + Stateless,
    {
        first_by(&self.parent, n, End::Greatest, Bound::new(self.value, compare))
    }
}
