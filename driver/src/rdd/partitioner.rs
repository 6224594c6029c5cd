//! Which partition a key belongs to.

use super::{
    Dependency,
    partitioning::{BoxedPartitioner, Partitioning},
    partitions::check_partitions,
};
use crate::Result;
use rsk_executor::shuffle::partition_of;
use rsk_proto::{CodecError, Data, Decoder, Encoder};
use std::{any::Any, any::type_name, hash::Hash};

/// Decides which partition a key belongs to. A number is the partitioner by hash into so many partitions.
///
/// Two RDDs of pairs whose partitioners are equal are co-partitioned: joining them moves nothing. A partitioner travels
/// with the tasks that write a shuffle.
///
/// Errors: a partition beyond the last fails the job, named.
///
/// ```
/// use rsk::{prelude::*, rdd::Partitioner};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, PartialEq, Serialize, Deserialize)]
/// struct ByFirstLetter;
///
/// impl Partitioner<String> for ByFirstLetter {
///     fn partitions(&self) -> usize {
///         2
///     }
///     fn partition(&self, key: &String) -> usize {
///         usize::from(key.as_str() >= "n")
///     }
/// }
///
/// let ctx = rsk::Context::new("local")?;
/// let pairs = ctx.parallelize(vec![("zebra".to_owned(), 1), ("ant".to_owned(), 2)], 1)?;
/// let sums = pairs.reduce_by_key_into(|a, b| a + b, ByFirstLetter)?;
/// assert_eq!(sums.collect()?, [("ant".to_owned(), 2), ("zebra".to_owned(), 1)]);
/// # Ok::<(), rsk::Error>(())
/// ```
pub trait Partitioner<K>: Data + Sync + Clone + PartialEq {
    /// How many partitions there are, at least one.
    fn partitions(&self) -> usize;

    /// The partition of a key, from 0. The same key always gives the same partition.
    fn partition(&self, key: &K) -> usize;
}

impl<K: Hash> Partitioner<K> for usize {
    fn partitions(&self) -> usize {
        *self
    }

    #[inline]
    fn partition(&self, key: &K) -> usize {
        partition_of(key, u32::try_from(*self).unwrap_or(u32::MAX)).index()
    }
}

/// How a shuffle spreads keys: a user's [`Partitioner`], or one of the engine's own, which may need the outcome of
/// another stage and travels as it sees fit.
pub(crate) trait Spread<K>: Clone + PartialEq + Send + Sync + 'static {
    fn partitions(&self) -> usize;
    /// The partition of a key, once what it depends on has run: in a task always, in the driver where it
    /// [is known](Spread::is_known).
    fn partition(&self, key: &K) -> usize;
    /// Has what it depends on run?
    fn is_known(&self) -> bool {
        true
    }
    /// What people call it.
    fn name(&self) -> &'static str;
    /// What must have run before it can be used.
    fn dependencies(&self, _: &mut Vec<Dependency>) {}
    fn encode(&self, to: &mut Encoder);
    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError>;
    /// What the RDD that is spread so says about itself.
    fn partitioning(&self) -> Partitioning;
}

/// A user's partitioner.
#[derive(Clone, PartialEq)]
pub(crate) struct By<P>(pub(crate) P);

impl<K: 'static, P: Partitioner<K>> Spread<K> for By<P> {
    fn partitions(&self) -> usize {
        self.0.partitions()
    }

    #[inline]
    fn partition(&self, key: &K) -> usize {
        self.0.partition(key)
    }

    fn name(&self) -> &'static str {
        type_name::<P>()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.0);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        from.get().map(By)
    }

    fn partitioning(&self) -> Partitioning {
        Partitioning::by(self)
    }
}

/// A partitioner found at run time: by hash, without an indirect call for each record, or any other.
///
/// So each operator is compiled once and not once for each kind of partitioner.
pub(crate) enum Chosen<K> {
    Hash(By<usize>),
    Other(BoxedPartitioner<K>),
}

impl<K: Hash + 'static> Chosen<K> {
    /// The one that was asked for.
    pub(crate) fn asked<P: Partitioner<K>>(partitioner: P) -> Result<Self> {
        check_partitions(partitioner.partitions())?;
        Ok(match (&partitioner as &dyn Any).downcast_ref::<usize>() {
            Some(partitions) => Chosen::Hash(By(*partitions)),
            None => Chosen::Other(BoxedPartitioner::new(&By(partitioner))),
        })
    }

    /// The one to use where none is asked for: that of the parents which has most partitions, unless one of them has
    /// ten times as many and more; else by hash into as many as the largest parent has.
    pub(crate) fn upstream(parents: &[(Option<Partitioning>, usize)]) -> Self {
        let largest = parents.iter().map(|(_, partitions)| *partitions).max().unwrap_or(1);
        let known = parents.iter().filter_map(|(partitioning, _)| partitioning.as_ref()?.partitioner::<K>());
        // The first of equals, where `max_by_key` alone would take the last.
        let known = known.reduce(|a, b| if b.partitions() > a.partitions() { b } else { a });
        match known {
            Some(known) if known.partitions().saturating_mul(10) > largest => Chosen::known(known),
            _ => Chosen::Hash(By(largest.max(1))),
        }
    }

    /// That of an RDD which is spread already.
    pub(crate) fn known(known: BoxedPartitioner<K>) -> Self {
        match known.partitioning().typed::<K, By<usize>>() {
            Some(by) => Chosen::Hash(by.clone()),
            None => Chosen::Other(known),
        }
    }
}

impl<K> Clone for Chosen<K> {
    fn clone(&self) -> Self {
        match self {
            Chosen::Hash(by) => Chosen::Hash(by.clone()),
            Chosen::Other(other) => Chosen::Other(other.clone()),
        }
    }
}

impl<K: Hash + 'static> PartialEq for Chosen<K> {
    fn eq(&self, other: &Self) -> bool {
        self.partitioning() == other.partitioning()
    }
}

impl<K: Hash + 'static> Spread<K> for Chosen<K> {
    fn partitions(&self) -> usize {
        match self {
            Chosen::Hash(by) => by.0,
            Chosen::Other(other) => other.partitions(),
        }
    }

    #[inline]
    fn partition(&self, key: &K) -> usize {
        match self {
            Chosen::Hash(by) => by.partition(key),
            Chosen::Other(other) => other.partition(key),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Chosen::Hash(by) => Spread::<K>::name(by),
            Chosen::Other(other) => other.name(),
        }
    }

    fn is_known(&self) -> bool {
        match self {
            Chosen::Hash(_) => true,
            Chosen::Other(other) => other.is_known(),
        }
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        if let Chosen::Other(other) = self {
            other.dependencies(to);
        }
    }

    fn encode(&self, to: &mut Encoder) {
        match self {
            Chosen::Hash(by) => to.put(&Some(by.0)),
            Chosen::Other(other) => {
                to.put(&None::<usize>);
                other.encode(to);
            }
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(match from.get()? {
            Some(partitions) => Chosen::Hash(By(partitions)),
            None => Chosen::Other(BoxedPartitioner::decode(from)?),
        })
    }

    fn partitioning(&self) -> Partitioning {
        match self {
            Chosen::Hash(by) => Spread::<K>::partitioning(by),
            Chosen::Other(other) => Spread::partitioning(other),
        }
    }
}
