//! CSV.

use super::WriteFormat;
use rsk_proto::TaskAttempt;
use rsk_storage::{Codec, CsvOptions, CsvPartWriter, PartFile, WriteError};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Writes fields between delimiters.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::rdd::action) struct SaveCsv {
    pub(in crate::rdd::action) options: CsvOptions,
    pub(in crate::rdd::action) codec: Option<Codec>,
}

impl<T: Serialize> WriteFormat<T> for SaveCsv {
    type Part = CsvPartWriter;

    fn create(&self, folder: &Path, attempt: TaskAttempt) -> Result<CsvPartWriter, WriteError> {
        CsvPartWriter::create(folder, attempt.partition, attempt.task, &self.options, self.codec)
    }

    fn write(part: &mut CsvPartWriter, record: &T) -> Result<(), WriteError> {
        part.write(record)
    }

    fn finish(part: CsvPartWriter) -> Result<PartFile, WriteError> {
        part.finish()
    }
}
