//! JSON lines.

use super::WriteFormat;
use rsk_proto::TaskAttempt;
use rsk_storage::{Codec, PartFile, PartWriter, WriteError};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Writes a line of JSON a record.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::rdd::action) struct SaveJson(pub(in crate::rdd::action) Option<Codec>);

impl<T: Serialize> WriteFormat<T> for SaveJson {
    type Part = PartWriter;

    fn create(&self, folder: &Path, attempt: TaskAttempt) -> Result<PartWriter, WriteError> {
        PartWriter::create_named(folder, attempt.partition, attempt.task, "json", self.0)
    }

    fn write(part: &mut PartWriter, record: &T) -> Result<(), WriteError> {
        part.write_json(record)
    }

    fn finish(part: PartWriter) -> Result<PartFile, WriteError> {
        part.finish()
    }
}
