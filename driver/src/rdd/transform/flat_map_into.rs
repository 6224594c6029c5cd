//! `flat_map_into`: any number of records for each record, where they are made from borrows of it.

use super::one_parent;
use crate::rdd::{Bound, Function, Rdd, Stateless, With};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, PartitionId};
use std::marker::PhantomData;

/// Where the closure of `flat_map_into` puts what it makes of one record.
///
/// Cost: one buffer a task, used again for each record.
#[derive(Debug)]
pub struct Out<T>(Vec<T>);

impl<T> Out<T> {
    /// Adds a record.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let odd_twice = ctx.range(0..4, 1).flat_map_into(|n, out| {
    ///     out.push(n);
    ///     if n % 2 == 1 {
    ///         out.push(n);
    ///     }
    /// });
    /// assert_eq!(odd_twice.collect()?, [0, 1, 1, 2, 3, 3]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    #[inline]
    pub fn push(&mut self, item: T) {
        self.0.push(item);
    }
}

impl<T> Extend<T> for Out<T> {
    #[inline]
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.0.extend(items);
    }
}

/// The node of `flat_map_into`: any number of records for each record.
pub struct FlatMapInto<P, F, T> {
    parent: P,
    function: F,
    of: PhantomData<fn() -> T>,
}

impl<P, F, T> FlatMapInto<P, F, T> {
    pub(crate) fn new(parent: P, function: F) -> Self {
        FlatMapInto { parent, function, of: PhantomData }
    }
}

impl<P: Clone, F: Clone, T> Clone for FlatMapInto<P, F, T> {
    fn clone(&self) -> Self {
        FlatMapInto::new(self.parent.clone(), self.function.clone())
    }
}

impl<P: std::fmt::Debug, F: std::fmt::Debug, T> std::fmt::Debug for FlatMapInto<P, F, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlatMapInto").field("parent", &self.parent).field("function", &self.function).finish()
    }
}

impl<P: Rdd, F, T: Send + 'static> Rdd for FlatMapInto<P, F, T>
where
    F: for<'a> Function<(P::Item, &'a mut Out<T>), Out = ()>,
{
    type Item = T;

    one_parent!(but decode);

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(FlatMapInto::new(P::decode(from)?, F::decode(from)?))
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        let items = self.parent.compute(partition, task);
        Poured { items, function: self.function.clone(), out: Out(Vec::new()) }
    }
}

/// What the function makes of each of `items`. Between two calls of `next`, `out` holds the rest in reverse.
struct Poured<I, F, T> {
    items: I,
    function: F,
    out: Out<T>,
}

impl<I: Iterator, F, T> Iterator for Poured<I, F, T>
where
    F: for<'a> Function<(I::Item, &'a mut Out<T>), Out = ()>,
{
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(item) = self.out.0.pop() {
                return Some(item);
            }
            self.function.call((self.items.next()?, &mut self.out));
            self.out.0.reverse();
        }
    }

    fn fold<S, G>(self, start: S, mut merge: G) -> S
    where
        G: FnMut(S, T) -> S,
    {
        let Poured { items, function, mut out } = self;
        let begun = out.0.drain(..).rev().fold(start, &mut merge);
        items.fold(begun, |sum, item| {
            function.call((item, &mut out));
            out.0.drain(..).fold(sum, &mut merge)
        })
    }
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`flat_map_into`](super::Transform::flat_map_into) with the value: records may be made from borrows of it, too.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let likes = vec![vec!["tea".to_owned(), "rain".to_owned()], vec![]];
    /// let all = ctx.range(0..2, 1).with(likes).flat_map_into(|likes, person, out| {
    ///     out.extend(likes[person as usize].iter().map(|what| (person, what.len())))
    /// });
    /// assert_eq!(all.collect()?, [(0, 3), (0, 4)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn flat_map_into<T, F>(self, function: F) -> FlatMapInto<P, Bound<E, F>, T>
    where
        T: Send + 'static,
        F: Fn(&E, P::Item, &mut Out<T>) + Stateless,
    {
        FlatMapInto::new(self.parent, Bound::new(self.value, function))
    }
}

#[cfg(test)]
mod tests {
    use super::{Out, Poured};
    use crate::rdd::Pure;

    proptest::proptest! {
        #[test]
        fn next_and_fold_agree_wherever_one_hands_over_to_the_other(lengths in proptest::collection::vec(0u8..4, 0..9), nexts in 0usize..12) {
            let expected: Vec<_> = lengths.iter().flat_map(|n| (0..*n).map(move |i| (*n, i))).collect();
            let function = Pure::new(|n: u8, out: &mut Out<(u8, u8)>| out.extend((0..n).map(|i| (n, i))));
            let mut poured = Poured { items: lengths.clone().into_iter(), function, out: Out(Vec::new()) };
            let mut got: Vec<_> = poured.by_ref().take(nexts).collect();
            poured.for_each(|item| got.push(item));
            proptest::prop_assert_eq!(got, expected);
        }
    }
}
