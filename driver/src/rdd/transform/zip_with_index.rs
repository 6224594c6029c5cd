//! `zip_with_index`: each record with its place in the RDD.

use super::extent::{Extent, Part};
use crate::{
    Context,
    rdd::{Dependency, Determinism, Partitioning, PreferredHosts, Rdd, action::Count, gather::Gathered},
};
use rsk_executor::TaskContext;
use rsk_proto::{Cause, CodecError, Decoder, Encoder, PartitionId};

/// The node of `zip_with_index`: each record with its place in the RDD.
#[derive(Debug, Clone)]
pub struct ZipWithIndex<P>(Extent<Whole<P>, Numbered<P>>);

#[derive(Debug, Clone)]
struct Whole<P> {
    parent: P,
    /// The index at which each partition starts; nothing to gather where there is one partition.
    starts: Option<Gathered<Vec<u64>>>,
}

#[derive(Debug, Clone)]
struct Numbered<P> {
    part: Part<P>,
    start: u64,
}

impl<P: Rdd> ZipWithIndex<P> {
    pub(crate) fn new(parent: P) -> Self {
        let counted = parent.partitions().saturating_sub(1);
        let starts = (counted > 0).then(|| {
            let all_but_last = Leading { parent: parent.clone(), partitions: counted };
            Gathered::new(&all_but_last, "counts of zip_with_index", Count, |counts| {
                let mut start = 0;
                let ends = counts.into_iter().map(|count| {
                    start += count;
                    start
                });
                std::iter::once(0).chain(ends).collect()
            })
        });
        ZipWithIndex(Extent::All(Whole { parent, starts }))
    }
}

impl<P: Rdd> Whole<P> {
    fn start(&self, partition: PartitionId) -> Result<u64, CodecError> {
        let Some(starts) = &self.starts else { return Ok(0) };
        let start = starts.get().and_then(|starts| starts.get().get(partition.index()).copied());
        start.ok_or_else(|| CodecError::Encode {
            type_name: "zip_with_index".to_owned(),
            cause: Cause::new("the driver has not counted the partitions yet"),
        })
    }
}

impl<P: Rdd> Rdd for ZipWithIndex<P> {
    type Item = (P::Item, u64);

    fn context(&self) -> &Context {
        self.0.all().parent.context()
    }

    fn partitions(&self) -> usize {
        self.0.all().parent.partitions()
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        let all = self.0.all();
        all.parent.dependencies(to);
        all.starts.iter().for_each(|starts| starts.dependency(to));
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        self.0.all().parent.preferred_hosts()
    }

    fn determinism(&self) -> Determinism {
        self.0.all().parent.determinism().by_order()
    }

    fn compute(&self, _: PartitionId, task: &TaskContext) -> impl Iterator<Item = Self::Item> + 'static {
        let one = self.0.one();
        let start = one.start;
        one.part.compute(task).enumerate().map(move |(index, item)| (item, start + index as u64))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(to, |all, to| match all.start(partition) {
            Ok(start) => {
                to.put(&start);
                Part::encode(&all.parent, partition, to);
            }
            Err(error) => to.fail(error),
        });
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let start = from.get()?;
        Ok(ZipWithIndex(Extent::One(Numbered { start, part: Part::decode(from)? })))
    }
}

/// The first partitions of an RDD.
#[derive(Debug, Clone)]
struct Leading<P> {
    parent: P,
    partitions: usize,
}

impl<P: Rdd> Rdd for Leading<P> {
    type Item = P::Item;

    fn context(&self) -> &Context {
        self.parent.context()
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.parent.dependencies(to);
    }

    fn determinism(&self) -> Determinism {
        self.parent.determinism()
    }

    fn partitioning(&self) -> Option<Partitioning> {
        None
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        self.parent.compute(partition, task)
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.parent.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Leading { parent: P::decode(from)?, partitions: 0 })
    }
}
