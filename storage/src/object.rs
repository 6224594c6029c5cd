//! Object files: the records of one part, in the codec's own form, checked.
//!
//! Shape, little-endian: a head, chunks, an end.
//!
//! - head: [`MAGIC`], version `u32`, length of the type's name `u32`, the name, CRC32C of all that;
//! - chunk: `1`, length `u64`, CRC32C of the bytes, CRC32C of these 13 bytes, then the bytes: frames of
//!   [`rsk_proto::FrameWriter`];
//! - end: `0`, records `u64`, four zeros, CRC32C of these 13 bytes. Nothing follows.

mod read;
mod write;

pub use read::{ObjectPart, read_object_part};
pub use write::ObjectPartWriter;

const MAGIC: [u8; 8] = *b"rsk\0objs";
/// Raised with each change of the shape or of the codec.
const VERSION: u32 = 1;
/// Tag, number, checksum of what follows, checksum of the three.
const MARK_BYTES: usize = 17;
const END: u8 = 0;
const CHUNK: u8 = 1;
const TYPE_NAME_BYTES_MAX: usize = 64 << 10;

/// What stands before a chunk, and at the end.
struct Mark {
    tag: u8,
    /// A chunk's bytes, or all records.
    number: u64,
    checksum: u32,
}

impl Mark {
    fn encode(&self) -> [u8; MARK_BYTES] {
        let mut bytes = [0; MARK_BYTES];
        bytes[0] = self.tag;
        bytes[1..9].copy_from_slice(&self.number.to_le_bytes());
        bytes[9..13].copy_from_slice(&self.checksum.to_le_bytes());
        let own = crc32c::crc32c(&bytes[..13]);
        bytes[13..].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    /// Nothing if the bytes do not match their checksum.
    fn decode(bytes: &[u8; MARK_BYTES]) -> Option<Mark> {
        let (number, checksum) = (bytes[1..9].first_chunk()?, bytes[9..13].first_chunk()?);
        let mark = Mark {
            tag: bytes[0],
            number: u64::from_le_bytes(*number),
            checksum: u32::from_le_bytes(*checksum),
        };
        (mark.encode() == *bytes).then_some(mark)
    }
}

#[cfg(test)]
mod tests;
