//! Writes one part of an output as an Avro file.

use super::{AvroCodec, AvroError, AvroSchema, AvroWriter, SYNC_BYTES};
use crate::{PartFile, PartWriter, WriteError};
use rsk_proto::{Cause, PartitionId, TaskId};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Writes the records of one part so that [`crate::read_avro`] and whatever else reads Avro read them. Dropped unfinished, it
/// removes its file.
///
/// The sync marker is made of the output's path, the part's number and the schema: the same each time, another in each file.
///
/// ```
/// use rsk_proto::{PartitionId, TaskId};
/// use rsk_storage::{AvroCodec, AvroPartWriter, AvroSchema, OutputCommit};
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("out");
/// let output = OutputCommit::prepare(&folder)?;
/// let schema = AvroSchema::parse(r#"{"type": "array", "items": "string"}"#)?;
/// let mut part = AvroPartWriter::create(&folder, PartitionId(0), TaskId(7), &schema, AvroCodec::Null)?;
/// part.write(&["to", "be"])?;
/// output.commit_part(&part.finish()?)?;
/// output.commit()?;
/// assert!(std::fs::read(folder.join("part-00000.avro"))?.starts_with(b"Obj\x01"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AvroPartWriter(AvroWriter<PartWriter>);

impl AvroPartWriter {
    /// A part of the output in `folder`, as [`PartWriter::create_named`].
    pub fn create(
        folder: &Path,
        partition: PartitionId,
        task: TaskId,
        schema: &AvroSchema,
        codec: AvroCodec,
    ) -> Result<Self, WriteError> {
        let to = PartWriter::create_named(folder, partition, task, "avro", None)?;
        let path = to.path().to_owned();
        let mut hash = Sha256::new();
        for part in [folder.as_os_str().as_encoded_bytes(), schema.json().as_bytes()] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(partition.0.to_be_bytes());
        let sync = hash.finalize().first_chunk::<SYNC_BYTES>().copied().unwrap_or_default();
        AvroWriter::new(to, schema, codec, sync).map(AvroPartWriter).map_err(|error| failed(path, error))
    }

    /// Appends a record.
    ///
    /// Errors: it is none of the schema's; the file cannot be written.
    pub fn write<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), WriteError> {
        self.0.write(record).map_err(|error| failed(self.0.to().path().to_owned(), error))
    }

    /// Closes the part.
    pub fn finish(self) -> Result<PartFile, WriteError> {
        let path = self.0.to().path().to_owned();
        self.0.finish().map_err(|error| failed(path, error))?.finish()
    }
}

fn failed(path: PathBuf, error: AvroError) -> WriteError {
    match error {
        AvroError::Io(error) => WriteError::of_part(&path, error),
        error => WriteError::Record(path, Cause::of(&error)),
    }
}
