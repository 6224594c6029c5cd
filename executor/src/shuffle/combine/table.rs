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

/// Where keys were found last, by the last bits of their hash: one comparison finds a frequent key again.
pub(super) struct Recent(Box<[(u32, u32); RECENT]>);

/// 8 KiB of them: a quarter of the processor's nearest cache.
const RECENT: usize = 1 << 10;

impl Recent {
    pub(super) fn new() -> Self {
        // No table is so long that this is a place in it.
        Recent(Box::new([(0, u32::MAX); RECENT]))
    }

    #[inline]
    fn of(&mut self, hash: u32) -> &mut (u32, u32) {
        &mut self.0[hash as usize % RECENT]
    }
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
        match self.find(hash, &key) {
            Some(at) => merge_into(&mut self.entries[at as usize].1, value, create, merge),
            None => self.insert(hash, key, Some(create(value))),
        }
    }

    /// [`merge`](Table::merge) that looks first where the key was found last, for as long as keys are so few that it may
    /// well be there: that takes a third off.
    #[inline]
    pub(super) fn merge_recent<V>(
        &mut self,
        recent: &mut Recent,
        hash: u32,
        key: K,
        value: V,
        create: &impl Fn(V) -> C,
        merge: &impl Fn(C, V) -> C,
    ) {
        if self.entries.len() > 4 * RECENT {
            return self.merge(hash, key, value, create, merge);
        }
        let last = recent.of(hash);
        if last.0 == hash
            && let Some((held, slot)) = self.entries.get_mut(last.1 as usize)
            && *held == key
        {
            return merge_into(slot, value, create, merge);
        }
        match self.find(hash, &key) {
            Some(at) => {
                *last = (hash, at);
                merge_into(&mut self.entries[at as usize].1, value, create, merge);
            }
            None => self.insert(hash, key, Some(create(value))),
        }
    }

    #[inline]
    fn find(&self, hash: u32, key: &K) -> Option<u32> {
        let is_it = |&(held, at): &(u32, u32)| held == hash && self.entries[at as usize].0 == *key;
        self.places.find(spread(hash), is_it).map(|&(_, at)| at)
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

    /// The bytes of the table itself, without what its entries own.
    pub(super) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<(K, Option<C>)>()
            + self.places.capacity() * size_of::<(u32, u32, u8)>()
    }

    pub(super) fn for_each(&self, each: &mut dyn FnMut(&K, &C)) {
        for (key, value) in &self.entries {
            if let Some(value) = value {
                each(key, value);
            }
        }
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = (K, C)> + use<K, C> {
        drop(self.places);
        self.entries.into_iter().filter_map(|(key, value)| Some((key, value?)))
    }
}

#[inline]
fn merge_into<V, C>(slot: &mut Option<C>, value: V, create: &impl Fn(V) -> C, merge: &impl Fn(C, V) -> C) {
    *slot = Some(match slot.take() {
        Some(held) => merge(held, value),
        None => create(value),
    });
}

/// Places are numbered in 32 bits.
fn full<K>() -> Result<u32, TaskError> {
    let what = format!("a table of keys of type {}", std::any::type_name::<K>());
    Err(TaskError::RecordTooLarge { what, bytes: 1 << 32, limit: u64::from(u32::MAX) })
}
