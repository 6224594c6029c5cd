//! Which partition a key belongs to.

use super::{Dependency, ship::Entry};
use rsk_executor::shuffle::partition_of;
use rsk_proto::{CodecError, Data, Decoder, Encoder};
use std::{any::Any, hash::Hash, sync::Arc};

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

    /// What must have run before the partitioner can be used.
    #[doc(hidden)]
    fn dependencies(&self, _: &mut Vec<Dependency>) {}
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

/// How an RDD's records are spread over its partitions by key.
///
/// Shape: opaque and comparable. An operator that keeps keys where they are passes on its parent's.
#[derive(Clone)]
pub struct Partitioning(Arc<dyn Known>);

/// A partitioner whose type and key are forgotten.
trait Known: Send + Sync {
    fn is(&self, other: &dyn Known) -> bool;
    fn as_any(&self) -> &dyn Any;
    /// A `BoxedPartitioner` of the key's type.
    fn boxed(self: Arc<Self>) -> Box<dyn Any>;
}

struct Typed<K, P>(P, std::marker::PhantomData<fn() -> K>);

impl<K: 'static, P: Partitioner<K>> Known for Typed<K, P> {
    fn is(&self, other: &dyn Known) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| self.0 == other.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn boxed(self: Arc<Self>) -> Box<dyn Any> {
        Box::new(BoxedPartitioner(self as Arc<dyn Erased<K>>))
    }
}

impl Partitioning {
    /// How `partitioner` spreads keys of type `K`.
    pub fn of<K: 'static, P: Partitioner<K>>(partitioner: &P) -> Self {
        Partitioning(Arc::new(Typed(partitioner.clone(), std::marker::PhantomData::<fn() -> K>)))
    }

    /// The partitioner, if it is one of keys of type `K`.
    pub(crate) fn partitioner<K: 'static>(&self) -> Option<BoxedPartitioner<K>> {
        Arc::clone(&self.0).boxed().downcast().ok().map(|boxed| *boxed)
    }

    /// Does `partitioner` spread keys of type `K` in the same way?
    pub(crate) fn is<K: 'static, P: Partitioner<K>>(&self, partitioner: &P) -> bool {
        self.0.as_any().downcast_ref::<Typed<K, P>>().is_some_and(|own| own.0 == *partitioner)
    }
}

impl PartialEq for Partitioning {
    fn eq(&self, other: &Self) -> bool {
        self.0.is(&*other.0)
    }
}

impl std::fmt::Debug for Partitioning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Partitioning")
    }
}

/// A partitioner whose type is forgotten: that of a parent, used for another parent too.
pub(crate) struct BoxedPartitioner<K>(Arc<dyn Erased<K>>);

type Decode<K> = fn(&mut Decoder<'_>) -> Result<BoxedPartitioner<K>, CodecError>;

trait Erased<K>: Send + Sync {
    fn partitions(&self) -> usize;
    fn partition(&self, key: &K) -> usize;
    fn dependencies(&self, to: &mut Vec<Dependency>);
    fn encode(&self, to: &mut Encoder);
    fn known(self: Arc<Self>) -> Partitioning;
}

impl<K: 'static, P: Partitioner<K>> Erased<K> for Typed<K, P> {
    fn partitions(&self) -> usize {
        self.0.partitions()
    }

    fn partition(&self, key: &K) -> usize {
        self.0.partition(key)
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.0.dependencies(to);
    }

    fn encode(&self, to: &mut Encoder) {
        const { &Entry::new::<(K, P)>(decode::<K, P> as Decode<K>) }.encode(to);
        to.put(&self.0);
    }

    fn known(self: Arc<Self>) -> Partitioning {
        Partitioning(self)
    }
}

fn decode<K: 'static, P: Partitioner<K>>(from: &mut Decoder<'_>) -> Result<BoxedPartitioner<K>, CodecError> {
    from.get().map(|partitioner: P| BoxedPartitioner::new(partitioner))
}

impl<K> Clone for BoxedPartitioner<K> {
    fn clone(&self) -> Self {
        BoxedPartitioner(Arc::clone(&self.0))
    }
}

/// How the map side of a shuffle uses a partitioner, typed or boxed.
pub(crate) trait Spread<K>: Clone + Send + Sync + 'static {
    fn partitions(&self) -> usize;
    fn partition(&self, key: &K) -> usize;
    fn dependencies(&self, to: &mut Vec<Dependency>);
    fn partitioning(&self) -> Partitioning;
    fn encode(&self, to: &mut Encoder);
    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError>;
}

/// A partitioner of a known type.
#[derive(Clone)]
pub(crate) struct By<P>(pub(crate) P);

impl<K: 'static, P: Partitioner<K>> Spread<K> for By<P> {
    fn partitions(&self) -> usize {
        self.0.partitions()
    }

    #[inline]
    fn partition(&self, key: &K) -> usize {
        self.0.partition(key)
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.0.dependencies(to);
    }

    fn partitioning(&self) -> Partitioning {
        Partitioning::of(&self.0)
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.0);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        from.get().map(By)
    }
}

impl<K: 'static> BoxedPartitioner<K> {
    pub(crate) fn new<P: Partitioner<K>>(partitioner: P) -> Self {
        BoxedPartitioner(Arc::new(Typed(partitioner, std::marker::PhantomData::<fn() -> K>)))
    }
}

impl<K: 'static> Spread<K> for BoxedPartitioner<K> {
    fn partitions(&self) -> usize {
        self.0.partitions()
    }

    fn partition(&self, key: &K) -> usize {
        self.0.partition(key)
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.0.dependencies(to);
    }

    fn partitioning(&self) -> Partitioning {
        Arc::clone(&self.0).known()
    }

    fn encode(&self, to: &mut Encoder) {
        self.0.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Entry::<Decode<K>>::decode(from)?(from)
    }
}
