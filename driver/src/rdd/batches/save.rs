//! `save_as_parquet` and `save_as_arrow`: a part a partition that has batches.

use crate::{
    Result,
    rdd::{
        Rdd,
        action::{PartitionAction, save_parts},
    },
};
use arrow_array::RecordBatch;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, OrRaise};
use rsk_storage::{ArrowCodec, ArrowPartWriter, ParquetCodec, ParquetPartWriter, PartFile};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

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

#[derive(Clone)]
struct SaveParquet(PathBuf, ParquetSave);

impl PartitionAction<RecordBatch> for SaveParquet {
    type Out = Option<PartFile>;

    fn run(&self, mut items: impl Iterator<Item = RecordBatch>, task: &TaskContext) -> Option<PartFile> {
        let SaveParquet(folder, ParquetSave { codec, group_bytes }) = self;
        let (attempt, group_bytes) = (task.attempt(), (*group_bytes).min(task.memory_share() / 2));
        let mut part =
            ParquetPartWriter::create(folder, attempt.partition, attempt.task, *codec, group_bytes);
        items.try_for_each(|batch| part.write(&batch)).or_raise();
        task.check_killed();
        part.finish().or_raise()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.0);
        to.put(&self.1);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(SaveParquet(from.get()?, from.get()?))
    }
}

#[derive(Clone)]
struct SaveArrow(PathBuf, ArrowCodec);

impl PartitionAction<RecordBatch> for SaveArrow {
    type Out = Option<PartFile>;

    fn run(&self, mut items: impl Iterator<Item = RecordBatch>, task: &TaskContext) -> Option<PartFile> {
        let attempt = task.attempt();
        let mut part = ArrowPartWriter::create(&self.0, attempt.partition, attempt.task, self.1);
        items.try_for_each(|batch| part.write(&batch)).or_raise();
        task.check_killed();
        part.finish().or_raise()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.0);
        to.put(&self.1);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(SaveArrow(from.get()?, from.get()?))
    }
}

pub(super) fn save_as_parquet<R>(rdd: &R, typed: &Path, options: ParquetSave) -> Result<()>
where
    R: Rdd<Item = RecordBatch>,
{
    save_parts(rdd, typed, |folder| SaveParquet(folder, options))
}

pub(super) fn save_as_arrow<R>(rdd: &R, typed: &Path, codec: ArrowCodec) -> Result<()>
where
    R: Rdd<Item = RecordBatch>,
{
    save_parts(rdd, typed, |folder| SaveArrow(folder, codec))
}
