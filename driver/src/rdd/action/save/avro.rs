//! Avro.

use super::WriteFormat;
use rsk_proto::{Cause, TaskAttempt};
use rsk_storage::{AvroCodec, AvroPartWriter, AvroSchema, PartFile, WriteError};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Writes records by a schema.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::rdd::action) struct SaveAvro {
    /// Its JSON, which is a schema's.
    pub(in crate::rdd::action) schema: String,
    pub(in crate::rdd::action) codec: AvroCodec,
}

impl<T: Serialize> WriteFormat<T> for SaveAvro {
    type Part = AvroPartWriter;

    fn create(&self, folder: &Path, attempt: TaskAttempt) -> Result<AvroPartWriter, WriteError> {
        let schema = AvroSchema::parse(&self.schema);
        let schema = schema.map_err(|error| WriteError::Record(folder.to_owned(), Cause::of(&error)))?;
        AvroPartWriter::create(folder, attempt.partition, attempt.task, &schema, self.codec)
    }

    fn write(part: &mut AvroPartWriter, record: &T) -> Result<(), WriteError> {
        part.write(record)
    }

    fn finish(part: AvroPartWriter) -> Result<PartFile, WriteError> {
        part.finish()
    }
}
