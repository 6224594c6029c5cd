//! The operators by key whose functions get the value handed to `with`.

use super::{Aggregate, AggregatedWith, ByFunctions, CombineByKey, CombinedWith, Reduce, Reduced};
use crate::{
    Result,
    rdd::{Bound, Partitioner, Rdd, Stateless, With, partitioner::Chosen},
    value::Captured,
};
use rsk_proto::Data;
use std::hash::Hash;

impl<P, K, V, E> With<P, E>
where
    P: Rdd<Item = (K, V)>,
    K: Data + Hash + Eq,
    V: Data,
    E: Data + Sync,
{
    fn spread(&self) -> Chosen<K> {
        Chosen::upstream(&[(self.parent.partitioning(), self.parent.partitions())])
    }

    /// [`combine_by_key`](super::PairRdd::combine_by_key) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 7), ('a', 8)], 1)?;
    /// let far = pairs.with(10).combine_by_key(|n, v| v + n, |n, a, v| a + v + n, |_, a, b| a + b);
    /// assert_eq!(far.collect()?, [('a', 35)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn combine_by_key<U, A, B, C>(
        self,
        create: A,
        merge_value: B,
        merge_combiners: C,
    ) -> CombinedWith<K, V, E, A, B, C>
    where
        U: Data,
        A: Fn(&E, V) -> U + Stateless,
        B: Fn(&E, U, V) -> U + Stateless,
        C: Fn(&E, U, U) -> U + Stateless,
    {
        let spread = self.spread();
        CombineByKey::new(&self.parent, self.functions(create, merge_value, merge_combiners), &spread)
    }

    /// [`combine_by_key_into`](super::PairRdd::combine_by_key_into) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 7), ('a', 8)], 1)?;
    /// let far = pairs.with(10).combine_by_key_into(|n, v| v + n, |n, a, v| a + v + n, |_, a, b| a + b, 4)?;
    /// assert_eq!((far.partitions(), far.collect()?), (4, vec![('a', 35)]));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn combine_by_key_into<U, A, B, C>(
        self,
        create: A,
        merge_value: B,
        merge_combiners: C,
        partitioner: impl Partitioner<K>,
    ) -> Result<CombinedWith<K, V, E, A, B, C>>
    where
        U: Data,
        A: Fn(&E, V) -> U + Stateless,
        B: Fn(&E, U, V) -> U + Stateless,
        C: Fn(&E, U, U) -> U + Stateless,
    {
        let spread = Chosen::asked(partitioner)?;
        Ok(CombineByKey::new(&self.parent, self.functions(create, merge_value, merge_combiners), &spread))
    }

    fn functions<A: Stateless, B: Stateless, C: Stateless>(
        &self,
        create: A,
        merge_value: B,
        merge_combiners: C,
    ) -> ByFunctions<Bound<E, A>, Bound<E, B>, Bound<E, C>> {
        ByFunctions {
            create: Bound::new(self.value.clone(), create),
            merge_value: Bound::new(self.value.clone(), merge_value),
            merge_combiners: Bound::new(self.value.clone(), merge_combiners),
        }
    }

    /// [`aggregate_by_key`](super::PairRdd::aggregate_by_key) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 7), ('a', 8)], 1)?;
    /// let large = pairs.with(7).aggregate_by_key(0, |n, count, v| count + u32::from(v > *n), |_, a, b| a + b);
    /// assert_eq!(large.collect()?, [('a', 1)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn aggregate_by_key<U, B, C>(
        self,
        zero: U,
        merge_value: B,
        merge_combiners: C,
    ) -> AggregatedWith<K, V, E, U, B, C>
    where
        U: Data + Sync + Clone,
        B: Fn(&E, U, V) -> U + Stateless,
        C: Fn(&E, U, U) -> U + Stateless,
    {
        let spread = self.spread();
        CombineByKey::new(&self.parent, self.aggregation(zero, merge_value, merge_combiners), &spread)
    }

    /// [`aggregate_by_key_into`](super::PairRdd::aggregate_by_key_into) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 7), ('a', 8)], 1)?;
    /// let large = pairs.with(7).aggregate_by_key_into(0, |n, count, v| count + u32::from(v > *n), |_, a, b| a + b, 4)?;
    /// assert_eq!((large.partitions(), large.collect()?), (4, vec![('a', 1)]));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn aggregate_by_key_into<U, B, C>(
        self,
        zero: U,
        merge_value: B,
        merge_combiners: C,
        partitioner: impl Partitioner<K>,
    ) -> Result<AggregatedWith<K, V, E, U, B, C>>
    where
        U: Data + Sync + Clone,
        B: Fn(&E, U, V) -> U + Stateless,
        C: Fn(&E, U, U) -> U + Stateless,
    {
        let spread = Chosen::asked(partitioner)?;
        Ok(CombineByKey::new(&self.parent, self.aggregation(zero, merge_value, merge_combiners), &spread))
    }

    fn aggregation<U: Data + Sync, B: Stateless, C: Stateless>(
        &self,
        zero: U,
        merge_value: B,
        merge_combiners: C,
    ) -> Aggregate<U, Bound<E, B>, Bound<E, C>> {
        Aggregate {
            zero: Captured::new(zero, self.parent.context().values()),
            merge_value: Bound::new(self.value.clone(), merge_value),
            merge_combiners: Bound::new(self.value.clone(), merge_combiners),
        }
    }

    /// [`fold_by_key`](super::PairRdd::fold_by_key) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 7), ('a', 8)], 1)?;
    /// assert_eq!(pairs.with(10).fold_by_key(0, |bound, a, b| (a + b).min(*bound)).collect()?, [('a', 10)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn fold_by_key<F>(self, zero: V, function: F) -> AggregatedWith<K, V, E, V, F, F>
    where
        V: Sync + Clone,
        F: Fn(&E, V, V) -> V + Stateless,
    {
        self.aggregate_by_key(zero, function, function)
    }

    /// [`fold_by_key_into`](super::PairRdd::fold_by_key_into) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 7), ('a', 8)], 1)?;
    /// let sums = pairs.with(10).fold_by_key_into(0, |bound, a, b| (a + b).min(*bound), 4)?;
    /// assert_eq!((sums.partitions(), sums.collect()?), (4, vec![('a', 10)]));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn fold_by_key_into<F>(
        self,
        zero: V,
        function: F,
        partitioner: impl Partitioner<K>,
    ) -> Result<AggregatedWith<K, V, E, V, F, F>>
    where
        V: Sync + Clone,
        F: Fn(&E, V, V) -> V + Stateless,
    {
        self.aggregate_by_key_into(zero, function, function, partitioner)
    }

    /// [`reduce_by_key`](super::PairRdd::reduce_by_key) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 7), ('a', 8)], 1)?;
    /// let sums = pairs.with(10).reduce_by_key(|bound, a, b| (a + b).min(*bound));
    /// assert_eq!(sums.collect()?, [('a', 10)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn reduce_by_key<F>(self, function: F) -> Reduced<K, V, Bound<E, F>>
    where
        F: Fn(&E, V, V) -> V + Stateless,
    {
        let spread = self.spread();
        CombineByKey::new(&self.parent, Reduce(Bound::new(self.value, function)), &spread)
    }

    /// [`reduce_by_key_into`](super::PairRdd::reduce_by_key_into) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.parallelize(vec![('a', 7), ('a', 8)], 1)?;
    /// let sums = pairs.with(10).reduce_by_key_into(|bound, a, b| (a + b).min(*bound), 4)?;
    /// assert_eq!((sums.partitions(), sums.collect()?), (4, vec![('a', 10)]));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn reduce_by_key_into<F>(
        self,
        function: F,
        partitioner: impl Partitioner<K>,
    ) -> Result<Reduced<K, V, Bound<E, F>>>
    where
        F: Fn(&E, V, V) -> V + Stateless,
    {
        let spread = Chosen::asked(partitioner)?;
        Ok(CombineByKey::new(&self.parent, Reduce(Bound::new(self.value, function)), &spread))
    }
}
