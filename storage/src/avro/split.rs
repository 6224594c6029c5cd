//! The records of one partition of Avro files on a disk.

use super::{AvroError, AvroReader};
use crate::{
    InputFile, Location, ReadError, Split, Storage, TextOptions, TextPartition,
    plan::plan_where,
    reader::Reader,
    splits::{SplitReader, Splits},
};
use rsk_proto::Cause;
use serde::de::DeserializeOwned;
use std::any::type_name;

/// Cuts Avro files into partitions, as [`plan`](crate::plan) does text, whatever their names and whatever packs them.
///
/// ```
/// use rsk_storage::{InputFile, TextOptions, plan_avro};
/// let files = [InputFile::new("a.avro", 250)];
/// let options = TextOptions { block_bytes: 100, ..TextOptions::default() };
/// assert_eq!(plan_avro(&files, &options).len(), 3);
/// ```
pub fn plan_avro(files: &[InputFile], options: &TextOptions) -> Vec<TextPartition> {
    plan_where(files, options, |_| true)
}

/// The records whose sync marker, or for a file's first records its header's, is in the splits of `partition`.
///
/// Shape: the records of the first split, then of the next. After an error comes nothing. Bounds and errors are those of
/// [`AvroReader`], each with its file; a file that is missing, unreadable or shorter than it was listed.
///
/// ```
/// use rsk_storage::{AvroCodec, AvroSchema, AvroWriter, TextOptions, plan_avro, read_avro, Storage};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("a.avro");
/// let schema = AvroSchema::parse(r#""long""#)?;
/// let mut file = AvroWriter::new(std::fs::File::create(&path)?, &schema, AvroCodec::Deflate, [7; 16])?;
/// file.write(&1_i64)?;
/// file.finish()?;
/// let options = TextOptions { splits_min: 3, ..TextOptions::default() };
/// let mut numbers = Vec::new();
/// let storage = Storage::default();
/// for partition in plan_avro(&storage.list(&path.display().to_string())?, &options) {
///     for number in read_avro::<u8>(&storage, partition, 1 << 20) {
///         numbers.push(number?);
///     }
/// }
/// assert_eq!(numbers, [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_avro<T: DeserializeOwned + 'static>(
    storage: &Storage,
    partition: TextPartition,
    record_bytes_max: u64,
) -> impl Iterator<Item = Result<T, ReadError>> + use<T> {
    Splits::<AvroSplit<T>>::new(storage, partition, record_bytes_max)
}

struct AvroSplit<T> {
    split: Split,
    /// Nothing of a file of no bytes.
    reader: Option<AvroReader<Reader, T>>,
}

impl<T: DeserializeOwned> AvroSplit<T> {
    fn failed(&self, error: AvroError) -> ReadError {
        let at = self.reader.as_ref().map_or(0, AvroReader::block_at);
        read_error::<T>(&self.split.file.location, at, error)
    }
}

impl<T: DeserializeOwned> SplitReader for AvroSplit<T> {
    type Options = u64;
    type Record = T;

    fn open(storage: &Storage, split: Split, record_bytes_max: &u64) -> Result<Self, ReadError> {
        let mut open = AvroSplit { split, reader: None };
        let Split { file, start, end } = &open.split;
        if *end > 0 {
            let file = storage.open(file, 0, *start..*end)?;
            let reader = AvroReader::new(file, *start..*end, *record_bytes_max);
            open.reader = Some(reader.map_err(|error| open.failed(error))?);
        }
        Ok(open)
    }

    fn next_record(&mut self) -> Result<Option<T>, ReadError> {
        let next = self.reader.as_mut().and_then(Iterator::next).transpose();
        next.map_err(|error| self.failed(error))
    }
}

fn read_error<T>(path: &Location, block_at: u64, error: AvroError) -> ReadError {
    let path = path.clone();
    match error {
        AvroError::Io(error) => ReadError::unpacking(&path, error),
        AvroError::Damaged(what) => ReadError::Damaged(path, Cause::new(what)),
        AvroError::Record(what) => {
            let (asked, cause) = (type_name::<T>(), Cause::new(what));
            ReadError::Record { format: "Avro", path, offset: block_at, asked, cause }
        }
        AvroError::TooLarge { what, bytes, limit } => {
            ReadError::TooLarge { what: format!("{what} of {path}"), bytes, limit }
        }
        error => ReadError::Avro(path, error),
    }
}
