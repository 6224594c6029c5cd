//! `union` of two: the partitions of the one, then those of the other.

use super::extent::{Extent, Part};
use crate::{
    Context,
    rdd::{Dependency, Determinism, PreferredHosts, Rdd},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};

/// The node of `union`: the partitions of the one, then those of the other. A task carries the part of one side alone.
#[derive(Debug, Clone)]
pub struct Union<A, B>(Extent<(A, B), Side<A, B>>);

/// Where a partition of a union comes from.
#[derive(Debug, Clone)]
enum Side<A, B> {
    First(Part<A>),
    Second(Part<B>),
}

impl<A, B> Union<A, B> {
    pub(crate) fn new(first: A, second: B) -> Self {
        Union(Extent::All((first, second)))
    }
}

impl<A: Rdd, B: Rdd<Item = A::Item>> Rdd for Union<A, B> {
    type Item = A::Item;

    fn context(&self) -> &Context {
        self.0.all().0.context()
    }

    fn partitions(&self) -> usize {
        let (first, second) = self.0.all();
        first.partitions() + second.partitions()
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        let (first, second) = self.0.all();
        first.dependencies(to);
        second.dependencies(to);
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        let (first, second) = self.0.all();
        PreferredHosts::chain([
            (first.partitions(), first.preferred_hosts()),
            (second.partitions(), second.preferred_hosts()),
        ])
    }

    fn determinism(&self) -> Determinism {
        let (first, second) = self.0.all();
        first.determinism().max(second.determinism())
    }

    /// Made of the standard library's adapters, so that a loop over it is one loop over its side.
    fn compute(&self, _: PartitionId, task: &TaskContext) -> impl Iterator<Item = Self::Item> + 'static {
        let (first, second) = match self.0.one() {
            Side::First(part) => (Some(part.compute(task)), None),
            Side::Second(part) => (None, Some(part.compute(task))),
        };
        first.into_iter().flatten().chain(second.into_iter().flatten())
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(to, |(first, second), to| {
            let beyond = partition.index().checked_sub(first.partitions());
            to.put(&beyond.is_some());
            match beyond {
                None => Part::encode(first, partition, to),
                Some(index) => Part::encode(second, PartitionId::of(index), to),
            }
        });
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let is_second: bool = from.get()?;
        let side =
            if is_second { Side::Second(Part::decode(from)?) } else { Side::First(Part::decode(from)?) };
        Ok(Union(Extent::One(side)))
    }
}
