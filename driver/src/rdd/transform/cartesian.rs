//! `cartesian`: each record of the one with each of the other.

use super::extent::{Extent, Part};
use crate::{
    Context, Error, Result,
    rdd::{Dependency, Determinism, Rdd, partitions::check_partitions},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, OrRaise, PartitionId, encode_record};
use std::{iter, rc::Rc};

/// The node of `cartesian`: each record of the one with each of the other.
///
/// Shape: partition `i * n + j` of n·m pairs partition `i` of the left with partition `j` of the right, which has n.
#[derive(Debug, Clone)]
pub struct Cartesian<A, B>(Extent<(A, B), (Part<A>, Part<B>)>);

impl<A: Rdd, B: Rdd> Cartesian<A, B> {
    pub(crate) fn new(left: A, right: B) -> Result<Self> {
        let (rows, columns) = (left.partitions(), right.partitions());
        let partitions = rows.checked_mul(columns).filter(|all| check_partitions(*all).is_ok());
        partitions.map(|_| Cartesian(Extent::All((left, right)))).ok_or_else(|| {
            Error::Argument(format!(
                "cartesian of {rows} and {columns} partitions: their product is beyond the 2^32 - 1 possible; \
                 coalesce one side first"
            ))
        })
    }
}

impl<A, B> Rdd for Cartesian<A, B>
where
    A: Rdd<Item: Clone>,
    B: Rdd<Item: Data + Clone>,
{
    type Item = (A::Item, B::Item);

    fn context(&self) -> &Context {
        self.0.all().0.context()
    }

    fn partitions(&self) -> usize {
        let (left, right) = self.0.all();
        left.partitions() * right.partitions()
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        let (left, right) = self.0.all();
        left.dependencies(to);
        right.dependencies(to);
    }

    fn determinism(&self) -> Determinism {
        let (left, right) = self.0.all();
        left.determinism().max(right.determinism())
    }

    /// Loops over the left once for each block of the right that fits in memory, most often once.
    fn compute(&self, _: PartitionId, task: &TaskContext) -> impl Iterator<Item = Self::Item> + 'static {
        let (left, right) = self.0.one();
        let mut rights = right.compute(task).fuse();
        let limit = task.memory_share() / 2;
        let (left, task) = (left.clone(), task.clone());
        let blocks = iter::from_fn(move || next_block(&mut rights, limit));
        blocks.flat_map(move |block| {
            let (block, task) = (Rc::new(block), task.clone());
            left.items(&task).flat_map(move |a| {
                task.check_killed();
                let block = Rc::clone(&block);
                (0..block.len()).map(move |index| (a.clone(), block[index].clone()))
            })
        })
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(to, |(left, right), to| {
            let columns = right.partitions().max(1);
            Part::encode(left, PartitionId::of(partition.index() / columns), to);
            Part::encode(right, PartitionId::of(partition.index() % columns), to);
        });
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Cartesian(Extent::One((Part::decode(from)?, Part::decode(from)?))))
    }
}

/// The next records of about `limit` bytes, at least one; none when there are no more.
///
/// They are measured as encoded rather than as allocated: where a block ends decides the order of the pairs, and must be
/// the same in each run.
fn next_block<T: Data>(items: &mut impl Iterator<Item = T>, limit: u64) -> Option<Vec<T>> {
    let mut block = Vec::new();
    let mut bytes = 0;
    let mut encoded = Vec::new();
    while bytes < limit.max(1)
        && let Some(item) = items.next()
    {
        bytes += size_of::<T>() as u64;
        if std::mem::needs_drop::<T>() {
            encoded.clear();
            encode_record(&item, &mut encoded).or_raise();
            bytes += encoded.len() as u64;
        }
        block.push(item);
    }
    (!block.is_empty()).then_some(block)
}

#[cfg(test)]
mod tests {
    use super::next_block;

    #[test]
    fn blocks_end_at_the_limit_and_hold_at_least_one_record() {
        let mut items = (0..5u64).fuse();
        let blocks: Vec<_> = std::iter::from_fn(|| next_block(&mut items, 16)).collect();
        assert_eq!(blocks, [vec![0, 1], vec![2, 3], vec![4]]);
        let long = "x".repeat(100);
        let mut items = vec![long.clone(), long.clone()].into_iter();
        let blocks: Vec<_> = std::iter::from_fn(|| next_block(&mut items, 0)).collect();
        assert_eq!(blocks, [[long.clone()], [long]]);
    }
}
