//! The values of two RDDs by key: what joins and differences are made of.

use super::{
    PartitionBy,
    facts::{facts_of, one_node},
};
use crate::Context;
use crate::rdd::{Dependency, Determinism, Partitioning, Rdd, partitioner::Spread};
use rsk_executor::{TaskContext, shuffle::combine};
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use smallvec::SmallVec;
use std::{fmt, hash::Hash};

/// Values of one key; a single one, the commonest case by far, takes no allocation.
pub(crate) type Few<V> = SmallVec<[V; 1]>;

/// For each key of either RDD the values of both, each in order.
pub(crate) struct Groups<K: Data, V: Data, W: Data> {
    left: PartitionBy<K, V>,
    right: PartitionBy<K, W>,
}

impl<K: Data + Hash + Eq, V: Data, W: Data> Groups<K, V, W> {
    pub(crate) fn new<A, B, S>(left: &A, right: &B, spread: &S) -> Self
    where
        A: Rdd<Item = (K, V)>,
        B: Rdd<Item = (K, W)>,
        S: Spread<K>,
    {
        Groups { left: PartitionBy::new(left, spread), right: PartitionBy::new(right, spread) }
    }
}

impl<K: Data, V: Data, W: Data> Clone for Groups<K, V, W> {
    fn clone(&self) -> Self {
        Groups { left: self.left.clone(), right: self.right.clone() }
    }
}

impl<K: Data, V: Data, W: Data> fmt::Debug for Groups<K, V, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Groups").field(&self.left).field(&self.right).finish()
    }
}

enum Side<V, W> {
    Left(V),
    Right(W),
}

impl<V, W> Side<V, W> {
    #[inline]
    fn add_to(self, (mut left, mut right): (Few<V>, Few<W>)) -> (Few<V>, Few<W>) {
        match self {
            Side::Left(value) => left.push(value),
            Side::Right(value) => right.push(value),
        }
        (left, right)
    }
}

impl<K: Data + Hash + Eq, V: Data, W: Data> Rdd for Groups<K, V, W> {
    type Item = (K, (Few<V>, Few<W>));

    fn context(&self) -> &Context {
        self.left.context()
    }

    fn partitions(&self) -> usize {
        self.left.partitions()
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.left.dependencies(to);
        self.right.dependencies(to);
    }

    fn determinism(&self) -> Determinism {
        self.left.determinism().max(self.right.determinism())
    }

    fn partitioning(&self) -> Option<Partitioning> {
        self.left.partitioning()
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let left = self.left.compute(partition, task).map(|(key, value)| (key, Side::Left(value)));
        let right = self.right.compute(partition, task).map(|(key, value)| (key, Side::Right(value)));
        combine(
            task,
            left.chain(right),
            |side| side.add_to((Few::new(), Few::new())),
            |held, side| side.add_to(held),
            |mut held: (Few<V>, Few<W>), mut later| {
                held.0.append(&mut later.0);
                held.1.append(&mut later.1);
                held
            },
        )
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.left.encode(partition, to);
        self.right.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Groups { left: PartitionBy::decode(from)?, right: PartitionBy::decode(from)? })
    }
}

/// What `cogroup` gives: for each key of either RDD, its values in both.
pub struct Cogroup<K: Data, V: Data, W: Data>(pub(crate) Groups<K, V, W>);

one_node!(Cogroup<K, V, W>);

impl<K: Data + Hash + Eq, V: Data, W: Data> Rdd for Cogroup<K, V, W> {
    type Item = (K, (Vec<V>, Vec<W>));

    facts_of!(0);

    fn partitioning(&self) -> Option<Partitioning> {
        self.0.partitioning().map(Partitioning::with_values::<K, (Vec<V>, Vec<W>)>)
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        self.0.compute(partition, task).map(|(key, (left, right))| (key, (left.into_vec(), right.into_vec())))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Groups::decode(from).map(Cogroup)
    }
}

/// What `cogroup3` gives: for each key of three RDDs, its values in all.
pub struct Cogroup3<K: Data, V: Data, W: Data, X: Data>(pub(crate) Groups<K, (Vec<V>, Vec<W>), X>);

one_node!(Cogroup3<K, V, W, X>);

impl<K: Data + Hash + Eq, V: Data, W: Data, X: Data> Rdd for Cogroup3<K, V, W, X> {
    type Item = (K, (Vec<V>, Vec<W>, Vec<X>));

    facts_of!(0);

    fn partitioning(&self) -> Option<Partitioning> {
        self.0.partitioning().map(Partitioning::with_values::<K, (Vec<V>, Vec<W>, Vec<X>)>)
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        self.0.compute(partition, task).map(|(key, (firsts, third))| {
            // The first two were grouped before: one record a key at most.
            let (first, second) = firsts.into_iter().next().unwrap_or_default();
            (key, (first, second, third.into_vec()))
        })
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.0.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Groups::decode(from).map(Cogroup3)
    }
}
