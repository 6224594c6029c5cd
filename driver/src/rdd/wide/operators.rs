//! The trait whose methods are the wide operators on any RDD.

use super::{Distinct, Intersection, Repartition, SortedBy, Subtract, distinct::Units};
use crate::{
    Result,
    rdd::{
        Partitioner, Rdd, Stateless, Transform,
        pair::{CombineByKey, CombineEarly, First, Group, Grouped, Groups, Sorted, Values},
        partitioner::Chosen,
        partitions::check_partitions,
    },
};
use rsk_proto::Data;
use std::hash::Hash;

/// What needs a shuffle on any RDD.
///
/// Spreads as [`PairRdd`](crate::rdd::pair::PairRdd) says, with whole records for keys: pairs that are spread by their keys
/// have equal pairs together already, and are not moved.
///
/// Cost: where none is said, that of the operator it is a form of. All shuffle, and spill beyond a task's share of
/// memory.
pub trait Wide: Rdd {
    /// Each record once, whatever its number.
    ///
    /// Cost: a shuffle of at most one record for each distinct one and map task.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let mut distinct = ctx.parallelize(vec![1, 2, 1, 3, 2], 3)?.distinct().collect()?;
    /// distinct.sort();
    /// assert_eq!(distinct, [1, 2, 3]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn distinct(&self) -> Distinct<Self::Item>
    where
        Self::Item: Data + Hash + Eq,
    {
        let units = Units(self.clone());
        let spread = Chosen::upstream(&[(units.partitioning(), units.partitions())]);
        Distinct(CombineByKey::new(&units, First, &spread))
    }

    /// [`distinct`](Wide::distinct) with a partitioner, or into so many partitions by hash.
    ///
    /// Errors: no partitions; while a job runs: a partitioner that answers out of range.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.parallelize(vec![1, 1], 2)?.distinct_into(3)?.partitions(), 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn distinct_into(&self, partitioner: impl Partitioner<Self::Item>) -> Result<Distinct<Self::Item>>
    where
        Self::Item: Data + Hash + Eq,
    {
        Ok(Distinct(CombineByKey::new(&Units(self.clone()), First, &Chosen::asked(partitioner)?)))
    }

    /// The records that both RDDs have, each once.
    ///
    /// Cost: a shuffle of each side that is not spread already, of distinct records.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let both = ctx.parallelize(vec![1, 2, 2, 3], 2)?.intersection(&ctx.parallelize(vec![2, 2, 4], 3)?);
    /// assert_eq!(both.collect()?, [2]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn intersection<R>(&self, other: &R) -> Intersection<Self::Item>
    where
        Self::Item: Data + Hash + Eq,
        R: Rdd<Item = Self::Item>,
    {
        let (left, right) = (Units(self.clone()), Units(other.clone()));
        let parents = [(left.partitioning(), left.partitions()), (right.partitioning(), right.partitions())];
        intersection(left, right, &Chosen::upstream(&parents))
    }

    /// [`intersection`](Wide::intersection) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let numbers = ctx.range(0..10, 2);
    /// assert_eq!(numbers.intersection_into(&numbers, 3)?.count()?, 10);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn intersection_into<R>(
        &self,
        other: &R,
        partitioner: impl Partitioner<Self::Item>,
    ) -> Result<Intersection<Self::Item>>
    where
        Self::Item: Data + Hash + Eq,
        R: Rdd<Item = Self::Item>,
    {
        Ok(intersection(Units(self.clone()), Units(other.clone()), &Chosen::asked(partitioner)?))
    }

    /// The records that `other` does not have, as often as they are there. Keeps how pairs are spread by their keys;
    /// else there are as many partitions as before, because no more comes of it.
    ///
    /// Cost: a shuffle of each side that is not spread so.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let left = ctx.parallelize(vec![1, 2, 2, 3], 1)?;
    /// let mut rest = left.subtract(&ctx.parallelize(vec![3, 4], 2)?).collect()?;
    /// rest.sort();
    /// assert_eq!(rest, [1, 2, 2]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn subtract<R>(&self, other: &R) -> Subtract<Self::Item>
    where
        Self::Item: Data + Hash + Eq + Clone,
        R: Rdd<Item = Self::Item>,
    {
        let left = Units(self.clone());
        let spread = Chosen::upstream(&[(left.partitioning(), left.partitions())]);
        subtract(&left, other, &spread)
    }

    /// [`subtract`](Wide::subtract) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let numbers = ctx.range(0..10, 2);
    /// assert_eq!(numbers.subtract_into(&numbers, 3)?.count()?, 0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn subtract_into<R>(
        &self,
        other: &R,
        partitioner: impl Partitioner<Self::Item>,
    ) -> Result<Subtract<Self::Item>>
    where
        Self::Item: Data + Hash + Eq + Clone,
        R: Rdd<Item = Self::Item>,
    {
        Ok(subtract(&Units(self.clone()), other, &Chosen::asked(partitioner)?))
    }

    /// The same records in `partitions` partitions of equal size: those of each parent partition are dealt out one
    /// after another.
    ///
    /// Cost: a shuffle of all records; to go to fewer partitions without one, `coalesce`. Which record goes where
    /// depends on the order of the input: over an input that may come in another order when it is computed again, lost
    /// outputs are expensive.
    ///
    /// Errors: no partitions.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let spread = ctx.range(0..100, 1).repartition(4)?;
    /// let sizes = spread.map_partitions(|items| [items.count()]).collect()?;
    /// assert_eq!(sizes, [25, 25, 25, 25]);
    /// assert!(spread.repartition(0).is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn repartition(&self, partitions: usize) -> Result<Repartition<Self::Item>>
    where
        Self::Item: Data,
    {
        check_partitions(partitions)?;
        Ok(Repartition::new(self, partitions))
    }

    /// The records by what `function` gives for each, in the order of the input.
    ///
    /// Cost: a shuffle of all records. The records of one key must fit in a task's share of memory.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let mut groups = ctx.range(0..5, 2).group_by(|n| n % 2).collect()?;
    /// groups.sort();
    /// assert_eq!(groups, [(0, vec![0, 2, 4]), (1, vec![1, 3])]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn group_by<K, F>(&self, function: F) -> Grouped<K, Self::Item>
    where
        K: Data + Hash + Eq,
        Self::Item: Data,
        F: Fn(&Self::Item) -> K + Stateless,
    {
        let pairs = self.key_by(function);
        CombineByKey::new(&pairs, Group, &Chosen::upstream(&[(None, self.partitions())]))
    }

    /// [`group_by`](Wide::group_by) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..5, 2).group_by_into(|n| n % 2, 7)?.partitions(), 7);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn group_by_into<K, F>(
        &self,
        function: F,
        partitioner: impl Partitioner<K>,
    ) -> Result<Grouped<K, Self::Item>>
    where
        K: Data + Hash + Eq,
        Self::Item: Data,
        F: Fn(&Self::Item) -> K + Stateless,
    {
        let pairs = self.key_by(function);
        Ok(CombineByKey::new(&pairs, Group, &Chosen::asked(partitioner)?))
    }

    /// Sorted by what `function` gives for each record, into `partitions` partitions; records for which that is equal
    /// keep their order. For the largest first, give [`std::cmp::Reverse`]; for floats, their order is `total_cmp`'s:
    /// give a type that has it.
    ///
    /// Cost: as [`sort_by_key`](crate::rdd::pair::PairRdd::sort_by_key), with the key of each record moved beside it.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// use std::cmp::Reverse;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let words = ctx.parallelize(vec!["ccc".to_owned(), "a".to_owned(), "bb".to_owned()], 2)?;
    /// assert_eq!(words.sort_by(|word| word.len(), 2).collect()?, ["a", "bb", "ccc"]);
    /// assert_eq!(words.sort_by(|word| Reverse(word.len()), 1).collect()?, ["ccc", "bb", "a"]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn sort_by<K, F>(&self, function: F, partitions: usize) -> SortedBy<K, Self::Item>
    where
        K: Data + Sync + Ord,
        Self::Item: Data,
        F: Fn(&Self::Item) -> K + Stateless,
    {
        let pairs = self.key_by(function);
        Values(Sorted::over_all(&pairs, partitions, false))
    }
}

impl<R: Rdd> Wide for R {}

fn intersection<T, A, B>(left: Units<A>, right: Units<B>, spread: &Chosen<T>) -> Intersection<T>
where
    T: Data + Hash + Eq,
    A: Rdd<Item = T>,
    B: Rdd<Item = T>,
{
    let (left, right) = (CombineEarly::new(left, First), CombineEarly::new(right, First));
    Intersection(Groups::new(&left, &right, spread))
}

fn subtract<T, A, B>(left: &Units<A>, right: &B, spread: &Chosen<T>) -> Subtract<T>
where
    T: Data + Hash + Eq + Clone,
    A: Rdd<Item = T>,
    B: Rdd<Item = T>,
{
    let right = CombineEarly::new(Units(right.clone()), First);
    Subtract(Groups::new(left, &right, spread))
}
