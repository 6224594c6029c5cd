//! What an RDD knows of how its records are spread by key, whatever the partitioner and the key.

use super::{
    Dependency, Partitioner,
    partitioner::{By, Spread},
    ship::Entry,
};
use rsk_proto::{CodecError, Decoder, Encoder};
use std::{any::Any, marker::PhantomData, sync::Arc};

/// How an RDD's records are spread over its partitions by key.
///
/// Shape: opaque and comparable. An operator that keeps keys where they are passes on its parent's.
#[derive(Clone)]
pub struct Partitioning {
    known: Arc<dyn Known>,
    /// A `BoxedPartitioner` of whole records, where their type is known: equal records have equal keys.
    of_records: Option<Arc<dyn Any + Send + Sync>>,
    /// Where it is one of whole records: the one of their keys.
    of_keys: Option<Arc<Partitioning>>,
}

/// A partitioner whose type and key are forgotten.
trait Known: Send + Sync {
    fn is(&self, other: &dyn Known) -> bool;
    fn as_any(&self) -> &dyn Any;
    /// An `Arc<dyn Erased<K>>` of the key's type.
    fn erased(self: Arc<Self>) -> Box<dyn Any>;
}

struct Typed<K, S>(S, PhantomData<fn() -> K>);

impl<K: 'static, S: Spread<K>> Known for Typed<K, S> {
    fn is(&self, other: &dyn Known) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| self.0 == other.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn erased(self: Arc<Self>) -> Box<dyn Any> {
        Box::new(self as Arc<dyn Erased<K>>)
    }
}

impl Partitioning {
    /// How `partitioner` spreads keys of type `K`.
    ///
    /// ```
    /// use rsk::{prelude::*, rdd::Partitioning};
    /// let ctx = rsk::Context::new("local")?;
    /// let sums = ctx.range(0..9, 2).map(|n| (n % 3, n)).reduce_by_key_into(|a, b| a + b, 4)?;
    /// assert_eq!(sums.partitioning(), Some(Partitioning::of::<u64, _>(&4usize)));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn of<K: 'static, P: Partitioner<K>>(partitioner: &P) -> Self {
        Partitioning::by::<K, _>(&By(partitioner.clone()))
    }

    /// How `spread` spreads keys of type `K`.
    pub(crate) fn by<K: 'static, S: Spread<K>>(spread: &S) -> Self {
        let known = Arc::new(Typed(spread.clone(), PhantomData::<fn() -> K>));
        Partitioning { known, of_records: None, of_keys: None }
    }

    /// The same for pairs with values of type `V`: operators that set or change values say so, and thereby operators
    /// on whole records, such as `subtract`, need not move the pairs.
    pub(crate) fn with_values<K: 'static, V: 'static>(mut self) -> Self {
        let of_keys = self.clone();
        self.of_records = self.partitioner::<K>().map(|keys| {
            let mut records = BoxedPartitioner::new(&ByKey(keys, PhantomData::<fn() -> V>));
            records.partitioning.of_keys = Some(Arc::new(of_keys));
            Arc::new(records) as Arc<dyn Any + Send + Sync>
        });
        self
    }

    /// How whole records of type `T` are spread, where that is known.
    pub(crate) fn of_records<T: 'static>(&self) -> Option<Partitioning> {
        let records = self.of_records.as_ref()?.downcast_ref::<BoxedPartitioner<T>>()?;
        Some(records.partitioning.clone())
    }

    /// How the keys of these records, of type `T`, are spread.
    pub(crate) fn of_keys<T: 'static>(&self) -> Option<Partitioning> {
        let mut of_keys = Partitioning::clone(self.of_keys.as_ref()?);
        of_keys.of_records = self.partitioner::<T>().map(|records| Arc::new(records) as _);
        Some(of_keys)
    }

    /// The partitioner, if it is one of keys of type `K`.
    pub(crate) fn partitioner<K: 'static>(&self) -> Option<BoxedPartitioner<K>> {
        let erased = *Arc::clone(&self.known).erased().downcast::<Arc<dyn Erased<K>>>().ok()?;
        Some(BoxedPartitioner { erased, partitioning: self.clone() })
    }

    /// The partitioner, if it is of this type.
    pub(crate) fn typed<K: 'static, S: Spread<K>>(&self) -> Option<&S> {
        self.known.as_any().downcast_ref::<Typed<K, S>>().map(|typed| &typed.0)
    }
}

impl PartialEq for Partitioning {
    fn eq(&self, other: &Self) -> bool {
        self.known.is(&*other.known)
    }
}

impl std::fmt::Debug for Partitioning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Partitioning")
    }
}

/// A partitioner whose type is forgotten: that of a parent, used for another parent too.
pub(crate) struct BoxedPartitioner<K> {
    erased: Arc<dyn Erased<K>>,
    partitioning: Partitioning,
}

type Decode<K> = fn(&mut Decoder<'_>) -> Result<BoxedPartitioner<K>, CodecError>;

trait Erased<K>: Send + Sync {
    fn partitions(&self) -> usize;
    fn partition(&self, key: &K) -> usize;
    fn is_known(&self) -> bool;
    fn name(&self) -> &'static str;
    fn dependencies(&self, to: &mut Vec<Dependency>);
    fn encode(&self, to: &mut Encoder);
}

impl<K: 'static, S: Spread<K>> Erased<K> for Typed<K, S> {
    fn partitions(&self) -> usize {
        self.0.partitions()
    }

    fn partition(&self, key: &K) -> usize {
        self.0.partition(key)
    }

    fn is_known(&self) -> bool {
        self.0.is_known()
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.0.dependencies(to);
    }

    fn encode(&self, to: &mut Encoder) {
        const { &Entry::new::<(K, S)>(decode::<K, S> as Decode<K>) }.encode(to);
        self.0.encode(to);
    }
}

fn decode<K: 'static, S: Spread<K>>(from: &mut Decoder<'_>) -> Result<BoxedPartitioner<K>, CodecError> {
    S::decode(from).map(|spread| BoxedPartitioner::new(&spread))
}

impl<K: 'static> BoxedPartitioner<K> {
    pub(crate) fn new<S: Spread<K>>(spread: &S) -> Self {
        let typed = Arc::new(Typed(spread.clone(), PhantomData::<fn() -> K>));
        let known = Arc::clone(&typed) as Arc<dyn Known>;
        BoxedPartitioner {
            erased: typed,
            partitioning: Partitioning { known, of_records: None, of_keys: None },
        }
    }
}

impl<K> BoxedPartitioner<K> {
    pub(crate) fn partitions(&self) -> usize {
        self.erased.partitions()
    }

    pub(crate) fn partitioning(&self) -> &Partitioning {
        &self.partitioning
    }
}

impl<K> Clone for BoxedPartitioner<K> {
    fn clone(&self) -> Self {
        BoxedPartitioner { erased: Arc::clone(&self.erased), partitioning: self.partitioning.clone() }
    }
}

impl<K> PartialEq for BoxedPartitioner<K> {
    fn eq(&self, other: &Self) -> bool {
        self.partitioning == other.partitioning
    }
}

impl<K: 'static> Spread<K> for BoxedPartitioner<K> {
    fn partitions(&self) -> usize {
        self.erased.partitions()
    }

    fn partition(&self, key: &K) -> usize {
        self.erased.partition(key)
    }

    fn is_known(&self) -> bool {
        self.erased.is_known()
    }

    fn name(&self) -> &'static str {
        self.erased.name()
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.erased.dependencies(to);
    }

    fn encode(&self, to: &mut Encoder) {
        self.erased.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Entry::<Decode<K>>::decode(from)?(from)
    }

    fn partitioning(&self) -> Partitioning {
        self.partitioning.clone()
    }
}

/// Spreads whole pairs by their keys.
struct ByKey<K, V>(BoxedPartitioner<K>, PhantomData<fn() -> V>);

impl<K, V> Clone for ByKey<K, V> {
    fn clone(&self) -> Self {
        ByKey(self.0.clone(), PhantomData)
    }
}

impl<K, V> PartialEq for ByKey<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K: 'static, V: 'static> Spread<(K, V)> for ByKey<K, V> {
    fn partitions(&self) -> usize {
        self.0.partitions()
    }

    fn partition(&self, pair: &(K, V)) -> usize {
        self.0.partition(&pair.0)
    }

    fn is_known(&self) -> bool {
        self.0.is_known()
    }

    fn name(&self) -> &'static str {
        Spread::<K>::name(&self.0)
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.0.dependencies(to);
    }

    fn encode(&self, to: &mut Encoder) {
        self.0.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        BoxedPartitioner::decode(from).map(|keys| ByKey(keys, PhantomData))
    }

    fn partitioning(&self) -> Partitioning {
        Partitioning::by::<(K, V), _>(self)
    }
}
