//! JSON lines.

use super::WriteFormat;
use rsk_executor::TaskContext;
use rsk_storage::{Codec, PartAttempt, PartFile, PartWriter, WriteError};
use serde::{Deserialize, Serialize};

/// Writes a line of JSON a record.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::rdd::action) struct SaveJson(pub(in crate::rdd::action) Option<Codec>);

impl<T: Serialize> WriteFormat<T> for SaveJson {
    type Part = PartWriter;

    fn create(&self, attempt: PartAttempt, _: &TaskContext) -> Result<PartWriter, WriteError> {
        PartWriter::create_named(attempt, "json", self.0)
    }

    fn write(part: &mut PartWriter, record: &T) -> Result<(), WriteError> {
        part.write_json(record)
    }

    fn finish(part: PartWriter) -> Result<Option<PartFile>, WriteError> {
        part.finish().map(Some)
    }
}
