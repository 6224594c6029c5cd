//! Typed records of the splits of CSV files.

use super::{CsvOptions, fields::Fields, lines::Lines, whole::Whole};
use crate::{
    InputFile, Location, ReadError, Split, Storage, TextPartition, plan,
    plan::plan_where,
    splits::{SplitReader, Splits},
};
use csv::StringRecord;
use rsk_proto::Cause;
use serde::de::DeserializeOwned;
use std::{any::type_name, marker::PhantomData};

/// Cuts CSV files into partitions, as [`plan`](crate::plan) does text; those whose fields may hold ends of lines are not cut.
///
/// ```
/// use rsk_storage::{CsvOptions, InputFile, TextOptions, plan_csv};
/// let files = [InputFile::new("a.csv", 250)];
/// let text = TextOptions { block_bytes: 100, ..TextOptions::default() };
/// let mut options = CsvOptions { text, ..CsvOptions::default() };
/// assert_eq!(plan_csv(&files, &options).len(), 3);
/// options.multi_line = true;
/// assert_eq!(plan_csv(&files, &options).len(), 1);
/// ```
pub fn plan_csv(files: &[InputFile], options: &CsvOptions) -> Vec<TextPartition> {
    if options.multi_line { plan_where(files, &options.text, |_| false) } else { plan(files, &options.text) }
}

/// The records that start in the splits of `partition`, which [`plan_csv`] made, each as the type asked for: a struct by the
/// names of the header, a tuple, or a list of strings field by field. Blank lines are passed over.
///
/// Shape: the records of the first split, then of the next. After an error comes nothing.
/// Errors: those of [`read_lines`](crate::read_lines); a record that is not of the type, or has another number of fields than
/// its file's first: with its first byte, in what comes out of the file if it is packed.
///
/// Cost: each task reads the first record of each of its files.
///
/// ```
/// use rsk_storage::{CsvOptions, plan_csv, read_csv, Storage};
/// #[derive(Debug, PartialEq, serde::Deserialize)]
/// struct City { name: String, people: Option<u32> }
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(file.path(), "people,name\n3769,\"Berlin\"\n,Ur\n")?;
/// let mut options = CsvOptions::default();
/// options.text.splits_min = 2;
/// let mut cities = Vec::new();
/// let storage = Storage::default();
/// for partition in plan_csv(&storage.list(&file.path().display().to_string())?, &options) {
///     for city in read_csv::<City>(&storage, partition, &options) {
///         cities.push(city?);
///     }
/// }
/// assert_eq!(cities[0], City { name: "Berlin".to_owned(), people: Some(3769) });
/// assert_eq!(cities[1], City { name: "Ur".to_owned(), people: None });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_csv<T: DeserializeOwned + 'static>(
    storage: &Storage,
    partition: TextPartition,
    options: &CsvOptions,
) -> impl Iterator<Item = Result<T, ReadError>> + use<T> {
    Splits::<CsvSplit<T>>::new(storage, partition, options.clone())
}

/// What is wrong, and where, before it is known in which file.
pub(super) enum Place {
    At(u64, Cause),
    Read(ReadError),
}

impl From<ReadError> for Place {
    fn from(error: ReadError) -> Self {
        Place::Read(error)
    }
}

struct CsvSplit<T> {
    from: Opened,
    fields: Fields,
    record: StringRecord,
    /// The file's first record, unless it is of no use.
    first: Option<StringRecord>,
    has_header: bool,
    flexible: bool,
    /// A record that was read to be the file's first, and is none of its names.
    is_ahead: Option<u64>,
    of: PhantomData<fn() -> T>,
}

enum Opened {
    Lines(Lines),
    Whole(Whole),
}

impl Opened {
    fn open(storage: &Storage, split: &Split, options: &CsvOptions) -> Result<Opened, ReadError> {
        if options.multi_line {
            return Whole::open(storage, split, options).map(Opened::Whole);
        }
        Lines::open(storage, split, options).map(Opened::Lines)
    }

    fn path(&self) -> &Location {
        match self {
            Opened::Lines(from) => from.path(),
            Opened::Whole(from) => from.path(),
        }
    }

    /// Puts the next record in place of what `to` held. Says where it starts.
    fn next(&mut self, fields: &mut Fields, to: &mut StringRecord) -> Result<Option<u64>, Place> {
        let found = match self {
            Opened::Lines(from) => from.next(fields)?,
            Opened::Whole(from) => from.next(fields)?,
        };
        let Some(offset) = found else { return Ok(None) };
        let path = self.path().clone();
        fields.take(to).map_err(|source| ReadError::Utf8 { path, offset, source })?;
        Ok(Some(offset))
    }
}

impl<T> CsvSplit<T> {
    /// Reads the next record. Says where it starts.
    fn read(&mut self) -> Result<Option<u64>, ReadError> {
        let next = self.from.next(&mut self.fields, &mut self.record);
        next.map_err(|place| self.failed(place))
    }

    fn failed(&self, place: Place) -> ReadError {
        match place {
            Place::Read(error) => error,
            Place::At(offset, cause) => {
                let (path, asked) = (self.from.path().clone(), type_name::<T>());
                ReadError::Record { format: "CSV", path, offset, asked, cause }
            }
        }
    }

    /// Of a split in the middle of a file: reads the file's first record, which is before the split, or the split's first.
    fn read_first(
        &mut self,
        storage: &Storage,
        split: &Split,
        options: &CsvOptions,
    ) -> Result<(), ReadError> {
        let before = Split { file: split.file.clone(), start: 0, end: split.start };
        let mut first = StringRecord::new();
        let found = Opened::open(storage, &before, options)?.next(&mut self.fields, &mut first);
        match found.map_err(|place| self.failed(place))? {
            Some(_) => {
                self.first = Some(first);
                Ok(())
            }
            None => self.read_own_first(),
        }
    }

    /// The split's first record is the file's.
    fn read_own_first(&mut self) -> Result<(), ReadError> {
        if let Some(offset) = self.read()? {
            self.first = Some(self.record.clone());
            self.is_ahead = Some(offset).filter(|_| !self.has_header);
        }
        Ok(())
    }

    fn check_length(&self, offset: u64) -> Result<(), ReadError> {
        let Some(first) = self.first.as_ref().filter(|_| !self.flexible) else { return Ok(()) };
        let (length, expected) = (self.record.len(), first.len());
        if length == expected {
            return Ok(());
        }
        let why = format!(
            "it has {length} fields, and the file's first record {expected}: ask for flexible if that may be"
        );
        Err(self.failed(Place::At(offset, Cause::new(why))))
    }
}

impl<T: DeserializeOwned> SplitReader for CsvSplit<T> {
    type Options = CsvOptions;
    type Record = T;

    fn open(storage: &Storage, split: Split, options: &CsvOptions) -> Result<Self, ReadError> {
        let mut open = CsvSplit {
            from: Opened::open(storage, &split, options)?,
            fields: Fields::new(options),
            record: StringRecord::new(),
            first: None,
            has_header: options.header,
            flexible: options.flexible,
            is_ahead: None,
            of: PhantomData,
        };
        if split.start == 0 {
            open.read_own_first()?;
        } else if options.header || !options.flexible {
            open.read_first(storage, &split, options)?;
        }
        Ok(open)
    }

    fn next_record(&mut self) -> Result<Option<T>, ReadError> {
        let next = match self.is_ahead.take() {
            Some(offset) => Some(offset),
            None => self.read()?,
        };
        let Some(offset) = next else { return Ok(None) };
        self.check_length(offset)?;
        let names = self.first.as_ref().filter(|_| self.has_header);
        let record = self.record.deserialize(names);
        record.map(Some).map_err(|error| self.failed(Place::At(offset, Cause::of(&error))))
    }
}
