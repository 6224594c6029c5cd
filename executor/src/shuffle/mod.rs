//! Records between stages: buffered by reduce partition, written by map tasks, fetched and combined by reduce tasks.

mod buffer;
mod write;
mod index;
mod fetch;
mod combine;
#[cfg(test)]
mod tests;

pub use combine::{combine, combine_early};
pub use fetch::fetch;
pub use write::ShuffleWriter;

use rsk_proto::{PartitionId, ShuffleId};
use std::{hash::BuildHasher, hash::Hash};

/// The folder of one shuffle's files, under the folder of all.
pub fn folder(all: &std::path::Path, shuffle: ShuffleId) -> std::path::PathBuf {
    all.join(shuffle.to_string())
}

/// The hash that decides which reduce partition a key belongs to: the same in each process, in each run.
pub fn hash_of<K: Hash + ?Sized>(key: &K) -> u64 {
    foldhash::quality::FixedState::with_seed(0x0072_736b).hash_one(key)
}

/// The reduce partition of a key, of `partitions`.
pub fn partition_of<K: Hash + ?Sized>(key: &K, partitions: u32) -> PartitionId {
    // The high half decides, so that tables inside one partition still spread by the low half.
    let partition = ((hash_of(key) >> 32) * u64::from(partitions.max(1))) >> 32;
    PartitionId(u32::try_from(partition).unwrap_or(0))
}
