//! Avro.

use super::WriteFormat;
use rsk_executor::TaskContext;
use rsk_proto::Cause;
use rsk_storage::{AvroCodec, AvroPartWriter, AvroSchema, PartAttempt, PartFile, WriteError};
use serde::{Deserialize, Serialize};

/// Writes records by a schema.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::rdd::action) struct SaveAvro {
    /// Its JSON, which is a schema's.
    pub(in crate::rdd::action) schema: String,
    pub(in crate::rdd::action) codec: AvroCodec,
}

impl<T: Serialize> WriteFormat<T> for SaveAvro {
    type Part = AvroPartWriter;

    fn create(&self, attempt: PartAttempt, _: &TaskContext) -> Result<AvroPartWriter, WriteError> {
        let schema = AvroSchema::parse(&self.schema);
        let schema =
            schema.map_err(|error| WriteError::Record(attempt.output().clone(), Cause::of(&error)))?;
        AvroPartWriter::create(attempt, &schema, self.codec)
    }

    fn write(part: &mut AvroPartWriter, record: &T) -> Result<(), WriteError> {
        part.write(record)
    }

    fn finish(part: AvroPartWriter) -> Result<Option<PartFile>, WriteError> {
        part.finish().map(Some)
    }
}
