//! Records between stages: buffered by reduce partition, written by map tasks, fetched and combined by reduce tasks.

mod buffer;
mod write;
mod index;
mod fetch;
mod remote;
mod combine;
#[cfg(test)]
mod tests;

pub use combine::{combine, combine_early};
pub use fetch::fetch;
pub(crate) use remote::{Connections, value as fetch_value};
pub use write::ShuffleWriter;

pub use rsk_proto::shuffle_folder as folder;
use rsk_proto::{MapOutput, MapOutputId, PartitionId, map_output_paths};
use std::{
    fs,
    hash::{BuildHasher, Hash},
    path::Path,
};

/// Is a map output there, as far as the folder knows? Its bytes are not looked at.
pub fn is_there(all: &Path, output: &MapOutput) -> bool {
    let (data, index) = map_output_paths(all, output.id);
    index.exists() && fs::metadata(data).is_ok_and(|data| data.len() >= output.bytes)
}

/// Removes a map output that nobody will read.
pub fn remove(all: &Path, output: MapOutputId) {
    let (data, index) = map_output_paths(all, output);
    for path in [&index, &data] {
        fs::remove_file(path).unwrap_or(());
    }
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
