//! Writes one part of an output as a Parquet file.

use crate::{Location, PartAttempt, PartFile, PartWriter, WriteError};
use arrow_array::RecordBatch;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, GzipLevel, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};
use rsk_proto::{Cause, to_usize};
use serde::{Deserialize, Serialize};
use std::{fmt, io};

/// What packs the pages of a Parquet file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ParquetCodec {
    /// Nothing.
    None,
    /// snappy: each program that reads Parquet knows it.
    #[default]
    Snappy,
    /// gzip.
    Gzip,
    /// lz4, without a frame.
    Lz4,
    /// Zstandard, level 3.
    Zstd,
}

impl ParquetCodec {
    /// All of them.
    pub const ALL: [ParquetCodec; 5] =
        [ParquetCodec::None, ParquetCodec::Snappy, ParquetCodec::Gzip, ParquetCodec::Lz4, ParquetCodec::Zstd];

    fn compression(self) -> Compression {
        match self {
            ParquetCodec::None => Compression::UNCOMPRESSED,
            ParquetCodec::Snappy => Compression::SNAPPY,
            ParquetCodec::Gzip => Compression::GZIP(GzipLevel::default()),
            ParquetCodec::Lz4 => Compression::LZ4_RAW,
            ParquetCodec::Zstd => Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()),
        }
    }
}

/// Writes the batches of one part so that [`crate::read_parquet`] and whatever else reads Parquet read them. Dropped
/// unfinished, it removes its file.
///
/// Shape: the first batch, which may be empty, tells the columns of all; without one there is no part.
/// Bounds: a row group of about `group_bytes` as it is encoded.
///
/// ```
/// use arrow_array::{Int64Array, RecordBatch, cast::AsArray, types::Int64Type};
/// use rsk_proto::{PartitionId, TaskId};
/// use rsk_storage::*;
/// use std::sync::Arc;
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("out");
/// let storage = Storage::default();
/// let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error)?;
/// let prices: arrow_array::ArrayRef = Arc::new(Int64Array::from(vec![3, 5]));
/// let attempt = output.target().attempt(&storage, PartitionId(0), TaskId(7));
/// let mut part = ParquetPartWriter::create(attempt, ParquetCodec::Zstd, 32 << 20);
/// part.write(&RecordBatch::try_from_iter([("price", prices)])?)?;
/// output.grant(&part.finish()?.unwrap())?;
/// output.commit()?;
/// for partition in plan_batches(&storage.list(&folder.display().to_string())?, &TextOptions::default()) {
///     for batch in read_parquet(&storage, partition, &ParquetOptions::default()) {
///         assert_eq!(batch?.column(0).as_primitive::<Int64Type>().values(), &[3, 5]);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ParquetPartWriter {
    attempt: PartAttempt,
    codec: ParquetCodec,
    group_bytes: u64,
    open: Option<ArrowWriter<PartWriter>>,
}

impl ParquetPartWriter {
    /// A part of an output; its file is there with the first batch.
    pub fn create(attempt: PartAttempt, codec: ParquetCodec, group_bytes: u64) -> Self {
        ParquetPartWriter { attempt, codec, group_bytes, open: None }
    }

    fn begin(&self, first: &RecordBatch) -> Result<ArrowWriter<PartWriter>, WriteError> {
        let to = PartWriter::create_named(self.attempt.clone(), "parquet", None)?;
        let at = to.location().clone();
        let properties = WriterProperties::builder()
            .set_compression(self.codec.compression())
            .set_max_row_group_bytes(Some(to_usize(self.group_bytes).max(1)))
            .build();
        ArrowWriter::try_new(to, first.schema(), Some(properties)).map_err(|error| failed(&at, error))
    }

    fn open(&mut self, first: &RecordBatch) -> Result<&mut ArrowWriter<PartWriter>, WriteError> {
        let open = if let Some(open) = self.open.take() { open } else { self.begin(first)? };
        Ok(self.open.insert(open))
    }

    /// Appends a batch.
    ///
    /// Errors: its columns are not those of the first; a type that Parquet has not; the file cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let open = self.open(batch)?;
        let written = open.write(batch);
        written.map_err(|error| failed(open.inner().location(), error))
    }

    /// Closes the part, if there is one.
    pub fn finish(self) -> Result<Option<PartFile>, WriteError> {
        let Some(open) = self.open else { return Ok(None) };
        let at = open.inner().location().clone();
        open.into_inner().map_err(|error| failed(&at, error))?.finish().map(Some)
    }
}

fn failed(at: &Location, error: ParquetError) -> WriteError {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => WriteError::of_part(at, *error),
            Err(error) => WriteError::Record(at.clone(), Cause::of(&*error)),
        },
        error => WriteError::Record(at.clone(), Cause::of(&error)),
    }
}

impl fmt::Debug for ParquetPartWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetPartWriter").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
