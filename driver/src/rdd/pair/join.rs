//! Joins: for each key the pairs of its values in two RDDs, made one by one.

use super::{
    cogroup::{Few, Groups},
    facts::facts_of,
};
use crate::rdd::{Partitioning, Rdd};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use std::{fmt, hash::Hash, marker::PhantomData};

/// Which keys a join keeps, and what it makes of two values.
pub trait Shape<V, W>: Send + Sync + 'static {
    /// What stands for the two values.
    type Out: Send + 'static;
    /// Is a key kept that has, or has not, values on the left and on the right?
    fn keeps(left: bool, right: bool) -> bool;
    /// Two values; one may be missing where `keeps` allows it, and nothing comes of it where it does not.
    fn pair(left: Option<V>, right: Option<W>) -> Option<Self::Out>;
}

/// `join`: keys of both.
#[derive(Debug)]
pub enum Inner {}
/// `left_outer_join`: all keys of the left.
#[derive(Debug)]
pub enum LeftOuter {}
/// `right_outer_join`: all keys of the right.
#[derive(Debug)]
pub enum RightOuter {}
/// `full_outer_join`: all keys.
#[derive(Debug)]
pub enum FullOuter {}

impl<V: Send + 'static, W: Send + 'static> Shape<V, W> for Inner {
    type Out = (V, W);

    fn keeps(left: bool, right: bool) -> bool {
        left && right
    }

    fn pair(left: Option<V>, right: Option<W>) -> Option<(V, W)> {
        Some((left?, right?))
    }
}

impl<V: Send + 'static, W: Send + 'static> Shape<V, W> for LeftOuter {
    type Out = (V, Option<W>);

    fn keeps(left: bool, _: bool) -> bool {
        left
    }

    fn pair(left: Option<V>, right: Option<W>) -> Option<(V, Option<W>)> {
        Some((left?, right))
    }
}

impl<V: Send + 'static, W: Send + 'static> Shape<V, W> for RightOuter {
    type Out = (Option<V>, W);

    fn keeps(_: bool, right: bool) -> bool {
        right
    }

    fn pair(left: Option<V>, right: Option<W>) -> Option<(Option<V>, W)> {
        Some((left, right?))
    }
}

impl<V: Send + 'static, W: Send + 'static> Shape<V, W> for FullOuter {
    type Out = (Option<V>, Option<W>);

    fn keeps(_: bool, _: bool) -> bool {
        true
    }

    fn pair(left: Option<V>, right: Option<W>) -> Option<(Option<V>, Option<W>)> {
        Some((left, right))
    }
}

/// What the joins give: keys in the order of the combine, for each the left values in order, for each the right ones.
pub struct Join<K: Data, V: Data, W: Data, S> {
    groups: Groups<K, V, W>,
    shape: PhantomData<fn() -> S>,
}

impl<K: Data, V: Data, W: Data, S> Join<K, V, W, S> {
    pub(crate) fn new(groups: Groups<K, V, W>) -> Self {
        Join { groups, shape: PhantomData }
    }
}

impl<K: Data, V: Data, W: Data, S> Clone for Join<K, V, W, S> {
    fn clone(&self) -> Self {
        Join::new(self.groups.clone())
    }
}

impl<K: Data, V: Data, W: Data, S> fmt::Debug for Join<K, V, W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Join").field(&self.groups).finish()
    }
}

impl<K, V, W, S> Rdd for Join<K, V, W, S>
where
    K: Data + Hash + Eq + Clone,
    V: Data + Clone,
    W: Data + Clone,
    S: Shape<V, W>,
{
    type Item = (K, S::Out);

    facts_of!(groups);

    fn partitioning(&self) -> Option<Partitioning> {
        self.groups.partitioning().map(Partitioning::with_values::<K, S::Out>)
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        self.groups
            .compute(partition, task)
            .filter(|(_, (left, right))| S::keeps(!left.is_empty(), !right.is_empty()))
            .flat_map(|(key, (left, right))| Product::new(key, left, right))
            .filter_map(|(key, left, right)| S::pair(left, right).map(|pair| (key, pair)))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.groups.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Groups::decode(from).map(Join::new)
    }
}

/// Each left value with each right one; with nothing where the other side has none. The last use of anything moves it,
/// so that one value on each side costs no clone.
struct Product<K, V, W> {
    /// Gone when all is done.
    key: Option<K>,
    left: Option<V>,
    lefts: smallvec::IntoIter<[V; 1]>,
    rights: Few<W>,
    at: usize,
    /// The right values of the last row.
    last: Option<smallvec::IntoIter<[W; 1]>>,
}

impl<K, V, W> Product<K, V, W> {
    fn new(key: K, lefts: Few<V>, rights: Few<W>) -> Self {
        let mut lefts = lefts.into_iter();
        Product { key: Some(key), left: lefts.next(), lefts, rights, at: 0, last: None }
    }
}

impl<K: Clone, V: Clone, W: Clone> Iterator for Product<K, V, W> {
    type Item = (K, Option<V>, Option<W>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let key = self.key.as_ref()?;
        if self.lefts.len() == 0 {
            let last = self.last.get_or_insert_with(|| std::mem::take(&mut self.rights).into_iter());
            let right = last.next();
            if last.len() == 0 {
                return Some((self.key.take()?, self.left.take(), right));
            }
            return Some((key.clone(), self.left.clone(), right));
        }
        let key = key.clone();
        let right = self.rights.get(self.at).cloned();
        self.at += 1;
        let left = if self.at < self.rights.len() {
            self.left.clone()
        } else {
            self.at = 0;
            std::mem::replace(&mut self.left, self.lefts.next())
        };
        Some((key, left, right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_all_small_sizes() {
        for (lefts, rights) in [(0, 1), (1, 0), (1, 1), (3, 0), (0, 3), (1, 3), (3, 1), (2, 3), (3, 3)] {
            let product: Vec<_> =
                Product::new('k', (0..lefts).collect(), (10..10 + rights).collect()).collect();
            let or_none = |values: std::ops::Range<i32>| {
                if values.is_empty() { vec![None] } else { values.map(Some).collect::<Vec<_>>() }
            };
            let right = or_none(10..10 + rights);
            let expected: Vec<_> = or_none(0..lefts)
                .into_iter()
                .flat_map(|left| right.iter().map(move |right| ('k', left, *right)))
                .collect();
            assert_eq!(product, expected, "{lefts} × {rights}");
        }
    }
}
