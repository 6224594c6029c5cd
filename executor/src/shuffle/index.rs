//! The index of a map output, read from its file.

use rsk_proto::{
    Cause, INDEX_ENTRY_BYTES, INDEX_HEAD_BYTES, MapOutputId, PartitionId, Piece, decode_index_entry,
    index_entry_offset, index_head,
};
use std::{fs::File, io, os::unix::fs::FileExt};

/// Reads the entry of one reduce partition from the index of this very map output.
pub(crate) fn read(
    file: &File,
    id: MapOutputId,
    reduce: PartitionId,
    partitions: u32,
) -> Result<Piece, Cause> {
    let found: [u8; INDEX_HEAD_BYTES] = read_array(file, 0)?;
    if found[..] != index_head(id, partitions)[..] {
        return Err(Cause::new(format!("it is not the index of {id} for {partitions} partitions")));
    }
    if reduce.0 >= partitions {
        return Err(Cause::new(format!("{reduce} is not among its {partitions} partitions")));
    }
    let entry: [u8; INDEX_ENTRY_BYTES] = read_array(file, index_entry_offset(reduce))?;
    decode_index_entry(reduce, entry)
}

fn read_array<const N: usize>(file: &File, offset: u64) -> Result<[u8; N], Cause> {
    let mut bytes = [0; N];
    file.read_exact_at(&mut bytes, offset).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Cause::new("it is cut short"),
        _ => Cause::of(&error),
    })?;
    Ok(bytes)
}
