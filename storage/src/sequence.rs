//! Hadoop's SequenceFiles: pairs of keys and values under the names of their Java classes.
//!
//! Shape, version 6, big-endian: a [header](header), then groups that begin with a *sync marker*, the 16 bytes that the header
//! tells, behind `-1`, so that a reader may begin at any of them; the first group follows the header with or without one.
//!
//! - as they are, or packed value by value: records of a length `i32` (of key and value), the key's length `i32`, the key, the
//!   value; a marker about every 100 KiB;
//! - packed by blocks: a marker, the number of records as a *vint*, then the lengths of the keys, the keys, the lengths of
//!   the values, the values, each packed, behind its length packed as a vint.
//!
//! Nothing marks the end, and what is not packed is not checked: a file cut between two records looks whole.

mod error;
mod header;
mod input;
mod part;
mod read;
mod split;
mod vint;
mod writable;
mod write;

pub use error::SequenceError;
pub use part::SequencePartWriter;
pub use read::SequenceReader;
pub use split::{SequencePairs, plan_sequence, read_sequence};
pub use writable::{Writable, WritableError};
pub use write::SequenceWriter;

use crate::Codec;
use serde::{Deserialize, Serialize};

/// Stands where a record's length would, before a sync marker.
const ESCAPE: [u8; 4] = (-1_i32).to_be_bytes();
const SYNC_BYTES: usize = 16;

/// What of a SequenceFile is packed, and how.
///
/// lz4 and snappy stand for Hadoop's framing of them, the only one that such files know.
///
/// ```
/// use rsk_storage::{Codec, Compression};
/// assert_eq!(Compression::Blocks(Codec::Lz4).codec(), Some(Codec::Lz4Hadoop));
/// assert_eq!(Compression::None.codec(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Compression {
    /// Nothing.
    #[default]
    None,
    /// Each value by itself.
    Records(Codec),
    /// About a million bytes of keys, and of values, together: the smallest.
    Blocks(Codec),
}

impl Compression {
    /// What packs it, as the file has it.
    pub fn codec(self) -> Option<Codec> {
        match self {
            Compression::None => None,
            Compression::Records(codec) | Compression::Blocks(codec) => Some(match codec {
                Codec::Lz4 => Codec::Lz4Hadoop,
                Codec::Snappy => Codec::SnappyHadoop,
                codec => codec,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
