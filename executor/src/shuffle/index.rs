//! The index of a map output: where each reduce partition's bytes are, and their checksum.
//!
//! Shape: magic and version, count, then offset, length and CRC32C a partition, then the CRC32C of all before it.
//! Bump the version when this or the frame format changes.

use rsk_proto::{Cause, MapOutputId, decode_record, encode_record};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"rskidx\x00\x01";

/// Where one reduce partition's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) crc32c: u32,
}

/// The data file and the index file of a map output. The attempt is in the name: attempts never mix.
pub(crate) fn paths(shuffles: &Path, id: MapOutputId) -> (PathBuf, PathBuf) {
    let folder = super::folder(shuffles, id.shuffle);
    let name = format!("{}-{}", id.map, id.task);
    (folder.join(format!("{name}.data")), folder.join(format!("{name}.index")))
}

pub(crate) fn encode(entries: &[Entry]) -> Result<Vec<u8>, rsk_proto::CodecError> {
    let mut bytes = MAGIC.to_vec();
    encode_record(&entries, &mut bytes)?;
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    Ok(bytes)
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Entry>, Cause> {
    let wrong = || Cause::new("the index is damaged");
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or_else(wrong)?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return Err(wrong());
    }
    let mut entries = body.strip_prefix(&MAGIC).ok_or_else(|| Cause::new("the index has another version"))?;
    decode_record(&mut entries).map_err(|error| Cause::of(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_comes_back_and_any_flipped_bit_is_seen() {
        let entries =
            vec![Entry { offset: 0, bytes: 300, crc32c: 7 }, Entry { offset: 300, bytes: 0, crc32c: 0 }];
        let bytes = encode(&entries).unwrap();
        assert_eq!(decode(&bytes).unwrap(), entries);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped).is_err(), "bit {bit}");
        }
    }
}
