//! `tree_reduce` and `tree_aggregate`: answers of partitions merged by executors, level by level, before the driver gets
//! the last few.

use super::{
    aggregate::{Aggregate, Reduce, merged},
    result::{self, PartitionAction},
};
use crate::{
    Error, Result,
    rdd::{
        Bound, BoxedRdd, Determinism, Function, Partitioner, Rdd, Stateless, With, partitioner::By,
        shuffle::Shuffled, transform::as_parent,
    },
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use serde::{Deserialize, Serialize};

/// What an action leaves of each partition of its parent, under the number of the group that merges it next.
#[derive(Debug, Clone)]
struct Partial<P, A> {
    parent: P,
    action: A,
    /// Partitions a group: neighbours, so that their order stays.
    group: u32,
}

impl<P: Rdd, A: PartitionAction<P::Item>> Rdd for Partial<P, A> {
    type Item = (u32, A::Out);

    as_parent!();

    fn determinism(&self) -> Determinism {
        self.parent.determinism().by_order()
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let (items, action) = (self.parent.compute(partition, task), self.action.clone());
        let (group, task) = (partition.0 / self.group.max(1), task.clone());
        std::iter::once_with(move || (group, action.run(items, &task)))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.parent.encode(partition, to);
        self.action.encode(to);
        to.put(&self.group);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Partial { parent: P::decode(from)?, action: A::decode(from)?, group: from.get()? })
    }
}

/// Groups go to partitions of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Groups(usize);

impl Partitioner<u32> for Groups {
    fn partitions(&self) -> usize {
        self.0
    }

    fn partition(&self, group: &u32) -> usize {
        *group as usize
    }
}

/// Merges the answers of one group, in order.
#[derive(Clone)]
struct MergeGroup<C>(C);

impl<U: Data, C: Function<(U, U), Out = U>> PartitionAction<(u32, Option<U>)> for MergeGroup<C> {
    type Out = Option<U>;

    fn run(&self, items: impl Iterator<Item = (u32, Option<U>)>, _: &TaskContext) -> Option<U> {
        items.fold(None, |total, (_, part)| merged(&self.0, total, part))
    }

    fn encode(&self, to: &mut Encoder) {
        self.0.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        C::decode(from).map(MergeGroup)
    }
}

/// How many partitions are merged into one at each level, so that about as many levels are as was asked for.
///
/// Bounds: the least number of at least 2 whose power reaches `partitions`.
fn group_of(partitions: usize, depth: u32) -> usize {
    (2..partitions)
        .find(|group| group.checked_pow(depth).is_none_or(|all| all >= partitions))
        .unwrap_or(partitions.max(2))
}

/// Is another level worth its shuffle? Not when the driver gets nearly as few answers without it.
fn is_worth_a_level(partitions: usize, group: usize) -> bool {
    partitions > group + partitions.div_ceil(group)
}

/// Merges what `first` leaves of each partition into `total`, in partition order.
fn tree<R, A, U, C>(rdd: &R, first: A, combine: &C, depth: u32, mut total: Option<U>) -> Result<Option<U>>
where
    R: Rdd,
    A: PartitionAction<R::Item, Out = Option<U>>,
    U: Data,
    C: Function<(U, U), Out = U>,
{
    if depth == 0 {
        return Err(Error::Argument("a tree of depth 0: at least 1 is possible".to_owned()));
    }
    let group = group_of(rdd.partitions(), depth);
    if !is_worth_a_level(rdd.partitions(), group) {
        result::run(rdd, &first, |part| total = merged(combine, total.take(), part))?;
        return Ok(total);
    }
    let mut level = next_level(rdd, first, group);
    while is_worth_a_level(level.partitions(), group) {
        level = next_level(&level, MergeGroup(combine.clone()), group);
    }
    let last = MergeGroup(combine.clone());
    result::run(&level, &last, |part| total = merged(combine, total.take(), part))?;
    Ok(total)
}

fn next_level<R, A, U>(rdd: &R, action: A, group: usize) -> BoxedRdd<(u32, Option<U>)>
where
    R: Rdd,
    A: PartitionAction<R::Item, Out = Option<U>>,
    U: Data,
{
    let partial = Partial { parent: rdd.clone(), action, group: u32::try_from(group).unwrap_or(u32::MAX) };
    BoxedRdd::new(Shuffled::new(&partial, By(Groups(rdd.partitions().div_ceil(group)))))
}

pub(super) fn tree_reduce<R, F>(rdd: &R, function: &F, depth: u32) -> Result<R::Item>
where
    R: Rdd<Item: Data>,
    F: Function<(R::Item, R::Item), Out = R::Item>,
{
    tree(rdd, Reduce(function.clone()), function, depth, None)?.ok_or(Error::Empty("tree_reduce"))
}

pub(super) fn tree_aggregate<R, U, S, C>(rdd: &R, zero: U, merge: S, combine: &C, depth: u32) -> Result<U>
where
    R: Rdd,
    U: Data + Sync + Clone,
    S: Function<(U, R::Item), Out = U>,
    C: Function<(U, U), Out = U>,
{
    let first = Aggregate::new(rdd, zero.clone(), merge);
    tree(rdd, first, combine, depth, Some(zero))?.ok_or(Error::Empty("tree_aggregate"))
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`tree_reduce`](super::Actions::tree_reduce) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..100, 9).with(7).tree_reduce(|modulus, a, b| (a + b) % modulus, 2)?, 1);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn tree_reduce<F>(self, function: F, depth: u32) -> Result<P::Item>
    where
        P::Item: Data,
        F: Fn(&E, P::Item, P::Item) -> P::Item + Stateless,
    {
        tree_reduce(&self.parent, &Bound::new(self.value, function), depth)
    }

    /// [`tree_aggregate`](super::Actions::tree_aggregate) with the value, which both functions get.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let far = ctx.range(0..100, 9).with(70);
    /// assert_eq!(far.tree_aggregate(0, |far, n, x| n + u32::from(x >= *far), |_, a, b| a + b, 2)?, 30);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn tree_aggregate<U, S, C>(self, zero: U, merge: S, combine: C, depth: u32) -> Result<U>
    where
        U: Data + Sync + Clone,
        S: Fn(&E, U, P::Item) -> U + Stateless,
        C: Fn(&E, U, U) -> U + Stateless,
    {
        let merge = Bound::new(self.value.clone(), merge);
        tree_aggregate(&self.parent, zero, merge, &Bound::new(self.value, combine), depth)
    }
}

#[cfg(test)]
mod tests {
    use super::{group_of, is_worth_a_level};

    #[test]
    fn levels_are_about_as_many_as_asked_for() {
        for (partitions, depth, group) in [(100, 2, 10), (101, 2, 11), (1000, 3, 10), (8, 3, 2), (3, 9, 2)] {
            assert_eq!(group_of(partitions, depth), group, "{partitions} partitions, depth {depth}");
        }
        for (partitions, levels) in [(0, 0), (1, 0), (4, 0), (9, 1), (100, 1), (1000, 1)] {
            let group = group_of(partitions, 2);
            let sizes = std::iter::successors(Some(partitions), |n| {
                is_worth_a_level(*n, group).then(|| n.div_ceil(group))
            });
            assert_eq!(sizes.count() - 1, levels, "{partitions} partitions");
        }
        assert!(!is_worth_a_level(1000, group_of(1000, 1)), "depth 1 is a plain reduce");
    }
}
