//! Writes one part of an object file.

use super::{CHUNK, END, MAGIC, Mark, VERSION};
use crate::{PartAttempt, PartFile, PartWriter, WriteError};
use rsk_proto::{Cause, Data, FrameWriter, TaskError};
use std::any::type_name;

const CHUNK_BYTES: usize = 64 << 10;
/// Records may take no bytes.
const CHUNK_RECORDS: u32 = 1 << 20;

/// Writes the records of one part so that [`crate::read_object_part`] reads them. Dropped unfinished, it removes its file.
///
/// Bounds: one chunk of about 64 KiB is in memory, or one record.
///
/// ```
/// use rsk_proto::{PartitionId, TaskId};
/// use rsk_storage::{CommitLog, ObjectPartWriter, SaveMode, Storage, read_object_part};
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("out");
/// let storage = Storage::default();
/// let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error)?;
/// let mut part = ObjectPartWriter::create(output.target().attempt(&storage, PartitionId(0), TaskId(7)))?;
/// part.write(&(1u32, "one".to_owned()))?;
/// output.grant(&part.finish()?)?;
/// output.commit()?;
/// for file in storage.list(&folder.display().to_string())? {
///     let records: Result<Vec<(u32, String)>, _> = read_object_part(&storage, &file)?.collect();
///     assert_eq!(records?, [(1, "one".to_owned())]);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ObjectPartWriter<T> {
    to: PartWriter,
    frames: FrameWriter,
    /// Of what `frames` holds.
    bytes: usize,
    chunk_records: u32,
    records: u64,
    of: std::marker::PhantomData<fn(T)>,
}

impl<T: Data> ObjectPartWriter<T> {
    /// A part of an output, as [`PartWriter::create`].
    pub fn create(attempt: PartAttempt) -> Result<Self, WriteError> {
        let mut to = PartWriter::create(attempt)?;
        let name = type_name::<T>();
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        let mut head = Vec::from(MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(&crc32c::crc32c(&head).to_le_bytes());
        to.write_record(&head)?;
        let frames = FrameWriter::default();
        Ok(ObjectPartWriter {
            to,
            frames,
            bytes: 0,
            chunk_records: 0,
            records: 0,
            of: std::marker::PhantomData,
        })
    }

    /// Appends a record.
    ///
    /// Errors: its `Serialize` failed, or it takes more than 4 GiB; the file cannot be written.
    pub fn write(&mut self, record: &T) -> Result<(), WriteError> {
        let fail = |error: TaskError| WriteError::Record(self.to.location().clone(), Cause::of(&error));
        self.bytes += self.frames.write(record).map_err(fail)?;
        self.chunk_records += 1;
        self.records += 1;
        if self.bytes >= CHUNK_BYTES || self.chunk_records >= CHUNK_RECORDS {
            self.write_chunk()?;
        }
        Ok(())
    }

    fn write_chunk(&mut self) -> Result<(), WriteError> {
        let chunk = self.frames.take();
        (self.bytes, self.chunk_records) = (0, 0);
        if chunk.is_empty() {
            return Ok(());
        }
        let mark = Mark { tag: CHUNK, number: chunk.len() as u64, checksum: crc32c::crc32c(&chunk) };
        self.to.write_record(&mark.encode())?;
        self.to.write_record(&chunk)
    }

    /// Closes the part.
    pub fn finish(mut self) -> Result<PartFile, WriteError> {
        self.write_chunk()?;
        self.to.write_record(&Mark { tag: END, number: self.records, checksum: 0 }.encode())?;
        self.to.finish()
    }
}
