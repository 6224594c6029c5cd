//! Values of one key merged into one, in a table within the task's share of memory.

use super::{buffer::PartitionBuffer, hash_of};
use crate::{TaskContext, memory::Watch};
use hashbrown::HashTable;
use rsk_proto::{Data, FrameReader, OrRaise, TaskError};
use std::hash::Hash;

/// Keys spill into so many buckets; one bucket at a time is then held in memory.
const BUCKETS: usize = 64;

/// Keys in order of first appearance, each with what its values have been merged into.
struct Table<K, C> {
    entries: Vec<(K, Option<C>)>,
    places: HashTable<(u32, u32)>,
}

impl<K: Hash + Eq, C> Table<K, C> {
    fn new() -> Self {
        Table { entries: Vec::new(), places: HashTable::new() }
    }

    fn merge(&mut self, key: K, value: C, merge: &impl Fn(C, C) -> C) {
        let hash = hash_of(&key);
        let low = u32::try_from(hash & u64::from(u32::MAX)).unwrap_or(0);
        let entries = &self.entries;
        if let Some(&(_, place)) =
            self.places.find(hash, |&(held, place)| held == low && entries[place as usize].0 == key)
        {
            let slot = &mut self.entries[place as usize].1;
            *slot = match slot.take() {
                Some(held) => Some(merge(held, value)),
                None => Some(value),
            };
            return;
        }
        let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push((key, Some(value)));
        let entries = &self.entries;
        self.places.insert_unique(hash, (low, place), |&(_, place)| hash_of(&entries[place as usize].0));
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= u32::MAX as usize
    }

    /// Empties the table.
    fn take(&mut self) -> impl Iterator<Item = (K, C)> + use<K, C> {
        self.places.clear();
        std::mem::take(&mut self.entries).into_iter().filter_map(|(key, value)| Some((key, value?)))
    }
}

/// Combines what it can within the memory it has, and hands the table on when that is full: the map side, where a key
/// may appear again later. Touches no disk.
pub fn combine_early<K, C>(
    task: &TaskContext,
    mut records: impl Iterator<Item = (K, C)> + 'static,
    merge: impl Fn(C, C) -> C + 'static,
) -> impl Iterator<Item = (K, C)> + 'static
where
    K: Hash + Eq + 'static,
    C: 'static,
{
    let task = task.clone();
    std::iter::from_fn(move || {
        let (mut table, mut watch) = (Table::new(), Watch::new(&task));
        for (key, value) in records.by_ref() {
            table.merge(key, value, &merge);
            if watch.is_over() || table.is_full() {
                break;
            }
        }
        if table.entries.is_empty() { None } else { Some(table.take()) }
    })
    .flatten()
}

/// Combines all records of each key: the reduce side. Beyond its memory it spills by buckets of the key's hash and then
/// combines one bucket at a time.
///
/// Order: keys as they first appear, within their bucket where it spilled; the same in each run.
pub fn combine<K, C>(
    task: &TaskContext,
    records: impl Iterator<Item = (K, C)> + 'static,
    merge: impl Fn(C, C) -> C + 'static,
) -> impl Iterator<Item = (K, C)> + 'static
where
    K: Data + Hash + Eq,
    C: Data,
{
    let (mut table, mut watch) = (Table::new(), Watch::new(task));
    let mut spilled = PartitionBuffer::new(task, BUCKETS);
    for (key, value) in records {
        table.merge(key, value, &merge);
        if watch.is_over() || table.is_full() {
            spill(&mut table, &mut spilled).or_raise();
        }
    }
    if spilled.has_spilled() {
        spill(&mut table, &mut spilled).or_raise();
    }
    let in_memory = table.take();
    let buckets = if spilled.has_spilled() { BUCKETS } else { 0 };
    in_memory.chain((0..buckets).flat_map(move |bucket| {
        let mut table = Table::new();
        let merged = spilled.drain(bucket, |frames| {
            for record in FrameReader::new(frames) {
                let (key, value) =
                    record.map_err(|cause| TaskError::Io(cause.within("cannot read back a spill")))?;
                table.merge(key, value, &merge);
            }
            Ok(())
        });
        merged.or_raise();
        table.take()
    }))
}

fn spill<K: Data + Hash + Eq, C: Data>(
    table: &mut Table<K, C>,
    to: &mut PartitionBuffer,
) -> Result<(), TaskError> {
    for record in table.take() {
        // Bits that chose neither the reduce partition nor the place in a small table.
        let bucket = (hash_of(&record.0) >> 20) % BUCKETS as u64;
        to.write(rsk_proto::to_usize(bucket), &record)?;
    }
    to.spill()
}
