//! Writes one part of an output as CSV.

use super::CsvOptions;
use crate::{Codec, PartAttempt, PartFile, PartWriter, WriteError};
use csv::{Writer, WriterBuilder};
use rsk_proto::Cause;
use serde::Serialize;
use std::fmt;

/// Writes the records of one part as CSV, its header first if there is one. Dropped unfinished, it removes its file.
///
/// Shape: structs have a header, tuples and lists have none; a part without records is a file without bytes. A field is in
/// quotes where it must be.
///
/// ```
/// use rsk_proto::{PartitionId, TaskId};
/// use rsk_storage::{CommitLog, CsvOptions, CsvPartWriter, SaveMode, Storage};
/// #[derive(serde::Serialize)]
/// struct City { name: &'static str, people: Option<u32> }
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("out");
/// let storage = Storage::default();
/// let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error)?;
/// let attempt = output.target().attempt(&storage, PartitionId(0), TaskId(7));
/// let mut part = CsvPartWriter::create(attempt, &CsvOptions::default(), None)?;
/// part.write(&City { name: "Ur, in Sumer", people: None })?;
/// output.grant(&part.finish()?)?;
/// output.commit()?;
/// assert_eq!(std::fs::read_to_string(folder.join("part-00000.csv"))?, "name,people\n\"Ur, in Sumer\",\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CsvPartWriter(Writer<PartWriter>);

impl CsvPartWriter {
    /// A part of an output, by options that are [writable](CsvOptions::check_writable).
    pub fn create(
        attempt: PartAttempt,
        options: &CsvOptions,
        codec: Option<Codec>,
    ) -> Result<Self, WriteError> {
        let to = PartWriter::create_named(attempt, "csv", codec)?;
        let mut csv = WriterBuilder::new();
        csv.delimiter(options.delimiter).has_headers(options.header).flexible(options.flexible);
        csv.comment(options.comment).quote(options.quote.unwrap_or(b'"'));
        Ok(CsvPartWriter(csv.from_writer(to)))
    }

    /// Appends a record.
    ///
    /// Errors: its `Serialize` failed; it holds something that is no field, such as a struct or a map; it has another number
    /// of fields than the first; the file cannot be written.
    pub fn write<T: Serialize>(&mut self, record: &T) -> Result<(), WriteError> {
        self.0.serialize(record).map_err(|error| {
            let part = self.0.get_ref();
            if !error.is_io_error() {
                return part.bad_record(Cause::of(&error));
            }
            match error.into_kind() {
                csv::ErrorKind::Io(error) => part.failed(error),
                kind => part.bad_record(Cause::new(format!("{kind:?}"))),
            }
        })
    }

    /// Closes the part.
    pub fn finish(self) -> Result<PartFile, WriteError> {
        let at = self.0.get_ref().location().clone();
        self.0.into_inner().map_err(|failed| WriteError::of_part(&at, failed.into_error()))?.finish()
    }
}

impl fmt::Debug for CsvPartWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CsvPartWriter").field(self.0.get_ref()).finish()
    }
}
