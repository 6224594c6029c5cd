//! `coalesce`: fewer partitions, without a shuffle.

use super::extent::{Extent, Part};
use crate::{
    Context, Result,
    rdd::{
        Dependency, Determinism, Items, Partitioning, PreferredHosts, Rdd, partitions::check_partitions,
        source::slice_of,
    },
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId, to_usize};

/// The node of `coalesce`: neighbouring partitions as one, in groups whose sizes differ by at most one.
#[derive(Debug, Clone)]
pub struct Coalesce<P>(Extent<(P, usize), Vec<Part<P>>>);

impl<P: Rdd> Coalesce<P> {
    pub(crate) fn new(parent: P, partitions: usize) -> Result<Self> {
        check_partitions(partitions)?;
        let partitions = partitions.min(parent.partitions());
        Ok(Coalesce(Extent::All((parent, partitions))))
    }
}

impl<P: Rdd> Rdd for Coalesce<P> {
    type Item = P::Item;

    fn context(&self) -> &Context {
        self.0.all().0.context()
    }

    fn partitions(&self) -> usize {
        self.0.all().1
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.0.all().0.dependencies(to);
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        let (parent, partitions) = self.0.all();
        let all = parent.partitions() as u64;
        let group = |index| {
            let group = slice_of(all, index as u64, *partitions as u64);
            to_usize(group.start)..to_usize(group.end)
        };
        parent.preferred_hosts().map(|hosts| hosts.grouped((0..*partitions).map(group)))
    }

    fn determinism(&self) -> Determinism {
        self.0.all().0.determinism()
    }

    /// Kept only where nothing was put together.
    fn partitioning(&self) -> Option<Partitioning> {
        let (parent, partitions) = self.0.all();
        if *partitions == parent.partitions() { parent.partitioning() } else { None }
    }

    fn compute(&self, _: PartitionId, task: &TaskContext) -> impl Iterator<Item = Self::Item> + 'static {
        InTurn { opened: None, parts: self.0.one().clone().into_iter(), task: task.clone() }
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(to, |(parent, partitions), to| {
            let all = parent.partitions() as u64;
            let group = slice_of(all, partition.index() as u64, *partitions as u64);
            to.put(&(group.end - group.start));
            group.for_each(|index| Part::encode(parent, PartitionId::of(to_usize(index)), to));
        });
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let length: u64 = from.get()?;
        let parts = (0..length).map(|_| Part::decode(from)).collect::<Result<_, _>>()?;
        Ok(Coalesce(Extent::One(parts)))
    }
}

/// The records of one part after another; never two are open at once.
struct InTurn<P: Rdd> {
    opened: Option<Items<P::Item>>,
    parts: std::vec::IntoIter<Part<P>>,
    task: TaskContext,
}

impl<P: Rdd> Iterator for InTurn<P> {
    type Item = P::Item;

    fn next(&mut self) -> Option<P::Item> {
        loop {
            if let Some(item) = self.opened.as_mut().and_then(Iterator::next) {
                return Some(item);
            }
            self.opened = None;
            self.opened = Some(self.parts.next()?.items(&self.task));
        }
    }

    /// Without a virtual call a record, but for the part that `next` has begun.
    fn fold<S, G>(self, start: S, mut merge: G) -> S
    where
        G: FnMut(S, P::Item) -> S,
    {
        let begun = self.opened.into_iter().flatten().fold(start, &mut merge);
        self.parts.fold(begun, |sum, part| part.compute(&self.task).fold(sum, &mut merge))
    }
}
