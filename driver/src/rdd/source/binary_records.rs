//! `ctx.binary_records(paths, record_bytes)`: records of one length.

use super::{Files, Format};
use crate::{Context, Error, Result};
use rsk_executor::TaskContext;
use rsk_storage::{ReadError, TextPartition, plan_records, read_records};
use serde::{Deserialize, Serialize};

/// Records of one length, split by split.
pub type BinaryRecords = Files<RecordBytes>;

/// How many bytes a record has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordBytes(u64);

impl Format for RecordBytes {
    type Split = TextPartition;
    type Item = Vec<u8>;

    const LOOK_EVERY: u32 = 4096;

    fn read(
        &self,
        split: TextPartition,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<Vec<u8>, ReadError>> + 'static {
        read_records(task.executor().storage(), split, self.0)
    }
}

impl Context {
    /// The records of files that hold nothing else, each of `record_bytes`; what `paths` may be is as with
    /// [`text_file`](Context::text_file), but nothing is unpacked.
    ///
    /// Shape: a partition for each 32 MiB of a file, and at least as many as there are slots; a record belongs to the partition
    /// in which it begins.
    ///
    /// Errors: records of no bytes; input that is missing or cannot be listed; while a job reads: a file whose length is no
    /// number of records, or that has shrunk.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let folder = tempfile::tempdir().unwrap();
    /// std::fs::write(folder.path().join("a.bin"), [0, 1, 0, 2, 0, 3]).unwrap();
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let path = folder.path().display().to_string();
    /// let numbers = ctx.binary_records(&path, 2)?.map(|record| u16::from_be_bytes([record[0], record[1]]));
    /// assert_eq!(numbers.collect()?, [1, 2, 3]);
    /// assert!(ctx.binary_records(&path, 4)?.count().is_err());
    /// assert!(ctx.binary_records(&path, 0).is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn binary_records(&self, paths: &str, record_bytes: u64) -> Result<BinaryRecords> {
        if record_bytes == 0 {
            return Err(Error::Argument("a record has at least one byte".to_owned()));
        }
        let splits = plan_records(&self.list(paths)?, &self.text_options());
        Ok(Files::new(self, splits, RecordBytes(record_bytes)))
    }
}
