//! The wide operators whose functions get the value handed to `with`.

use super::SortedBy;
use crate::{
    Result,
    rdd::{
        Partitioner, Rdd, Stateless, With,
        pair::{CombineByKey, Group, Grouped, Sorted, Values},
        partitioner::Chosen,
    },
};
use rsk_proto::Data;
use std::hash::Hash;

impl<P: Rdd<Item: Data>, E: Data + Sync> With<P, E> {
    /// [`group_by`](super::Wide::group_by) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let mut groups = ctx.range(0..5, 2).with(3).group_by(|divisor, n| n % divisor).collect()?;
    /// groups.sort();
    /// assert_eq!(groups, [(0, vec![0, 3]), (1, vec![1, 4]), (2, vec![2])]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn group_by<K, F>(self, function: F) -> Grouped<K, P::Item>
    where
        K: Data + Hash + Eq,
        F: Fn(&E, &P::Item) -> K + Stateless,
    {
        let spread = Chosen::upstream(&[(None, self.parent.partitions())]);
        CombineByKey::new(&self.key_by(function), Group, &spread)
    }

    /// [`group_by_into`](super::Wide::group_by_into) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let groups = ctx.range(0..5, 2).with(3).group_by_into(|divisor, n| n % divisor, 1)?;
    /// assert_eq!(groups.collect()?.len(), 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn group_by_into<K, F>(
        self,
        function: F,
        partitioner: impl Partitioner<K>,
    ) -> Result<Grouped<K, P::Item>>
    where
        K: Data + Hash + Eq,
        F: Fn(&E, &P::Item) -> K + Stateless,
    {
        let spread = Chosen::asked(partitioner)?;
        let pairs = self.key_by(function);
        Ok(CombineByKey::new(&pairs, Group, &spread))
    }

    /// [`sort_by`](super::Wide::sort_by) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let sorted = ctx.range(0..5, 2).with(3).sort_by(|divisor, n| (n % divisor, *n), 1);
    /// assert_eq!(sorted.collect()?, [0, 3, 1, 4, 2]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn sort_by<K, F>(self, function: F, partitions: usize) -> SortedBy<K, P::Item>
    where
        K: Data + Sync + Ord,
        F: Fn(&E, &P::Item) -> K + Stateless,
    {
        let pairs = self.key_by(function);
        Values(Sorted::over_all(&pairs, partitions, false))
    }
}
