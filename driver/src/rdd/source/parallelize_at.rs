//! `ctx.parallelize_at([(values, hosts)])`.

use super::no_parent;
use crate::{
    Context, Error,
    rdd::{Home, PreferredHosts, Rdd, partitions::check_partitions},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use std::sync::Arc;

/// Values between two looks at whether the task is to stop.
const LOOK_EVERY: usize = 1 << 10;

/// The driver's own values, a partition each part, and where each would best be. A task carries its part alone.
#[derive(Debug, Clone)]
pub struct ParallelizeAt<T> {
    home: Home,
    /// All parts in the driver, one in an executor.
    parts: Arc<Vec<Vec<T>>>,
    hosts: Option<PreferredHosts>,
}

impl Context {
    /// The driver's own values, each part a partition, and the hosts on which each would best run: for sources of one's own,
    /// whose values name what lies on those hosts. Spark's `makeRDD`.
    ///
    /// A task waits a while for an executor on one of its hosts (`locality_wait`), then for one in its rack, then runs
    /// anywhere; hosts without an executor are not waited for.
    ///
    /// Cost: the driver keeps the values; each task carries a copy of its part.
    ///
    /// Errors: no parts.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let parts = vec![(vec![1, 2], vec!["node-1".to_owned()]), (vec![3], vec![])];
    /// assert_eq!(ctx.parallelize_at(parts)?.map(|n| n * 10).collect()?, [10, 20, 30]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn parallelize_at<T: Data + Sync + Clone>(
        &self,
        parts: Vec<(Vec<T>, Vec<String>)>,
    ) -> Result<ParallelizeAt<T>, Error> {
        check_partitions(parts.len())?;
        let (parts, hosts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let hosts = Some(PreferredHosts::new(hosts));
        Ok(ParallelizeAt { home: Home::of(self), parts: Arc::new(parts), hosts })
    }
}

impl<T: Data + Sync + Clone> Rdd for ParallelizeAt<T> {
    type Item = T;

    no_parent!();

    fn partitions(&self) -> usize {
        self.parts.len()
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        self.hosts.clone()
    }

    fn compute(&self, _: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        let (task, parts) = (task.clone(), Arc::clone(&self.parts));
        // One that has travelled has its own part alone.
        let length = parts.first().map_or(0, Vec::len);
        (0..length).map(move |index| {
            if index.is_multiple_of(LOOK_EVERY) {
                task.check_killed();
            }
            parts[0][index].clone()
        })
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        to.put(&self.parts[partition.index()]);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(ParallelizeAt { home: Home::default(), parts: Arc::new(vec![from.get()?]), hosts: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn narrow_operators_keep_what_a_source_prefers_and_a_shuffle_does_not() {
        let ctx = Context::new("local").unwrap();
        let part = |n: u64, hosts: &[&str]| (vec![n], hosts.iter().map(|host| (*host).to_owned()).collect());
        let source = ctx.parallelize_at(vec![part(1, &["a"]), part(2, &[]), part(3, &["a", "b"])]).unwrap();
        let expected = PreferredHosts::new([vec!["a"], vec![], vec!["a", "b"]]);
        let mapped = source.map(|n| n + 1).filter(|n| *n > 0).boxed().flat_map(|n| vec![n, n]);
        assert_eq!(mapped.preferred_hosts(), Some(expected.clone()));
        assert_eq!(mapped.cache().preferred_hosts(), Some(expected.clone()));
        assert_eq!(mapped.zip_with_index().preferred_hosts(), Some(expected));
        let pairs = source.key_by(|n| n % 2).map_values(|n| n);
        assert!(pairs.preferred_hosts().is_some());
        assert_eq!(pairs.reduce_by_key(|a, b| a + b).preferred_hosts(), None);
        let both = ctx.range(0..4, 1).union(&source.map(|n| n));
        let chained = PreferredHosts::new([vec![], vec!["a"], vec![], vec!["a", "b"]]);
        assert_eq!(both.preferred_hosts(), Some(chained.clone()));
        let all = ctx.union(vec![ctx.range(0..4, 1).boxed(), source.boxed()]).unwrap();
        assert_eq!(all.preferred_hosts(), Some(chained));
        let fewer = both.coalesce(2).unwrap();
        assert_eq!(fewer.preferred_hosts(), Some(PreferredHosts::new([vec!["a"], vec!["a", "b"]])));
        assert_eq!(ctx.range(0..4, 2).union(&ctx.range(0..4, 2)).preferred_hosts(), None);
        assert_eq!(source.collect().unwrap(), [1, 2, 3]);
        assert!(ctx.parallelize_at::<u64>(vec![]).is_err());
    }
}
