//! The tables of one combine: one while keys are few, then one a bucket, each small enough for the processor's cache.

use super::table::{Recent, Table, hash_at};
use crate::memory::Scale;
use rsk_proto::Data;
use std::hash::Hash;

/// So many buckets, by the first bits of the hash.
const BUCKETS: usize = 64;
/// With more keys than this one table no longer sits in the cache.
const SINGLE_KEYS_MAX: usize = 16 << 10;
/// At least so many records wait for a bucket before they are merged.
const WAITING_MIN: usize = 256;

/// Keys merged so far.
///
/// Records wait until their bucket has as many of them as keys, and are then merged in one go: so each of a bucket's
/// lines is fetched from memory once for several records. With a million keys that is two to three times as fast as
/// one large table.
pub(super) struct Buckets<K, V, C> {
    level: u64,
    single: Table<K, C>,
    recent: Recent,
    many: Vec<Bucket<K, V, C>>,
    scale: Scale,
}

struct Bucket<K, V, C> {
    table: Table<K, C>,
    waiting: Vec<(u32, K, V)>,
    waiting_max: usize,
}

impl<K: Hash + Eq, V, C> Buckets<K, V, C> {
    pub(super) fn new(level: u64) -> Self {
        let (single, recent) = (Table::default(), Recent::new());
        Buckets { level, single, recent, many: Vec::new(), scale: Scale::default() }
    }

    #[inline]
    pub(super) fn push(&mut self, key: K, value: V, create: &impl Fn(V) -> C, merge: &impl Fn(C, V) -> C) {
        let hash = hash_at(self.level, &key);
        if self.many.is_empty() {
            self.single.merge_recent(&mut self.recent, hash, key, value, create, merge);
            // What was spilled comes back in buckets already, in the order in which it goes on: that is kept.
            if self.single.len() > SINGLE_KEYS_MAX && self.level == 0 {
                self.split();
            }
            return;
        }
        let bucket = &mut self.many[bucket_of(hash)];
        bucket.waiting.push((hash, key, value));
        if bucket.waiting.len() >= bucket.waiting_max {
            bucket.settle(create, merge);
        }
    }

    /// Merges what waits, and gives back its memory; says how many keys there are.
    pub(super) fn settle(&mut self, create: &impl Fn(V) -> C, merge: &impl Fn(C, V) -> C) -> usize {
        self.many.iter_mut().for_each(|bucket| {
            bucket.settle(create, merge);
            bucket.waiting = Vec::new();
        });
        self.single.len() + self.many.iter().map(|bucket| bucket.table.len()).sum::<usize>()
    }

    /// Keys, and records that may be of further ones.
    pub(super) fn len(&self) -> usize {
        self.single.len()
            + self.many.iter().map(|bucket| bucket.table.len() + bucket.waiting.len()).sum::<usize>()
    }

    /// Reckons what they hold after so many records.
    pub(super) fn bytes(&mut self, records: u64, create: &impl Fn(V) -> C, merge: &impl Fn(C, V) -> C) -> u64
    where
        K: Data,
        C: Data,
    {
        let mut scale = std::mem::take(&mut self.scale);
        let owned = scale.owned(records, |each: &mut dyn FnMut(&K, &C)| {
            self.settle(create, merge);
            self.single.for_each(each);
            self.many.iter().for_each(|bucket| bucket.table.for_each(each));
        });
        self.scale = scale;
        let waiting = |bucket: &Bucket<K, V, C>| bucket.waiting.capacity() * size_of::<(u32, K, V)>();
        let many = self.many.iter().map(|bucket| bucket.table.bytes() + waiting(bucket)).sum::<usize>();
        owned + (self.single.bytes() + many) as u64
    }

    fn split(&mut self) {
        let bucket = || Bucket { table: Table::default(), waiting: Vec::new(), waiting_max: WAITING_MIN };
        self.many = (0..BUCKETS).map(|_| bucket()).collect();
        for (key, value) in std::mem::take(&mut self.single).into_entries() {
            let hash = hash_at(self.level, &key);
            self.many[bucket_of(hash)].table.insert(hash, key, Some(value));
        }
    }

    /// Everything in the fixed order: by bucket, and in each by first appearance. Where nothing was split below the
    /// first level there is one bucket.
    pub(super) fn into_entries(
        mut self,
        create: impl Fn(V) -> C,
        merge: impl Fn(C, V) -> C,
    ) -> impl Iterator<Item = (K, C)> {
        if self.level == 0 && self.many.is_empty() {
            self.split();
        }
        let many = self.many.into_iter().flat_map(move |mut bucket| {
            bucket.settle(&create, &merge);
            bucket.table.into_entries()
        });
        self.single.into_entries().chain(many)
    }

    /// Everything by bucket; empties this.
    pub(super) fn take_by_bucket(&mut self) -> impl Iterator<Item = impl Iterator<Item = (K, C)>> {
        if self.many.is_empty() {
            self.split();
        }
        std::mem::take(&mut self.many).into_iter().map(|bucket| bucket.table.into_entries())
    }
}

impl<K: Eq, V, C> Bucket<K, V, C> {
    fn settle(&mut self, create: &impl Fn(V) -> C, merge: &impl Fn(C, V) -> C) {
        for (hash, key, value) in self.waiting.drain(..) {
            self.table.merge(hash, key, value, create, merge);
        }
        self.waiting_max = self.table.len().max(WAITING_MIN);
    }
}

fn bucket_of(hash: u32) -> usize {
    (hash >> (u32::BITS - BUCKETS.ilog2())) as usize
}
