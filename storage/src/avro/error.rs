//! Why bytes are no Avro file, or records not of its schema.

use rsk_proto::ByteSize;
use std::{fmt, io};

/// An Avro file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AvroError {
    /// The bytes cannot be read or written, or end early.
    #[error("it cannot be read or written to its end")]
    Io(#[from] io::Error),
    /// It does not begin as such a file does.
    #[error("it does not begin as an Avro object container file does")]
    NotAvro,
    /// It is packed by a codec that is not known.
    #[error(
        "it is packed by {0}, which is none of null, deflate, bzip2, snappy and zstandard: write it with one of these"
    )]
    Codec(String),
    /// Its schema is none.
    #[error("its schema cannot be used: {0}")]
    Schema(String),
    /// Its bytes are not what the format says.
    #[error("{0}")]
    Damaged(String),
    /// A record is not of the type asked for, or cannot be written by the schema.
    #[error("{0}")]
    Record(String),
    /// Something is larger than it may be.
    #[error("{what} takes {bytes}, above the limit of {limit}: raise the memory")]
    TooLarge {
        /// A record, or a block.
        what: &'static str,
        /// What it takes, or more.
        bytes: ByteSize,
        /// What is allowed.
        limit: ByteSize,
    },
}

impl AvroError {
    pub(super) fn too_large(what: &'static str, bytes: u64, limit: u64) -> Self {
        AvroError::TooLarge { what, bytes: ByteSize(bytes), limit: ByteSize(limit) }
    }

    /// The bytes of a record, or of a block, end before it does.
    pub(super) fn short() -> Self {
        AvroError::Damaged("a record goes on beyond its block".to_owned())
    }
}

impl serde::de::Error for AvroError {
    fn custom<T: fmt::Display>(what: T) -> Self {
        AvroError::Record(what.to_string())
    }
}

impl serde::ser::Error for AvroError {
    fn custom<T: fmt::Display>(what: T) -> Self {
        AvroError::Record(what.to_string())
    }
}
