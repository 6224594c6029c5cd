//! Writes one part of an output as an Avro file.

use super::{AvroCodec, AvroError, AvroSchema, AvroWriter, SYNC_BYTES};
use crate::{Location, PartAttempt, PartFile, PartWriter, WriteError};
use rsk_proto::Cause;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Writes the records of one part so that [`crate::read_avro`] and whatever else reads Avro read them. Dropped unfinished, it
/// removes its file.
///
/// The sync marker is made of the output's path, the part's number and the schema: the same each time, another in each file.
///
/// ```
/// use rsk_proto::{PartitionId, TaskId};
/// use rsk_storage::{AvroCodec, AvroPartWriter, AvroSchema, CommitLog, SaveMode, Storage};
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("out");
/// let storage = Storage::default();
/// let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error)?;
/// let schema = AvroSchema::parse(r#"{"type": "array", "items": "string"}"#)?;
/// let attempt = output.target().attempt(&storage, PartitionId(0), TaskId(7));
/// let mut part = AvroPartWriter::create(attempt, &schema, AvroCodec::Null)?;
/// part.write(&["to", "be"])?;
/// output.grant(&part.finish()?)?;
/// output.commit()?;
/// assert!(std::fs::read(folder.join("part-00000.avro"))?.starts_with(b"Obj\x01"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AvroPartWriter(AvroWriter<PartWriter>);

impl AvroPartWriter {
    /// A part of an output.
    pub fn create(attempt: PartAttempt, schema: &AvroSchema, codec: AvroCodec) -> Result<Self, WriteError> {
        let mut hash = Sha256::new();
        for part in [attempt.output().to_string().as_bytes(), schema.json().as_bytes()] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(attempt.partition.0.to_be_bytes());
        let sync = hash.finalize().first_chunk::<SYNC_BYTES>().copied().unwrap_or_default();
        let to = PartWriter::create_named(attempt, "avro", None)?;
        let at = to.location().clone();
        AvroWriter::new(to, schema, codec, sync).map(AvroPartWriter).map_err(|error| failed(at, error))
    }

    /// Appends a record.
    ///
    /// Errors: it is none of the schema's; the file cannot be written.
    pub fn write<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), WriteError> {
        self.0.write(record).map_err(|error| failed(self.0.to().location().clone(), error))
    }

    /// Closes the part.
    pub fn finish(self) -> Result<PartFile, WriteError> {
        let at = self.0.to().location().clone();
        self.0.finish().map_err(|error| failed(at, error))?.finish()
    }
}

fn failed(at: Location, error: AvroError) -> WriteError {
    match error {
        AvroError::Io(error) => WriteError::of_part(&at, error),
        error => WriteError::Record(at, Cause::of(&error)),
    }
}
