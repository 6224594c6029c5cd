//! Parquet and Arrow's own files: a part a partition that has batches.

use crate::rdd::action::WriteFormat;
use arrow_array::RecordBatch;
use rsk_executor::TaskContext;
use rsk_storage::{
    ArrowCodec, ArrowPartWriter, ParquetCodec, ParquetPartWriter, PartAttempt, PartFile, WriteError,
};
use serde::{Deserialize, Serialize};

/// How Parquet is written.
///
/// ```
/// use rsk::{ParquetCodec, rdd::batches::ParquetSave};
/// let small = ParquetSave { codec: ParquetCodec::Zstd, ..ParquetSave::default() };
/// assert_eq!(small.group_bytes, 32 << 20);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParquetSave {
    /// What packs its pages.
    pub codec: ParquetCodec,
    /// About how many bytes a row group has, as it is encoded; where a task's share of memory is small, half of that.
    pub group_bytes: u64,
}

impl Default for ParquetSave {
    fn default() -> Self {
        ParquetSave { codec: ParquetCodec::default(), group_bytes: 32 << 20 }
    }
}

impl WriteFormat<RecordBatch> for ParquetSave {
    type Part = ParquetPartWriter;

    fn create(&self, attempt: PartAttempt, task: &TaskContext) -> Result<ParquetPartWriter, WriteError> {
        let group_bytes = self.group_bytes.min(task.memory_share() / 2);
        Ok(ParquetPartWriter::create(attempt, self.codec, group_bytes))
    }

    fn write(part: &mut ParquetPartWriter, batch: &RecordBatch) -> Result<(), WriteError> {
        part.write(batch)
    }

    fn finish(part: ParquetPartWriter) -> Result<Option<PartFile>, WriteError> {
        part.finish()
    }
}

impl WriteFormat<RecordBatch> for ArrowCodec {
    type Part = ArrowPartWriter;

    fn create(&self, attempt: PartAttempt, _: &TaskContext) -> Result<ArrowPartWriter, WriteError> {
        Ok(ArrowPartWriter::create(attempt, *self))
    }

    fn write(part: &mut ArrowPartWriter, batch: &RecordBatch) -> Result<(), WriteError> {
        part.write(batch)
    }

    fn finish(part: ArrowPartWriter) -> Result<Option<PartFile>, WriteError> {
        part.finish()
    }
}
