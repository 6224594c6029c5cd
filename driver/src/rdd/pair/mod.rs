//! Operators on pairs of key and value.

mod combine;

pub use combine::{CombineEarly, CombineValues, Reduced};

use super::{Bound, Partitioner, Pure, Rdd, With};
use crate::Result;
use combine::reduce_by_key;
use rsk_proto::Data;
use std::hash::Hash;

/// What RDDs of pairs can do besides.
pub trait PairRdd<K: Data + Hash + Eq, V: Data>: Rdd<Item = (K, V)> {
    /// One record a key, its values merged two by two. The function must be associative.
    ///
    /// Cost: a shuffle of one record a key and map task, into as many partitions as there are. Beyond the task's share
    /// of memory the reduce side spills.
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
        F: Fn(V, V) -> V + Copy + Send + Sync + 'static,
    {
        reduce_by_key(self, &Pure::new(function), self.partitions())
    }

    /// [`reduce_by_key`](PairRdd::reduce_by_key) with a partitioner, or into so many partitions by hash.
    ///
    /// Errors: no partitions.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let sums = ctx.range(0..10, 3).map(|n| (n % 2, n)).reduce_by_key_into(|a, b| a + b, 5)?;
    /// assert_eq!((sums.partitions(), sums.count()?), (5, 2));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn reduce_by_key_into<F, Q>(&self, function: F, partitioner: Q) -> Result<Reduced<K, V, Pure<F>>>
    where
        F: Fn(V, V) -> V + Copy + Send + Sync + 'static,
        Q: Partitioner<K>,
    {
        crate::context::check_partitions(partitioner.partitions())?;
        Ok(reduce_by_key(self, &Pure::new(function), partitioner))
    }
}

impl<K: Data + Hash + Eq, V: Data, R: Rdd<Item = (K, V)>> PairRdd<K, V> for R {}

impl<P, K, V, E> With<P, E>
where
    P: Rdd<Item = (K, V)>,
    K: Data + Hash + Eq,
    V: Data,
    E: Data + Sync,
{
    /// [`reduce_by_key`](PairRdd::reduce_by_key) with the value.
    pub fn reduce_by_key<F>(self, function: F) -> Reduced<K, V, Bound<E, F>>
    where
        F: Fn(&E, V, V) -> V + Copy + Send + Sync + 'static,
    {
        let partitions = self.parent.partitions();
        reduce_by_key(&self.parent, &Bound::new(self.value, function), partitions)
    }
}
