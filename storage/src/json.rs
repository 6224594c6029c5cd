//! JSON lines: a value a line.

use crate::{
    InvalidUtf8, PartWriter, ReadError, Split, Storage, TextOptions, TextPartition, WriteError,
    raw_lines::RawLines,
    splits::{SplitReader, Splits},
};
use rsk_proto::Cause;
use serde::{Serialize, de::DeserializeOwned};
use std::{any::type_name, marker::PhantomData};

/// The values of the lines that start in the splits of `partition`, which [`plan`](crate::plan) made; blank lines are passed
/// over.
///
/// Shape: the values of the first split, then of the next. After an error comes nothing.
/// Errors: those of [`read_lines`](crate::read_lines); a line that is no JSON, or not of the type asked for: with its first
/// byte, in what comes out of the file if it is packed.
///
/// Bounds: a block of about 256 KiB, or a line.
///
/// ```
/// use rsk_storage::{TextOptions, plan, read_json, Storage};
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(file.path(), "[\"to be\", 1]\n\n[\"or not\", 2]\n[3]")?;
/// let options = TextOptions::default();
/// let mut values = Vec::new();
/// let storage = Storage::default();
/// for partition in plan(&storage.list(&file.path().display().to_string())?, &options) {
///     values.extend(read_json::<(String, u8)>(&storage, partition, &options));
/// }
/// assert_eq!(values.remove(0)?, ("to be".to_owned(), 1));
/// assert_eq!(values.remove(0)?, ("or not".to_owned(), 2));
/// assert!(values.remove(0).unwrap_err().to_string().contains("at byte 28:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_json<T: DeserializeOwned + 'static>(
    storage: &Storage,
    partition: TextPartition,
    options: &TextOptions,
) -> impl Iterator<Item = Result<T, ReadError>> + use<T> {
    Splits::<JsonSplit<T>>::new(storage, partition, options.clone())
}

struct JsonSplit<T> {
    lines: RawLines,
    invalid: InvalidUtf8,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> SplitReader for JsonSplit<T> {
    type Options = TextOptions;
    type Record = T;

    fn open(storage: &Storage, split: Split, options: &TextOptions) -> Result<Self, ReadError> {
        let lines = RawLines::open(storage, &split, options.record_bytes_max)?;
        Ok(JsonSplit { lines, invalid: options.invalid_utf8, of: PhantomData })
    }

    fn next_record(&mut self) -> Result<Option<T>, ReadError> {
        let (offset, cause) = loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            if line.bytes.trim_ascii_start().is_empty() {
                continue;
            }
            let read = match self.invalid {
                InvalidUtf8::Fail => serde_json::from_slice(line.bytes),
                InvalidUtf8::Lossy => serde_json::from_str(&String::from_utf8_lossy(line.bytes)),
            };
            match read {
                Ok(value) => return Ok(Some(value)),
                Err(error) => break (line.offset, Cause::of(&error)),
            }
        };
        let (path, asked) = (self.lines.path().clone(), type_name::<T>());
        Err(ReadError::Record { format: "JSON", path, offset, asked, cause })
    }
}

impl PartWriter {
    /// Appends a value as a line of JSON. A number that is infinite or none becomes `null`, as JSON has no word for it.
    ///
    /// Errors: its `Serialize` failed, or it is a map whose keys are no text; nothing of it is written then.
    ///
    /// ```
    /// use rsk_proto::{PartitionId, TaskId};
    /// use rsk_storage::{CommitLog, PartWriter, SaveMode, Storage};
    /// let folder = tempfile::tempdir()?;
    /// let folder = folder.path().join("out");
    /// let storage = Storage::default();
    /// let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error)?;
    /// let mut part = PartWriter::create(output.target().attempt(&storage, PartitionId(0), TaskId(7)))?;
    /// part.write_json(&("to\nbe", 1))?;
    /// output.grant(&part.finish()?)?;
    /// output.commit()?;
    /// assert_eq!(std::fs::read_to_string(folder.join("part-00000"))?, "[\"to\\nbe\",1]\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_json<T: Serialize>(&mut self, value: &T) -> Result<(), WriteError> {
        self.write_with(|buffer| {
            serde_json::to_writer(&mut *buffer, value).map_err(|error| Cause::of(&error))?;
            buffer.push(b'\n');
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
