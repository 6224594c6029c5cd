//! The index of a map output: whose it is, and where each reduce partition's bytes are.
//!
//! Shape: a head of magic and version, shuffle, map partition, task, number of reduce partitions and the CRC32C of all
//! these; then for each reduce partition offset, length, CRC32C of its bytes, and the CRC32C of this entry. All numbers
//! little-endian and of fixed size, so that a reader fetches the head and one entry however many there are.
//! Bump the version when this or the frame format changes.

use crate::spill::Piece;
use rsk_proto::{Cause, MapOutputId, PartitionId};
use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

const MAGIC: [u8; 8] = *b"rskidx\x00\x02";
const HEAD_BYTES: usize = 36;
const ENTRY_BYTES: usize = 24;

/// The data file and the index file of a map output. The attempt is in the name: attempts never mix.
pub(crate) fn paths(shuffles: &Path, id: MapOutputId) -> (PathBuf, PathBuf) {
    let folder = super::folder(shuffles, id.shuffle);
    let name = format!("{}-{}", id.map, id.task);
    (folder.join(format!("{name}.data")), folder.join(format!("{name}.index")))
}

pub(crate) fn encode(id: MapOutputId, entries: &[Piece]) -> Vec<u8> {
    let mut bytes = head(id, entries.len() as u64);
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

/// Reads the entry of one reduce partition from the index of this very map output.
pub(crate) fn read(
    file: &File,
    id: MapOutputId,
    reduce: PartitionId,
    partitions: u32,
) -> Result<Piece, Cause> {
    let found: [u8; HEAD_BYTES] = read_array(file, 0)?;
    let wanted = head(id, u64::from(partitions));
    if found[..] != wanted[..] {
        return Err(Cause::new(format!("it is not the index of {id} for {partitions} partitions")));
    }
    if reduce.0 >= partitions {
        return Err(Cause::new(format!("{reduce} is not among its {partitions} partitions")));
    }
    let entry: [u8; ENTRY_BYTES] =
        read_array(file, HEAD_BYTES as u64 + u64::from(reduce.0) * ENTRY_BYTES as u64)?;
    let check = check_of(u64::from(reduce.0), &entry[..ENTRY_BYTES - 4]);
    if check.to_le_bytes() != entry[ENTRY_BYTES - 4..] {
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

fn head(id: MapOutputId, partitions: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&id.shuffle.0.to_le_bytes());
    bytes.extend_from_slice(&id.map.0.to_le_bytes());
    bytes.extend_from_slice(&id.task.0.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(partitions).unwrap_or(u32::MAX).to_le_bytes());
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// The place is part of the sum: entries cannot be exchanged.
fn check_of(at: u64, entry: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&at.to_le_bytes()), entry)
}

fn read_array<const N: usize>(file: &File, offset: u64) -> Result<[u8; N], Cause> {
    let mut bytes = [0; N];
    file.read_exact_at(&mut bytes, offset).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Cause::new("it is cut short"),
        _ => Cause::of(&error),
    })?;
    Ok(bytes)
}
