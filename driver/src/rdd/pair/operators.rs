//! The trait whose methods are the operators on pairs.

use super::{
    Aggregate, Aggregated, ByFunctions, Cogroup, Cogroup3, CombineByKey, CombineEarly, Combined, First,
    FlatMapValues, FullOuter, Group, Grouped, Groups, Inner, Join, Keys, LeftOuter, MapValues, PartitionBy,
    Reduce, Reduced, RightOuter, SampleByKey, Sorted, SubtractByKey, Values,
};
use crate::{
    Result,
    rdd::{Partitioner, Pure, Rdd, Stateless, partitioner::Chosen, partitions::check_partitions},
    value::Captured,
};
use rsk_proto::Data;
use std::hash::Hash;

/// What RDDs of pairs of key and value can do besides.
///
/// Where an operator needs the pairs of a key together, it spreads them by the partitioner of its input, so that an
/// input which is spread already is not shuffled again; of several inputs by the one with most partitions; else by hash
/// into as many partitions as the largest input has. A partitioner that has a tenth of the largest input's partitions
/// or fewer is passed over. The form that ends in `_into` takes a partitioner, or a number for that many partitions by
/// hash; it refuses none and more than 2²⁴ with [`Error::Argument`](crate::Error::Argument).
///
/// Cost: where none is said, that of the operator it is a form of; of those that keep each pair where it is, none but
/// their function, as they are fused into the loop of their stage.
///
/// The order of what they give depends on the input, the operator and the job's configuration alone.
pub trait PairRdd<K: Send + 'static, V: Send + 'static>: Rdd<Item = (K, V)> {
    /// The key of each pair.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.parallelize(vec![(1, 'a'), (2, 'b')], 2)?.keys().collect()?, [1, 2]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn keys(&self) -> Keys<Self> {
        Keys(self.clone())
    }

    /// The value of each pair.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.parallelize(vec![(1, 'a'), (2, 'b')], 2)?.values().collect()?, ['a', 'b']);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn values(&self) -> Values<Self> {
        Values(self.clone())
    }

    /// One value for each value, at the same key. Keeps how keys are spread.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let lengths = ctx.parallelize(vec![(1, "one".to_owned()), (2, "two!".to_owned())], 2)?.map_values(|s| s.len());
    /// assert_eq!(lengths.collect()?, [(1, 3), (2, 4)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn map_values<W, F>(&self, function: F) -> MapValues<Self, Pure<F>>
    where
        W: Send + 'static,
        F: Fn(V) -> W + Stateless,
    {
        MapValues::new(self.clone(), Pure::new(function))
    }

    /// Any number of values for each value, at the same key. Keeps how keys are spread.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let counted = ctx.parallelize(vec![('a', 2), ('b', 0), ('c', 1)], 2)?.flat_map_values(|n| 0..n);
    /// assert_eq!(counted.collect()?, [('a', 0), ('a', 1), ('c', 0)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn flat_map_values<Out, F>(&self, function: F) -> FlatMapValues<Self, Pure<F>>
    where
        K: Clone,
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        F: Fn(V) -> Out + Stateless,
    {
        FlatMapValues::new(self.clone(), Pure::new(function))
    }

    /// A part of each key's pairs: each is kept with the chance that `fractions` has for its key, from 0 to 1, and none
    /// of a key that it does not have. The same seed draws the same sample of the same input. Keeps how keys are spread.
    ///
    /// Cost: no shuffle. The sample is not exact: of `n` pairs about `fraction · n` are kept.
    ///
    /// Errors: a fraction that is not from 0 to 1.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..3000, 2).map(|n| (n % 3, n));
    /// let kept = pairs.sample_by_key([(0, 1.0), (1, 0.1)], 42)?;
    /// assert_eq!(kept.filter(|(key, _)| *key == 0).count()?, 1000);
    /// assert!((50..150).contains(&kept.filter(|(key, _)| *key == 1).count()?));
    /// assert_eq!(kept.filter(|(key, _)| *key == 2).count()?, 0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn sample_by_key(
        &self,
        fractions: impl IntoIterator<Item = (K, f64)>,
        seed: u64,
    ) -> Result<SampleByKey<Self, K>>
    where
        K: Data + Sync + Hash + Eq,
    {
        SampleByKey::new(self, fractions, seed)
    }

    /// The same pairs, spread by the partitioner: those of each parent partition in their order. An RDD that is spread
    /// so already is left as it is.
    ///
    /// Cost: a shuffle of all pairs.
    ///
    /// Errors: no partitions; while a job runs: a partitioner that answers out of range.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let spread = ctx.range(0..10, 3).map(|n| (n, n)).partition_by(4)?;
    /// assert_eq!((spread.partitions(), spread.count()?), (4, 10));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn partition_by(&self, partitioner: impl Partitioner<K>) -> Result<PartitionBy<K, V>>
    where
        K: Data + Hash,
        V: Data,
    {
        Ok(PartitionBy::new(self, &Chosen::asked(partitioner)?))
    }

    /// One record a key, by three functions: `create` starts a key with a value, `merge_value` adds another,
    /// `merge_combiners` adds what was merged elsewhere, later in the input. Each must give the same wherever the
    /// values of a key are split.
    ///
    /// Cost: a shuffle of at most one record a key and map task, none if the keys are spread already. Beyond the task's
    /// share of memory the reduce side spills.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let means = ctx.range(0..10, 3).map(|n| (n % 2, n)).combine_by_key(
    ///     |n| (n, 1),
    ///     |(sum, count), n| (sum + n, count + 1),
    ///     |a, b| (a.0 + b.0, a.1 + b.1),
    /// );
    /// let mut means = means.map_values(|(sum, count)| sum / count).collect()?;
    /// means.sort();
    /// assert_eq!(means, [(0, 4), (1, 5)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn combine_by_key<U, A, B, C>(
        &self,
        create: A,
        merge_value: B,
        merge_combiners: C,
    ) -> Combined<K, V, A, B, C>
    where
        K: Data + Hash + Eq,
        V: Data,
        U: Data,
        A: Fn(V) -> U + Stateless,
        B: Fn(U, V) -> U + Stateless,
        C: Fn(U, U) -> U + Stateless,
    {
        CombineByKey::new(self, functions(create, merge_value, merge_combiners), &spread(self))
    }

    /// [`combine_by_key`](PairRdd::combine_by_key) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..10, 3).map(|n| (n % 2, n));
    /// let counts = pairs.combine_by_key_into(|_| 1, |count, _| count + 1, |a, b| a + b, 5)?;
    /// assert_eq!((counts.partitions(), counts.values().collect()?), (5, vec![5, 5]));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn combine_by_key_into<U, A, B, C>(
        &self,
        create: A,
        merge_value: B,
        merge_combiners: C,
        partitioner: impl Partitioner<K>,
    ) -> Result<Combined<K, V, A, B, C>>
    where
        K: Data + Hash + Eq,
        V: Data,
        U: Data,
        A: Fn(V) -> U + Stateless,
        B: Fn(U, V) -> U + Stateless,
        C: Fn(U, U) -> U + Stateless,
    {
        let functions = functions(create, merge_value, merge_combiners);
        Ok(CombineByKey::new(self, functions, &Chosen::asked(partitioner)?))
    }

    /// The values of each key merged into a clone of `zero` by `merge_value`, and what became of them in several places
    /// by `merge_combiners`. The zero must be neutral: a key's result holds one for each partition that had the key, and
    /// more of them where the values did not fit in memory.
    ///
    /// Cost: as [`combine_by_key`](PairRdd::combine_by_key).
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 3), ('b', 1), ('a', 5)], 1)?;
    /// let mut most = pairs.aggregate_by_key(0, |most, n| n.max(most), |a, b| a.max(b)).collect()?;
    /// most.sort();
    /// assert_eq!(most, [('a', 5), ('b', 1)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn aggregate_by_key<U, B, C>(
        &self,
        zero: U,
        merge_value: B,
        merge_combiners: C,
    ) -> Aggregated<K, V, U, B, C>
    where
        K: Data + Hash + Eq,
        V: Data,
        U: Data + Sync + Clone,
        B: Fn(U, V) -> U + Stateless,
        C: Fn(U, U) -> U + Stateless,
    {
        CombineByKey::new(self, aggregate(self, zero, merge_value, merge_combiners), &spread(self))
    }

    /// [`aggregate_by_key`](PairRdd::aggregate_by_key) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 3), ('a', 5)], 1)?;
    /// let most = pairs.aggregate_by_key_into(0, |most, n| n.max(most), |a, b| a.max(b), 3)?;
    /// assert_eq!(most.collect()?, [('a', 5)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn aggregate_by_key_into<U, B, C>(
        &self,
        zero: U,
        merge_value: B,
        merge_combiners: C,
        partitioner: impl Partitioner<K>,
    ) -> Result<Aggregated<K, V, U, B, C>>
    where
        K: Data + Hash + Eq,
        V: Data,
        U: Data + Sync + Clone,
        B: Fn(U, V) -> U + Stateless,
        C: Fn(U, U) -> U + Stateless,
    {
        let aggregate = aggregate(self, zero, merge_value, merge_combiners);
        Ok(CombineByKey::new(self, aggregate, &Chosen::asked(partitioner)?))
    }

    /// The values of each key merged into a clone of `zero`, which must be neutral, as for
    /// [`aggregate_by_key`](PairRdd::aggregate_by_key). The function must be associative.
    ///
    /// Cost: as [`combine_by_key`](PairRdd::combine_by_key).
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 1), ('a', 2)], 1)?;
    /// assert_eq!(pairs.fold_by_key(0, |a, b| a + b).collect()?, [('a', 3)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn fold_by_key<F>(&self, zero: V, function: F) -> Aggregated<K, V, V, F, F>
    where
        K: Data + Hash + Eq,
        V: Data + Sync + Clone,
        F: Fn(V, V) -> V + Stateless,
    {
        self.aggregate_by_key(zero, function, function)
    }

    /// [`fold_by_key`](PairRdd::fold_by_key) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 1), ('a', 2)], 1)?;
    /// assert_eq!(pairs.fold_by_key_into(0, |a, b| a + b, 4)?.partitions(), 4);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn fold_by_key_into<F>(
        &self,
        zero: V,
        function: F,
        partitioner: impl Partitioner<K>,
    ) -> Result<Aggregated<K, V, V, F, F>>
    where
        K: Data + Hash + Eq,
        V: Data + Sync + Clone,
        F: Fn(V, V) -> V + Stateless,
    {
        self.aggregate_by_key_into(zero, function, function, partitioner)
    }

    /// One record a key, its values merged two by two. The function must be associative.
    ///
    /// Cost: a shuffle of at most one record a key and map task, none if the keys are spread already. Beyond the task's
    /// share of memory the reduce side spills.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let mut sums = ctx.range(0..10, 3).map(|n| (n % 2, n)).reduce_by_key(|a, b| a + b).collect()?;
    /// sums.sort();
    /// assert_eq!(sums, [(0, 20), (1, 25)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn reduce_by_key<F>(&self, function: F) -> Reduced<K, V, Pure<F>>
    where
        K: Data + Hash + Eq,
        V: Data,
        F: Fn(V, V) -> V + Stateless,
    {
        CombineByKey::new(self, Reduce(Pure::new(function)), &spread(self))
    }

    /// [`reduce_by_key`](PairRdd::reduce_by_key) with a partitioner, or into so many partitions by hash.
    ///
    /// Errors: no partitions; while a job runs: a partitioner that answers out of range.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let sums = ctx.range(0..10, 3).map(|n| (n % 2, n)).reduce_by_key_into(|a, b| a + b, 5)?;
    /// assert_eq!((sums.partitions(), sums.count()?), (5, 2));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn reduce_by_key_into<F>(
        &self,
        function: F,
        partitioner: impl Partitioner<K>,
    ) -> Result<Reduced<K, V, Pure<F>>>
    where
        K: Data + Hash + Eq,
        V: Data,
        F: Fn(V, V) -> V + Stateless,
    {
        Ok(CombineByKey::new(self, Reduce(Pure::new(function)), &Chosen::asked(partitioner)?))
    }

    /// All values of each key, in the order of the input.
    ///
    /// Cost: a shuffle of all pairs: where values are merged afterwards, [`reduce_by_key`](PairRdd::reduce_by_key)
    /// moves less. The values of one key must fit in a task's share of memory.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let mut groups = ctx.range(0..6, 3).map(|n| (n % 2, n)).group_by_key().collect()?;
    /// groups.sort();
    /// assert_eq!(groups, [(0, vec![0, 2, 4]), (1, vec![1, 3, 5])]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn group_by_key(&self) -> Grouped<K, V>
    where
        K: Data + Hash + Eq,
        V: Data,
    {
        CombineByKey::new(self, Group, &spread(self))
    }

    /// [`group_by_key`](PairRdd::group_by_key) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let groups = ctx.range(0..6, 3).map(|n| (n % 2, n)).group_by_key_into(1)?;
    /// assert_eq!(groups.partitions(), 1);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn group_by_key_into(&self, partitioner: impl Partitioner<K>) -> Result<Grouped<K, V>>
    where
        K: Data + Hash + Eq,
        V: Data,
    {
        Ok(CombineByKey::new(self, Group, &Chosen::asked(partitioner)?))
    }

    /// For each key of either RDD its values in both, each in the order of the input; none where it has none.
    ///
    /// Cost: a shuffle of each side that is not spread already. The values of one key must fit in a task's share of
    /// memory.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let ages = ctx.parallelize(vec![("Ada".to_owned(), 36), ("Ada".to_owned(), 37)], 1)?;
    /// let towns = ctx.parallelize(vec![("Ada".to_owned(), 'L')], 1)?;
    /// assert_eq!(ages.cogroup(&towns).collect()?, [("Ada".to_owned(), (vec![36, 37], vec!['L']))]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn cogroup<W, R>(&self, other: &R) -> Cogroup<K, V, W>
    where
        K: Data + Hash + Eq,
        V: Data,
        W: Data,
        R: Rdd<Item = (K, W)>,
    {
        Cogroup(groups(self, other))
    }

    /// [`cogroup`](PairRdd::cogroup) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..3, 2).map(|n| (n, n));
    /// assert_eq!(pairs.cogroup_into(&pairs, 5)?.partitions(), 5);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn cogroup_into<W, R>(&self, other: &R, partitioner: impl Partitioner<K>) -> Result<Cogroup<K, V, W>>
    where
        K: Data + Hash + Eq,
        V: Data,
        W: Data,
        R: Rdd<Item = (K, W)>,
    {
        Ok(Cogroup(Groups::new(self, other, &Chosen::asked(partitioner)?)))
    }

    /// For each key of any of three RDDs its values in all.
    ///
    /// Cost: a shuffle of each that is not spread already.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let a = ctx.parallelize(vec![(1, 'a')], 1)?;
    /// let b = ctx.parallelize(vec![(1, true), (1, false)], 1)?;
    /// let c = ctx.parallelize(vec![(2, 0.5)], 1)?;
    /// let mut all = a.cogroup3(&b, &c).collect()?;
    /// all.sort_by_key(|(key, _)| *key);
    /// assert_eq!(all, [(1, (vec!['a'], vec![true, false], vec![])), (2, (vec![], vec![], vec![0.5]))]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn cogroup3<W, X, R, S>(&self, other: &R, third: &S) -> Cogroup3<K, V, W, X>
    where
        K: Data + Hash + Eq,
        V: Data,
        W: Data,
        X: Data,
        R: Rdd<Item = (K, W)>,
        S: Rdd<Item = (K, X)>,
    {
        let spread = Chosen::upstream(&[
            (self.partitioning(), self.partitions()),
            (other.partitioning(), other.partitions()),
            (third.partitioning(), third.partitions()),
        ]);
        Cogroup3(Groups::new(&Cogroup(Groups::new(self, other, &spread)), third, &spread))
    }

    /// [`cogroup3`](PairRdd::cogroup3) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..3, 2).map(|n| (n, n));
    /// assert_eq!(pairs.cogroup3_into(&pairs, &pairs, 5)?.count()?, 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn cogroup3_into<W, X, R, S>(
        &self,
        other: &R,
        third: &S,
        partitioner: impl Partitioner<K>,
    ) -> Result<Cogroup3<K, V, W, X>>
    where
        K: Data + Hash + Eq,
        V: Data,
        W: Data,
        X: Data,
        R: Rdd<Item = (K, W)>,
        S: Rdd<Item = (K, X)>,
    {
        let spread = Chosen::asked(partitioner)?;
        Ok(Cogroup3(Groups::new(&Cogroup(Groups::new(self, other, &spread)), third, &spread)))
    }

    /// For each key of both RDDs each value on the left with each on the right: left by left, each in the order of the
    /// input.
    ///
    /// Cost: a shuffle of each side that is not spread already. The pairs of a key are made one by one, but its values
    /// must fit in a task's share of memory; a key with many values on both sides gives their product.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let left = ctx.parallelize(vec![(1, 'a'), (1, 'b'), (2, 'c')], 2)?;
    /// let right = ctx.parallelize(vec![(1, 10), (3, 30)], 2)?;
    /// assert_eq!(left.join(&right).collect()?, [(1, ('a', 10)), (1, ('b', 10))]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn join<W, R>(&self, other: &R) -> Join<K, V, W, Inner>
    where
        K: Data + Hash + Eq + Clone,
        V: Data + Clone,
        W: Data + Clone,
        R: Rdd<Item = (K, W)>,
    {
        Join::new(groups(self, other))
    }

    /// [`join`](PairRdd::join) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..3, 2).map(|n| (n, n));
    /// assert_eq!(pairs.join_into(&pairs, 5)?.count()?, 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn join_into<W, R>(&self, other: &R, partitioner: impl Partitioner<K>) -> Result<Join<K, V, W, Inner>>
    where
        K: Data + Hash + Eq + Clone,
        V: Data + Clone,
        W: Data + Clone,
        R: Rdd<Item = (K, W)>,
    {
        Ok(Join::new(Groups::new(self, other, &Chosen::asked(partitioner)?)))
    }

    /// [`join`](PairRdd::join), and the left values of keys that the right does not have.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let left = ctx.parallelize(vec![(1, 'a'), (2, 'b')], 1)?;
    /// let right = ctx.parallelize(vec![(1, 10), (3, 30)], 1)?;
    /// let mut joined = left.left_outer_join(&right).collect()?;
    /// joined.sort();
    /// assert_eq!(joined, [(1, ('a', Some(10))), (2, ('b', None))]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn left_outer_join<W, R>(&self, other: &R) -> Join<K, V, W, LeftOuter>
    where
        K: Data + Hash + Eq + Clone,
        V: Data + Clone,
        W: Data + Clone,
        R: Rdd<Item = (K, W)>,
    {
        Join::new(groups(self, other))
    }

    /// [`left_outer_join`](PairRdd::left_outer_join) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..3, 2).map(|n| (n, n));
    /// assert_eq!(pairs.left_outer_join_into(&pairs, 5)?.count()?, 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn left_outer_join_into<W, R>(
        &self,
        other: &R,
        partitioner: impl Partitioner<K>,
    ) -> Result<Join<K, V, W, LeftOuter>>
    where
        K: Data + Hash + Eq + Clone,
        V: Data + Clone,
        W: Data + Clone,
        R: Rdd<Item = (K, W)>,
    {
        Ok(Join::new(Groups::new(self, other, &Chosen::asked(partitioner)?)))
    }

    /// [`join`](PairRdd::join), and the right values of keys that the left does not have.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let left = ctx.parallelize(vec![(1, 'a'), (2, 'b')], 1)?;
    /// let right = ctx.parallelize(vec![(1, 10), (3, 30)], 1)?;
    /// let mut joined = left.right_outer_join(&right).collect()?;
    /// joined.sort();
    /// assert_eq!(joined, [(1, (Some('a'), 10)), (3, (None, 30))]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn right_outer_join<W, R>(&self, other: &R) -> Join<K, V, W, RightOuter>
    where
        K: Data + Hash + Eq + Clone,
        V: Data + Clone,
        W: Data + Clone,
        R: Rdd<Item = (K, W)>,
    {
        Join::new(groups(self, other))
    }

    /// [`right_outer_join`](PairRdd::right_outer_join) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..3, 2).map(|n| (n, n));
    /// assert_eq!(pairs.right_outer_join_into(&pairs, 5)?.count()?, 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn right_outer_join_into<W, R>(
        &self,
        other: &R,
        partitioner: impl Partitioner<K>,
    ) -> Result<Join<K, V, W, RightOuter>>
    where
        K: Data + Hash + Eq + Clone,
        V: Data + Clone,
        W: Data + Clone,
        R: Rdd<Item = (K, W)>,
    {
        Ok(Join::new(Groups::new(self, other, &Chosen::asked(partitioner)?)))
    }

    /// [`join`](PairRdd::join), and the values of keys that only one side has.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let left = ctx.parallelize(vec![(1, 'a'), (2, 'b')], 1)?;
    /// let right = ctx.parallelize(vec![(1, 10), (3, 30)], 1)?;
    /// let mut joined = left.full_outer_join(&right).collect()?;
    /// joined.sort();
    /// assert_eq!(joined, [(1, (Some('a'), Some(10))), (2, (Some('b'), None)), (3, (None, Some(30)))]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn full_outer_join<W, R>(&self, other: &R) -> Join<K, V, W, FullOuter>
    where
        K: Data + Hash + Eq + Clone,
        V: Data + Clone,
        W: Data + Clone,
        R: Rdd<Item = (K, W)>,
    {
        Join::new(groups(self, other))
    }

    /// [`full_outer_join`](PairRdd::full_outer_join) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..3, 2).map(|n| (n, n));
    /// assert_eq!(pairs.full_outer_join_into(&pairs, 5)?.count()?, 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn full_outer_join_into<W, R>(
        &self,
        other: &R,
        partitioner: impl Partitioner<K>,
    ) -> Result<Join<K, V, W, FullOuter>>
    where
        K: Data + Hash + Eq + Clone,
        V: Data + Clone,
        W: Data + Clone,
        R: Rdd<Item = (K, W)>,
    {
        Ok(Join::new(Groups::new(self, other, &Chosen::asked(partitioner)?)))
    }

    /// The pairs whose keys `other` does not have, whatever its values. Keeps how this side is spread, else spreads by
    /// hash into as many partitions as this side has, because no more comes of it.
    ///
    /// Cost: a shuffle of each side that is not spread so; of the other one, its keys alone.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let all = ctx.parallelize(vec![(1, 'a'), (2, 'b'), (2, 'c')], 1)?;
    /// let gone = ctx.parallelize(vec![(1, 0.5)], 1)?;
    /// assert_eq!(all.subtract_by_key(&gone).collect()?, [(2, 'b'), (2, 'c')]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn subtract_by_key<W, R>(&self, other: &R) -> SubtractByKey<K, V>
    where
        K: Data + Hash + Eq + Clone,
        V: Data,
        W: Send + 'static,
        R: Rdd<Item = (K, W)>,
    {
        subtract_by_key(self, other, &spread(self))
    }

    /// [`subtract_by_key`](PairRdd::subtract_by_key) with a partitioner, or into so many partitions by hash.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..3, 2).map(|n| (n, n));
    /// assert_eq!(pairs.subtract_by_key_into(&pairs, 5)?.count()?, 0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn subtract_by_key_into<W, R>(
        &self,
        other: &R,
        partitioner: impl Partitioner<K>,
    ) -> Result<SubtractByKey<K, V>>
    where
        K: Data + Hash + Eq + Clone,
        V: Data,
        W: Send + 'static,
        R: Rdd<Item = (K, W)>,
    {
        Ok(subtract_by_key(self, other, &Chosen::asked(partitioner)?))
    }

    /// Sorted by key: each partition in itself, and all keys of one before those of the next. Pairs of equal keys keep
    /// the order of the input. There are `partitions` of them, about equally large; some are empty where there are
    /// fewer keys than partitions, because equal keys stay together.
    ///
    /// Errors, while a job runs: no partitions, or more than 2²⁴.
    ///
    /// Cost: nothing until a job runs; then one pass over the keys for a sample, a shuffle of all pairs, and a sort of
    /// each partition, which spills beyond the task's share of memory. A sort into one partition needs no sample.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let pairs = ctx.parallelize(vec![(3, 'c'), (1, 'x'), (2, 'b'), (1, 'a')], 2)?;
    /// assert_eq!(pairs.sort_by_key(2).collect()?, [(1, 'x'), (1, 'a'), (2, 'b'), (3, 'c')]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn sort_by_key(&self, partitions: usize) -> Sorted<K, V>
    where
        K: Data + Sync + Ord,
        V: Data,
    {
        Sorted::over_all(self, partitions, false)
    }

    /// [`sort_by_key`](PairRdd::sort_by_key) with the largest key first; pairs of equal keys keep the order of the
    /// input all the same.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let pairs = ctx.parallelize(vec![(1, 'x'), (2, 'b'), (1, 'a')], 2)?;
    /// assert_eq!(pairs.sort_by_key_descending(2).collect()?, [(2, 'b'), (1, 'x'), (1, 'a')]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn sort_by_key_descending(&self, partitions: usize) -> Sorted<K, V>
    where
        K: Data + Sync + Ord,
        V: Data,
    {
        Sorted::over_all(self, partitions, true)
    }

    /// The pairs spread by the partitioner, and in each partition sorted by key. Pairs of equal keys keep the order of
    /// the input.
    ///
    /// Cost: a shuffle of all pairs, none if they are spread so already; cheaper than
    /// [`partition_by`](PairRdd::partition_by) and a sort of each partition in memory, because this sort spills.
    ///
    /// Errors: no partitions; while a job runs: a partitioner that answers out of range.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![(2, 'b'), (3, 'c'), (1, 'a')], 2)?;
    /// let sorted = pairs.repartition_and_sort_within_partitions(1)?;
    /// assert_eq!(sorted.collect()?, [(1, 'a'), (2, 'b'), (3, 'c')]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn repartition_and_sort_within_partitions(&self, partitioner: impl Partitioner<K>) -> Result<Sorted<K, V>>
    where
        K: Data + Ord,
        V: Data,
    {
        check_partitions(partitioner.partitions())?;
        Ok(Sorted::within(self, partitioner))
    }
}

impl<K: Send + 'static, V: Send + 'static, R: Rdd<Item = (K, V)>> PairRdd<K, V> for R {}

/// The default partitioner of an operator with one input.
fn spread<K: Hash + 'static>(rdd: &impl Rdd) -> Chosen<K> {
    Chosen::upstream(&[(rdd.partitioning(), rdd.partitions())])
}

/// The groups of two RDDs by their default partitioner.
fn groups<K, V, W, A, B>(left: &A, right: &B) -> Groups<K, V, W>
where
    K: Data + Hash + Eq,
    V: Data,
    W: Data,
    A: Rdd<Item = (K, V)>,
    B: Rdd<Item = (K, W)>,
{
    let parents = [(left.partitioning(), left.partitions()), (right.partitioning(), right.partitions())];
    Groups::new(left, right, &Chosen::upstream(&parents))
}

fn functions<A: Stateless, B: Stateless, C: Stateless>(
    create: A,
    merge_value: B,
    merge_combiners: C,
) -> ByFunctions<Pure<A>, Pure<B>, Pure<C>> {
    ByFunctions {
        create: Pure::new(create),
        merge_value: Pure::new(merge_value),
        merge_combiners: Pure::new(merge_combiners),
    }
}

fn aggregate<U: Data + Sync, B: Stateless, C: Stateless>(
    rdd: &impl Rdd,
    zero: U,
    merge_value: B,
    merge_combiners: C,
) -> Aggregate<U, Pure<B>, Pure<C>> {
    Aggregate {
        zero: Captured::new(zero, rdd.context().values()),
        merge_value: Pure::new(merge_value),
        merge_combiners: Pure::new(merge_combiners),
    }
}

fn subtract_by_key<K, V, W, A, B>(left: &A, right: &B, spread: &Chosen<K>) -> SubtractByKey<K, V>
where
    K: Data + Hash + Eq + Clone,
    V: Data,
    W: Send + 'static,
    A: Rdd<Item = (K, V)>,
    B: Rdd<Item = (K, W)>,
{
    let keys = CombineEarly::new(right.map_values(|_| ()), First);
    SubtractByKey(Groups::new(left, &keys, spread))
}
