//! CSV.

use super::WriteFormat;
use rsk_executor::TaskContext;
use rsk_storage::{Codec, CsvOptions, CsvPartWriter, PartAttempt, PartFile, WriteError};
use serde::{Deserialize, Serialize};

/// Writes fields between delimiters.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::rdd::action) struct SaveCsv {
    pub(in crate::rdd::action) options: CsvOptions,
    pub(in crate::rdd::action) codec: Option<Codec>,
}

impl<T: Serialize> WriteFormat<T> for SaveCsv {
    type Part = CsvPartWriter;

    fn create(&self, attempt: PartAttempt, _: &TaskContext) -> Result<CsvPartWriter, WriteError> {
        CsvPartWriter::create(attempt, &self.options, self.codec)
    }

    fn write(part: &mut CsvPartWriter, record: &T) -> Result<(), WriteError> {
        part.write(record)
    }

    fn finish(part: CsvPartWriter) -> Result<Option<PartFile>, WriteError> {
        part.finish().map(Some)
    }
}
