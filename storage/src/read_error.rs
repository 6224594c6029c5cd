//! Why input cannot be read.

use crate::{AvroError, ClientError, Codec, Location, SequenceError};
use rsk_proto::{ByteSize, Cause, TaskError};
use std::io;

/// Input cannot be read, or is not what it should be. Each names its file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {0:?}")]
    Io(Location, #[source] io::Error),
    /// A line is not UTF-8.
    #[error(
        "{path:?} is not UTF-8 in the line at byte {offset}: mend it, or ask for InvalidUtf8::Lossy to read what is \
         wrong as U+FFFD"
    )]
    Utf8 {
        /// The file.
        path: Location,
        /// Where the line starts; in a compressed file, in what comes out of it.
        offset: u64,
        /// What is wrong, counted from the line's start.
        source: std::str::Utf8Error,
    },
    /// The file has become shorter since it was listed.
    #[error(
        "{path:?} has {bytes} bytes, but had {listed} when the job listed it: run the job again once it rests"
    )]
    Shrunk {
        /// The file.
        path: Location,
        /// Its length when the job was planned.
        listed: u64,
        /// Its length now.
        bytes: u64,
    },
    /// Another file is in its place.
    #[error(
        "{0:?} is not what it was when the job listed it: run the job again, and leave its input alone meanwhile"
    )]
    Replaced(Location),
    /// The store cannot be asked for the file.
    #[error("cannot read {0:?}")]
    Client(Location, #[source] ClientError),
    /// The store did not give the file's bytes.
    #[error("cannot read {0:?}")]
    Store(Location, #[source] Cause),
    /// The file's name promises a format that its first bytes are not.
    #[error("{path:?} does not begin as {format} does: rename it if it is not, or fetch it again")]
    Format {
        /// The file.
        path: Location,
        /// What it should be.
        format: &'static str,
    },
    /// The file's first bytes are those of a codec that its name does not tell of.
    #[error("{path:?} is packed by {codec}, and its name does not say so: let it end in .{}", codec.extension())]
    Unnamed {
        /// The file.
        path: Location,
        /// What packed it.
        codec: Codec,
    },
    /// The file ends early, or its bytes have changed since they were written.
    #[error("{0:?} is cut short or damaged: fetch or write it again")]
    Damaged(Location, #[source] Cause),
    /// A file of objects was written by another version of its format.
    #[error("{path:?} is of version {found} of its format, and this program reads version {known}")]
    Version {
        /// The file.
        path: Location,
        /// The file's version.
        found: u32,
        /// The version that this program knows.
        known: u32,
    },
    /// A file of objects holds objects of another type.
    #[error("{path:?} holds records of type {found}, not {asked}: read it as the type it was saved as")]
    Type {
        /// The file.
        path: Location,
        /// The type whose records it holds.
        found: String,
        /// The type asked for.
        asked: String,
    },
    /// The file is no SequenceFile, or not the one that was asked for.
    #[error("cannot read {0:?} as a SequenceFile of Hadoop")]
    Sequence(Location, #[source] SequenceError),
    /// The file is no Avro file, or one that cannot be read.
    #[error("cannot read {0:?} as an Avro file")]
    Avro(Location, #[source] AvroError),
    /// The file is packed by a codec that is not known.
    #[error(
        "{path:?} is packed by {codec}, which is not known here: write it with snappy, gzip, lz4 or zstd"
    )]
    Packed {
        /// The file.
        path: Location,
        /// The codec.
        codec: String,
    },
    /// The file has no such column.
    #[error("{path:?} has no column {column:?}")]
    Column {
        /// The file.
        path: Location,
        /// The column asked for.
        column: String,
        /// The columns that it has.
        #[source]
        cause: Cause,
    },
    /// The file's length is no number of records.
    #[error(
        "{path:?} has {bytes} bytes, which are no whole records of {record_bytes}: give the length of its records"
    )]
    Records {
        /// The file.
        path: Location,
        /// Its length.
        bytes: u64,
        /// The length of a record.
        record_bytes: u64,
    },
    /// A record is not what its format says, or not of the type asked for.
    #[error("{path:?} holds no {asked} in {format} at byte {offset}: mend it, or ask for what it is")]
    Record {
        /// What such records are called.
        format: &'static str,
        /// The file.
        path: Location,
        /// Where the record starts; in a compressed file, in what comes out of it.
        offset: u64,
        /// The type.
        asked: &'static str,
        /// What is wrong with it.
        #[source]
        cause: Cause,
    },
    /// One line, or one file that is to be one record, is larger than a record may be.
    #[error("{what} takes {bytes} or more, above the limit of {limit} a record: raise the memory")]
    TooLarge {
        /// The record.
        what: String,
        /// So many bytes of it were read.
        bytes: ByteSize,
        /// So many are allowed.
        limit: ByteSize,
    },
}

impl ReadError {
    /// An error while a file is read.
    pub(crate) fn of(path: &Location, error: io::Error) -> Self {
        error.downcast::<ReadError>().unwrap_or_else(|error| ReadError::Io(path.clone(), error))
    }

    /// An error while what is packed in a file is unpacked: of reading it, or of the bytes.
    pub(crate) fn unpacking(path: &Location, error: io::Error) -> Self {
        let is_read = error.raw_os_error().is_some()
            || matches!(error.get_ref(), Some(inner) if inner.is::<ReadError>());
        if is_read {
            return ReadError::of(path, error);
        }
        ReadError::Damaged(path.clone(), Cause::of(&error))
    }

    /// Carried by what reads bytes: see [`ReadError::of`].
    pub(crate) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    pub(crate) fn too_large(what: String, bytes: usize, limit: u64) -> Self {
        ReadError::TooLarge { what, bytes: ByteSize(bytes as u64), limit: ByteSize(limit) }
    }
}

impl From<ReadError> for TaskError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLarge { what, bytes, limit } => {
                TaskError::RecordTooLarge { what, bytes: bytes.0, limit: limit.0 }
            }
            ReadError::Io(..) | ReadError::Client(..) | ReadError::Store(..) => {
                TaskError::Input(Cause::of(&error))
            }
            _ => TaskError::BadInput(Cause::of(&error)),
        }
    }
}
