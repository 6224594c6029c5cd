//! Writes one part of an output as an Arrow file.

use crate::{Location, PartAttempt, PartFile, PartWriter, WriteError};
use arrow_array::RecordBatch;
use arrow_ipc::{
    CompressionType,
    writer::{FileWriter, IpcWriteOptions},
};
use arrow_schema::ArrowError;
use rsk_proto::Cause;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What packs the buffers of an Arrow file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ArrowCodec {
    /// Nothing: other programs may map the file as it is.
    #[default]
    None,
    /// lz4's frames.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl ArrowCodec {
    /// All of them.
    pub const ALL: [ArrowCodec; 3] = [ArrowCodec::None, ArrowCodec::Lz4, ArrowCodec::Zstd];

    fn compression(self) -> Option<CompressionType> {
        match self {
            ArrowCodec::None => None,
            ArrowCodec::Lz4 => Some(CompressionType::LZ4_FRAME),
            ArrowCodec::Zstd => Some(CompressionType::ZSTD),
        }
    }
}

/// Writes the batches of one part so that [`crate::read_arrow`] and whatever else reads Arrow's files read them. Dropped
/// unfinished, it removes its file.
///
/// Shape: the first batch, which may be empty, tells the columns of all; without one there is no part.
/// Bounds: a batch, as it is packed.
///
/// ```
/// use arrow_array::{Int64Array, RecordBatch};
/// use rsk_proto::{PartitionId, TaskId};
/// use rsk_storage::*;
/// use std::sync::Arc;
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("out");
/// let storage = Storage::default();
/// let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error)?;
/// let prices: arrow_array::ArrayRef = Arc::new(Int64Array::from(vec![3, 5]));
/// let batch = RecordBatch::try_from_iter([("price", prices)])?;
/// let attempt = output.target().attempt(&storage, PartitionId(0), TaskId(7));
/// let mut part = ArrowPartWriter::create(attempt, ArrowCodec::Lz4);
/// part.write(&batch)?;
/// output.grant(&part.finish()?.unwrap())?;
/// output.commit()?;
/// for partition in plan_batches(&storage.list(&folder.display().to_string())?, &TextOptions::default()) {
///     for read in read_arrow(&storage, partition, None, 1 << 20) {
///         assert_eq!(read?, batch);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ArrowPartWriter {
    attempt: PartAttempt,
    codec: ArrowCodec,
    open: Option<FileWriter<PartWriter>>,
}

impl ArrowPartWriter {
    /// A part of an output; its file is there with the first batch.
    pub fn create(attempt: PartAttempt, codec: ArrowCodec) -> Self {
        ArrowPartWriter { attempt, codec, open: None }
    }

    fn begin(&self, first: &RecordBatch) -> Result<FileWriter<PartWriter>, WriteError> {
        let to = PartWriter::create_named(self.attempt.clone(), "arrow", None)?;
        let at = to.location().clone();
        IpcWriteOptions::default()
            .try_with_compression(self.codec.compression())
            .and_then(|options| FileWriter::try_new_with_options(to, &first.schema(), options))
            .map_err(|error| failed(&at, error))
    }

    fn open(&mut self, first: &RecordBatch) -> Result<&mut FileWriter<PartWriter>, WriteError> {
        let open = if let Some(open) = self.open.take() { open } else { self.begin(first)? };
        Ok(self.open.insert(open))
    }

    /// Appends a batch.
    ///
    /// Errors: its columns are not those of the first; the file cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let open = self.open(batch)?;
        if batch.schema() != *open.schema() {
            let cause = Cause::new(format!(
                "its columns are {}, and those of the first batch {}",
                batch.schema(),
                open.schema()
            ));
            return Err(WriteError::Record(open.get_ref().location().clone(), cause));
        }
        let written = open.write(batch);
        written.map_err(|error| failed(open.get_ref().location(), error))
    }

    /// Closes the part, if there is one.
    pub fn finish(self) -> Result<Option<PartFile>, WriteError> {
        let Some(open) = self.open else { return Ok(None) };
        let at = open.get_ref().location().clone();
        open.into_inner().map_err(|error| failed(&at, error))?.finish().map(Some)
    }
}

fn failed(at: &Location, error: ArrowError) -> WriteError {
    match error {
        ArrowError::IoError(_, error) => WriteError::of_part(at, error),
        error => WriteError::Record(at.clone(), Cause::of(&error)),
    }
}

impl fmt::Debug for ArrowPartWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowPartWriter").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
