//! Writes one part of an output as a SequenceFile.

use super::{Compression, SYNC_BYTES, SequenceError, SequenceWriter, Writable};
use crate::{PartAttempt, PartFile, PartWriter, WriteError};
use rsk_proto::Cause;
use sha2::{Digest, Sha256};
use std::fmt;

const BUFFER_BYTES: usize = 64 << 10;

/// Writes the pairs of one part so that [`crate::read_sequence`] and Hadoop read them. Dropped unfinished, it removes its
/// file.
///
/// The sync marker is made of the output's path, the part's number and the classes: the same each time, another in each file.
///
/// ```
/// use rsk_proto::{PartitionId, TaskId};
/// use rsk_storage::{CommitLog, Compression, SaveMode, SequencePartWriter, Storage};
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("out");
/// let storage = Storage::default();
/// let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error)?;
/// let attempt = output.target().attempt(&storage, PartitionId(0), TaskId(7));
/// let mut part = SequencePartWriter::create(attempt, Compression::None)?;
/// part.write(&"one".to_owned(), &1_i64)?;
/// output.grant(&part.finish()?)?;
/// output.commit()?;
/// assert!(std::fs::read(folder.join("part-00000"))?.starts_with(b"SEQ\x06"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SequencePartWriter<K, V> {
    to: PartWriter,
    file: SequenceWriter<Vec<u8>, K, V>,
}

impl<K: Writable, V: Writable> SequencePartWriter<K, V> {
    /// A part of an output, as [`PartWriter::create`].
    pub fn create(attempt: PartAttempt, compression: Compression) -> Result<Self, WriteError> {
        let mut hash = Sha256::new();
        for part in [attempt.output().to_string().as_bytes(), K::CLASS.as_bytes(), V::CLASS.as_bytes()] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(attempt.partition.0.to_be_bytes());
        let to = PartWriter::create(attempt)?;
        let sync = hash.finalize().first_chunk::<SYNC_BYTES>().copied().unwrap_or_default();
        let file = SequenceWriter::new(Vec::new(), compression, sync);
        let file = file.map_err(|error| record(&to, &error))?;
        Ok(SequencePartWriter { to, file })
    }

    /// Appends a pair.
    ///
    /// Errors: the pair takes more than 2 GiB; the file cannot be written.
    pub fn write(&mut self, key: &K, value: &V) -> Result<(), WriteError> {
        self.file.write(key, value).map_err(|error| record(&self.to, &error))?;
        let written = self.file.to_mut();
        if written.len() >= BUFFER_BYTES {
            self.to.write_record(written)?;
            written.clear();
        }
        Ok(())
    }

    /// Closes the part.
    pub fn finish(mut self) -> Result<PartFile, WriteError> {
        let rest = self.file.finish().map_err(|error| record(&self.to, &error))?;
        self.to.write_record(&rest)?;
        self.to.finish()
    }
}

/// Nothing but a record can be wrong: what is written to is memory.
fn record(to: &PartWriter, error: &SequenceError) -> WriteError {
    WriteError::Record(to.location().clone(), Cause::of(error))
}

impl<K, V> fmt::Debug for SequencePartWriter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequencePartWriter").field("to", &self.to).field("file", &self.file).finish()
    }
}
