//! The codec's own form.

use super::WriteFormat;
use rsk_executor::TaskContext;
use rsk_proto::Data;
use rsk_storage::{ObjectPartWriter, PartAttempt, PartFile, WriteError};
use serde::{Deserialize, Serialize};

/// Writes records as they travel between tasks.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SaveObjects;

impl<T: Data> WriteFormat<T> for SaveObjects {
    type Part = ObjectPartWriter<T>;

    fn create(&self, attempt: PartAttempt, _: &TaskContext) -> Result<ObjectPartWriter<T>, WriteError> {
        ObjectPartWriter::create(attempt)
    }

    fn write(part: &mut ObjectPartWriter<T>, record: &T) -> Result<(), WriteError> {
        part.write(record)
    }

    fn finish(part: ObjectPartWriter<T>) -> Result<Option<PartFile>, WriteError> {
        part.finish().map(Some)
    }
}
