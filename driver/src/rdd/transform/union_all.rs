//! `ctx.union(rdds)`: the partitions of many, one RDD after another.

use super::extent::{Extent, Part};
use crate::{
    Context, Error, Result,
    rdd::{Dependency, Determinism, PreferredHosts, Rdd, partitions::check_partitions},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};
use std::sync::Arc;

/// The node of `ctx.union`: the partitions of many, one RDD after another. A task carries its part of one alone.
#[derive(Debug, Clone)]
pub struct UnionAll<R>(Extent<Arc<Sides<R>>, Part<R>>);

#[derive(Debug)]
struct Sides<R> {
    context: Context,
    /// Each with the number of its first partition.
    rdds: Vec<(usize, R)>,
    partitions: usize,
}

impl Context {
    /// All records of `rdds`, repeated ones too: the partitions of the first, then those of the second, and so on. RDDs
    /// that were made differently have one type once they are [`boxed`](crate::rdd::Transform::boxed); two need no
    /// boxing, see [`Transform::union`](crate::rdd::Transform::union).
    ///
    /// Cost: none; no shuffle. A long union is flat, where a chain of `union`s is deep. A partitioning is not kept.
    ///
    /// Errors: no RDD at all, more than 2³² - 1 partitions together.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let days = (0..3).map(|day| ctx.range(day * 10..day * 10 + 2, 1)).collect();
    /// assert_eq!(ctx.union(days)?.collect()?, [0, 1, 10, 11, 20, 21]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn union<R: Rdd>(&self, rdds: Vec<R>) -> Result<UnionAll<R>> {
        if rdds.is_empty() {
            return Err(Error::Argument("a union of no RDDs: it needs at least one".to_owned()));
        }
        let mut partitions = 0;
        let rdds = rdds.into_iter().map(|rdd| {
            let start = partitions;
            partitions += rdd.partitions();
            (start, rdd)
        });
        let rdds = rdds.collect();
        check_partitions(partitions)?;
        Ok(UnionAll(Extent::All(Arc::new(Sides { context: self.clone(), rdds, partitions }))))
    }
}

impl<R: Rdd> Rdd for UnionAll<R> {
    type Item = R::Item;

    fn context(&self) -> &Context {
        &self.0.all().context
    }

    fn partitions(&self) -> usize {
        self.0.all().partitions
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.0.all().rdds.iter().for_each(|(_, rdd)| rdd.dependencies(to));
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        let rdds = &self.0.all().rdds;
        PreferredHosts::chain(rdds.iter().map(|(_, rdd)| (rdd.partitions(), rdd.preferred_hosts())))
    }

    fn determinism(&self) -> Determinism {
        self.0.all().rdds.iter().map(|(_, rdd)| rdd.determinism()).max().unwrap_or_default()
    }

    fn compute(&self, _: PartitionId, task: &TaskContext) -> impl Iterator<Item = Self::Item> + 'static {
        self.0.one().compute(task)
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(to, |all, to| {
            // The last that starts at or before it: those without partitions start where the next one does.
            let beyond = all.rdds.partition_point(|(start, _)| *start <= partition.index());
            let (start, rdd) = &all.rdds[beyond.saturating_sub(1)];
            Part::encode(rdd, PartitionId::of(partition.index() - start), to);
        });
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Part::decode(from).map(|part| UnionAll(Extent::One(part)))
    }
}
