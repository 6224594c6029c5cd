//! The files that a map task leaves, as executors write them and agents serve them: their names, and the index that says
//! whose they are and where each reduce partition's bytes lie.
//!
//! Shape of the index: a head of magic and version, shuffle, map partition, task, number of reduce partitions and the
//! CRC32C of all these; then for each reduce partition offset, length, CRC32C of its bytes, and the CRC32C of this entry.
//! All numbers little-endian and of fixed size, so that a reader fetches the head and one entry however many there are.
//! Bump the version when this or the frame format changes.

use crate::{Cause, MapOutputId, PartitionId, ShuffleId, ValueId};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"rskidx\x00\x02";
/// The index begins with so many bytes.
pub const INDEX_HEAD_BYTES: usize = 36;
/// Each reduce partition has so many.
pub const INDEX_ENTRY_BYTES: usize = 24;

/// Where bytes are in a file, and their checksum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The first byte.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
    /// Their CRC32C.
    pub crc32c: u32,
}

impl Piece {
    /// The offset of what follows it.
    pub fn end(self) -> u64 {
        self.offset.saturating_add(self.bytes)
    }
}

/// The folder of one shuffle's files, under the folder of all.
pub fn shuffle_folder(all: &Path, shuffle: ShuffleId) -> PathBuf {
    all.join(shuffle.to_string())
}

/// The data file and the index file of a map output. The attempt is in the name: attempts never mix.
pub fn map_output_paths(shuffles: &Path, id: MapOutputId) -> (PathBuf, PathBuf) {
    let folder = shuffle_folder(shuffles, id.shuffle);
    let name = format!("{}-{}", id.map, id.task);
    (folder.join(format!("{name}.data")), folder.join(format!("{name}.index")))
}

/// The file of a large value that an executor got, beside the shuffles that the agent serves.
pub fn value_path(shuffles: &Path, id: ValueId) -> PathBuf {
    shuffles.join("values").join(id.0.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}

/// The whole index of a map output.
pub fn encode_index(id: MapOutputId, entries: &[Piece]) -> Vec<u8> {
    let mut bytes = index_head(id, u32::try_from(entries.len()).unwrap_or(u32::MAX));
    for (at, entry) in entries.iter().enumerate() {
        let start = bytes.len();
        bytes.extend_from_slice(&entry.offset.to_le_bytes());
        bytes.extend_from_slice(&entry.bytes.to_le_bytes());
        bytes.extend_from_slice(&entry.crc32c.to_le_bytes());
        let check = check_of(at as u64, &bytes[start..]);
        bytes.extend_from_slice(&check.to_le_bytes());
    }
    bytes
}

/// How the index of a map output for so many reduce partitions begins.
pub fn index_head(id: MapOutputId, partitions: u32) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&id.shuffle.0.to_le_bytes());
    bytes.extend_from_slice(&id.map.0.to_le_bytes());
    bytes.extend_from_slice(&id.task.0.to_le_bytes());
    bytes.extend_from_slice(&partitions.to_le_bytes());
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// Where the entry of a reduce partition lies in the index.
pub fn index_entry_offset(reduce: PartitionId) -> u64 {
    INDEX_HEAD_BYTES as u64 + u64::from(reduce.0) * INDEX_ENTRY_BYTES as u64
}

/// The entry of one reduce partition.
///
/// Errors: it is damaged, or another partition's.
pub fn decode_index_entry(reduce: PartitionId, entry: [u8; INDEX_ENTRY_BYTES]) -> Result<Piece, Cause> {
    let check = check_of(u64::from(reduce.0), &entry[..INDEX_ENTRY_BYTES - 4]);
    if check.to_le_bytes() != entry[INDEX_ENTRY_BYTES - 4..] {
        return Err(Cause::new(format!("its entry for {reduce} is damaged")));
    }
    let mut numbers = entry.chunks_exact(4).map(|number| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(number);
        u32::from_le_bytes(bytes)
    });
    let mut next = || numbers.next().unwrap_or(0);
    let mut long = || u64::from(next()) | u64::from(next()) << 32;
    let (offset, bytes) = (long(), long());
    Ok(Piece { offset, bytes, crc32c: next() })
}

/// The place is part of the sum: entries cannot be exchanged.
fn check_of(at: u64, entry: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&at.to_le_bytes()), entry)
}
