//! Pairs where their keys belong: where they are already, or by a shuffle.

use crate::{
    Context,
    rdd::{
        BoxedRdd, Dependency, Determinism, Partitioning, Rdd, Transform, partitioner::Spread,
        shuffle::Shuffled,
    },
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use std::fmt;

/// Pairs spread by a partitioner; what `partition_by` gives, and what each operator by key begins with.
///
/// Which of the two it is is known when it is made: a parent that is spread so already is not moved again.
pub struct PartitionBy<K: Send + 'static, V: Send + 'static>(Held<K, V>);

enum Held<K: Send + 'static, V: Send + 'static> {
    Narrow(BoxedRdd<(K, V)>),
    Shuffle(Shuffled<K, V>),
}

impl<K: Data, V: Data> PartitionBy<K, V> {
    pub(crate) fn new<P: Rdd<Item = (K, V)>, S: Spread<K>>(parent: &P, spread: &S) -> Self {
        PartitionBy(if is_spread(parent, spread) {
            Held::Narrow(parent.boxed())
        } else {
            Held::Shuffle(Shuffled::new(parent, spread.clone()))
        })
    }
}

/// Are the pairs where `spread` wants them?
pub(crate) fn is_spread<P: Rdd, K: 'static, S: Spread<K>>(parent: &P, spread: &S) -> bool {
    parent.partitioning().is_some_and(|known| known == spread.partitioning())
        && parent.partitions() == spread.partitions()
}

impl<K: Send + 'static, V: Send + 'static> Clone for PartitionBy<K, V> {
    fn clone(&self) -> Self {
        PartitionBy(match &self.0 {
            Held::Narrow(parent) => Held::Narrow(parent.clone()),
            Held::Shuffle(shuffled) => Held::Shuffle(shuffled.clone()),
        })
    }
}

impl<K: Send + 'static, V: Send + 'static> fmt::Debug for PartitionBy<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Held::Narrow(_) => f.write_str("PartitionBy(as it is)"),
            Held::Shuffle(shuffled) => write!(f, "PartitionBy({shuffled:?})"),
        }
    }
}

impl<K: Data, V: Data> Rdd for PartitionBy<K, V> {
    type Item = (K, V);

    fn context(&self) -> &Context {
        match &self.0 {
            Held::Narrow(parent) => parent.context(),
            Held::Shuffle(shuffled) => shuffled.context(),
        }
    }

    fn partitions(&self) -> usize {
        match &self.0 {
            Held::Narrow(parent) => parent.partitions(),
            Held::Shuffle(shuffled) => shuffled.partitions(),
        }
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        match &self.0 {
            Held::Narrow(parent) => parent.dependencies(to),
            Held::Shuffle(shuffled) => shuffled.dependencies(to),
        }
    }

    fn determinism(&self) -> Determinism {
        match &self.0 {
            Held::Narrow(parent) => parent.determinism(),
            Held::Shuffle(shuffled) => shuffled.determinism(),
        }
    }

    fn partitioning(&self) -> Option<Partitioning> {
        let partitioning = match &self.0 {
            Held::Narrow(parent) => parent.partitioning(),
            Held::Shuffle(shuffled) => shuffled.partitioning(),
        };
        partitioning.map(Partitioning::with_values::<K, V>)
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = (K, V)> + 'static {
        match &self.0 {
            Held::Narrow(parent) => Either::Left(parent.compute(partition, task)),
            Held::Shuffle(shuffled) => Either::Right(shuffled.compute(partition, task)),
        }
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        match &self.0 {
            Held::Narrow(parent) => {
                to.put(&true);
                parent.encode(partition, to);
            }
            Held::Shuffle(shuffled) => {
                to.put(&false);
                shuffled.encode(partition, to);
            }
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(PartitionBy(if from.get()? {
            Held::Narrow(BoxedRdd::decode(from)?)
        } else {
            Held::Shuffle(Shuffled::decode(from)?)
        }))
    }
}

/// One of two iterators, known when it is made.
pub(crate) enum Either<A, B> {
    Left(A),
    Right(B),
}

impl<A: Iterator, B: Iterator<Item = A::Item>> Iterator for Either<A, B> {
    type Item = A::Item;

    #[inline]
    fn next(&mut self) -> Option<A::Item> {
        match self {
            Either::Left(items) => items.next(),
            Either::Right(items) => items.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Either::Left(items) => items.size_hint(),
            Either::Right(items) => items.size_hint(),
        }
    }

    fn fold<T, F: FnMut(T, A::Item) -> T>(self, start: T, fold: F) -> T {
        match self {
            Either::Left(items) => items.fold(start, fold),
            Either::Right(items) => items.fold(start, fold),
        }
    }
}
