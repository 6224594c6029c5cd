//! Pairs sorted by key: in each partition, and by range over all partitions.

use super::{PartitionBy, facts::facts_of, range::RangePartitioner, spread::Either};
use crate::rdd::{Partitioner, Partitioning, Rdd, partitioner::By, partitions::Asked};
use rsk_executor::{
    TaskContext,
    sort::{sort, sort_by_bytes},
};
use rsk_proto::{CodecError, Data, Decoder, Encoder, OrRaise, PartitionId};
use rsk_storage::Text;
use std::{
    any::{Any, TypeId},
    cmp::Ordering,
    fmt,
};

/// What `sort_by_key` and `repartition_and_sort_within_partitions` give. Pairs of equal keys keep their order.
pub struct Sorted<K: Data, V: Data> {
    pairs: PartitionBy<K, V>,
    descending: bool,
    asked: Asked,
}

impl<K: Data, V: Data> Clone for Sorted<K, V> {
    fn clone(&self) -> Self {
        Sorted { pairs: self.pairs.clone(), ..*self }
    }
}

impl<K: Data, V: Data> fmt::Debug for Sorted<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sorted").field(&self.pairs).finish()
    }
}

impl<K: Data + Ord, V: Data> Sorted<K, V> {
    /// Sorted over all partitions.
    pub(crate) fn over_all<P: Rdd<Item = (K, V)>>(parent: &P, partitions: usize, descending: bool) -> Self
    where
        K: Sync,
    {
        let asked = Asked(partitions);
        let ranges = RangePartitioner::new(parent, asked.possible(), descending);
        Sorted { pairs: PartitionBy::new(parent, &ranges), descending, asked }
    }

    fn compare(&self) -> impl Fn(&(K, V), &(K, V)) -> Ordering + Clone + 'static {
        let descending = self.descending;
        move |a, b| if descending { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) }
    }

    /// Sorted in each of the partitioner's partitions.
    pub(crate) fn within<P: Rdd<Item = (K, V)>, Q: Partitioner<K>>(parent: &P, partitioner: Q) -> Self {
        let asked = Asked(partitioner.partitions());
        Sorted { pairs: PartitionBy::new(parent, &By(partitioner)), descending: false, asked }
    }
}

impl<K: Data + Ord, V: Data> Rdd for Sorted<K, V> {
    type Item = (K, V);

    facts_of!(pairs);

    fn partitioning(&self) -> Option<Partitioning> {
        self.pairs.partitioning()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = (K, V)> + 'static {
        self.asked.check().or_raise();
        let pairs = self.pairs.compute(partition, task);
        if is_text::<K>() {
            return Either::Left(sort_by_bytes(task, pairs, text_bytes, self.descending));
        }
        Either::Right(sort(task, pairs, self.compare()))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.pairs.encode(partition, to);
        to.put(&(self.descending, self.asked));
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let pairs = PartitionBy::decode(from)?;
        let (descending, asked) = from.get()?;
        Ok(Sorted { pairs, descending, asked })
    }
}

fn is_text<K: 'static>() -> bool {
    [TypeId::of::<String>(), TypeId::of::<Text>(), TypeId::of::<Vec<u8>>()].contains(&TypeId::of::<K>())
}

/// The bytes of a text, as it is compared and encoded.
#[inline]
fn text_bytes<K: 'static>(key: &K) -> &[u8] {
    let key: &dyn Any = key;
    let text = key.downcast_ref::<Text>().map(|text| text.as_bytes());
    let text = text.or_else(|| key.downcast_ref::<String>().map(String::as_bytes));
    text.or_else(|| key.downcast_ref::<Vec<u8>>().map(Vec::as_slice)).unwrap_or_default()
}
