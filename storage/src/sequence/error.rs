//! Why bytes are no SequenceFile, or not the one that was asked for.

use super::WritableError;
use rsk_proto::ByteSize;
use std::io;

/// A SequenceFile cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SequenceError {
    /// The bytes cannot be read or written, or end early.
    #[error("it cannot be read or written to its end")]
    Io(#[from] io::Error),
    /// It does not begin as such a file does.
    #[error("it does not begin with SEQ")]
    NotSequence,
    /// It is of another version of the format.
    #[error("it is of version {0} of its format, and only 6 is known, which Hadoop writes since 2007")]
    Version(u8),
    /// It holds keys or values of another class.
    #[error("its {part}s are {found}, not {asked}: read them as the type that stands for {found}")]
    Class {
        /// `key` or `value`.
        part: &'static str,
        /// The class that the file names.
        found: String,
        /// The class of the type asked for.
        asked: &'static str,
    },
    /// It is packed by a class that is not known.
    #[error(
        "it is packed by {0}, which is none of the codecs that are known: gzip, deflate, bzip2, zstd, lz4, snappy"
    )]
    Codec(String),
    /// A key or a value is not what its class writes.
    #[error("a {part} of {bytes} bytes is no {class}")]
    Writable {
        /// `key` or `value`.
        part: &'static str,
        /// How many bytes it has.
        bytes: usize,
        /// Its class.
        class: &'static str,
        /// What is wrong with them.
        source: WritableError,
    },
    /// Its bytes are not what the format says.
    #[error("{0}")]
    Damaged(String),
    /// Something is larger than it may be.
    #[error("{what} takes {bytes}, above the limit of {limit}: raise the memory")]
    TooLarge {
        /// A record, or a part of a block.
        what: &'static str,
        /// What it takes, or more.
        bytes: ByteSize,
        /// What is allowed.
        limit: ByteSize,
    },
}

impl SequenceError {
    pub(super) fn too_large(what: &'static str, bytes: u64, limit: u64) -> Self {
        SequenceError::TooLarge { what, bytes: ByteSize(bytes), limit: ByteSize(limit) }
    }
}
