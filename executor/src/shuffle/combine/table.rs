//! Keys in order of first appearance, each with what its values have been merged into.

use hashbrown::HashTable;
use rsk_proto::{OrRaise, TaskError};
use std::hash::{BuildHasher, Hash};

/// The 32 bits of a key's hash that tables and buckets go by: those that did not choose the reduce partition. Each
/// level of a combine that spills again has a hash of its own.
#[inline]
pub(super) fn hash_at<K: Hash>(level: u64, key: &K) -> u32 {
    let hash = if level == 0 {
        super::super::hash_of(key)
    } else {
        foldhash::quality::FixedState::with_seed(level).hash_one(key)
    };
    u32::try_from(hash & u64::from(u32::MAX)).unwrap_or(0)
}

/// What the table within wants: it looks at the first bits and at the last.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// `None` stands in a slot only while its value is being merged. An `Option` costs eight bytes on a number and nothing
/// on a collection; moving values out and back otherwise cost more time than that.
pub(super) struct Table<K, C> {
    entries: Vec<(K, Option<C>)>,
    places: HashTable<(u32, u32)>,
}

impl<K, C> Default for Table<K, C> {
    fn default() -> Self {
        Table { entries: Vec::new(), places: HashTable::new() }
    }
}

impl<K: Eq, C> Table<K, C> {
    #[inline]
    pub(super) fn merge<V>(
        &mut self,
        hash: u32,
        key: K,
        value: V,
        create: &impl Fn(V) -> C,
        merge: &impl Fn(C, V) -> C,
    ) {
        let entries = &self.entries;
        let found =
            self.places.find(spread(hash), |&(held, at)| held == hash && entries[at as usize].0 == key);
        if let Some(&(_, at)) = found {
            let slot = &mut self.entries[at as usize].1;
            *slot = Some(match slot.take() {
                Some(held) => merge(held, value),
                None => create(value),
            });
            return;
        }
        self.insert(hash, key, Some(create(value)));
    }

    /// Adds a key that is not there.
    pub(super) fn insert(&mut self, hash: u32, key: K, value: Option<C>) {
        let at = u32::try_from(self.entries.len()).or_else(|_| full::<K>()).or_raise();
        self.entries.push((key, value));
        self.places.insert_unique(spread(hash), (hash, at), |&(hash, _)| spread(hash));
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = (K, C)> + use<K, C> {
        drop(self.places);
        self.entries.into_iter().filter_map(|(key, value)| Some((key, value?)))
    }
}

/// Places are numbered in 32 bits.
fn full<K>() -> Result<u32, TaskError> {
    let what = format!("a table of keys of type {}", std::any::type_name::<K>());
    Err(TaskError::RecordTooLarge { what, bytes: 1 << 32, limit: u64::from(u32::MAX) })
}
