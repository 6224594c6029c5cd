//! Records of one length, nothing between them.

use crate::{
    InputFile, ReadError, Split, Storage, TextOptions, TextPartition, plan::plan_where, reader::Reader,
};
use std::{
    fmt,
    io::{self, BufReader, Read},
};

const BUFFER_BYTES: usize = 128 << 10;

/// Cuts files of records into partitions, as [`plan`](crate::plan) does text, whatever their names.
///
/// ```
/// use rsk_storage::{InputFile, TextOptions, plan_records};
/// let files = [InputFile::new("a.gz", 250)];
/// let options = TextOptions { block_bytes: 100, ..TextOptions::default() };
/// assert_eq!(plan_records(&files, &options).len(), 3);
/// ```
pub fn plan_records(files: &[InputFile], options: &TextOptions) -> Vec<TextPartition> {
    plan_where(files, options, |_| true)
}

/// The records of `record_bytes` that begin in the splits of `partition`. What is compressed stays so.
///
/// Errors, after which nothing comes: the file is missing, unreadable, or shorter than it was listed; its length is no
/// number of records.
///
/// Bounds: a buffer of 128 KiB, and the record.
///
/// ```
/// use rsk_storage::{Storage, TextOptions, plan_records, read_records};
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(file.path(), [1, 2, 3, 4, 5, 6])?;
/// let options = TextOptions { splits_min: 4, ..TextOptions::default() };
/// let mut records = Vec::new();
/// let storage = Storage::default();
/// for partition in plan_records(&storage.list(&file.path().display().to_string())?, &options) {
///     for record in read_records(&storage, partition, 2) {
///         records.push(record?);
///     }
/// }
/// assert_eq!(records, [[1, 2], [3, 4], [5, 6]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_records(storage: &Storage, partition: TextPartition, record_bytes: u64) -> Records {
    Records {
        storage: storage.clone(),
        splits: partition.splits.into_iter(),
        open: None,
        record_bytes: record_bytes.max(1),
    }
}

/// The records of one partition, by [`read_records`].
pub struct Records {
    storage: Storage,
    splits: std::vec::IntoIter<Split>,
    open: Option<Open>,
    record_bytes: u64,
}

struct Open {
    from: BufReader<Reader>,
    /// Records that begin in the split and were not given.
    left: u64,
}

impl Records {
    fn open(&self, split: &Split) -> Result<Open, ReadError> {
        let Split { file, start, end } = split;
        let (bytes, record_bytes) = (file.bytes, self.record_bytes);
        if bytes % record_bytes > 0 {
            return Err(ReadError::Records { path: file.location.clone(), bytes, record_bytes });
        }
        let (first, behind) = (start.div_ceil(record_bytes), end.div_ceil(record_bytes));
        let byte = |record: u64| record.saturating_mul(record_bytes).min(bytes);
        let from = self.storage.open(file, byte(first), byte(first)..byte(behind))?;
        let left = behind.saturating_sub(first);
        Ok(Open { from: BufReader::with_capacity(BUFFER_BYTES, from), left })
    }

    fn next_record(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        loop {
            if let Some(open) = self.open.as_mut().filter(|open| open.left > 0) {
                open.left -= 1;
                let mut record = Vec::new();
                let read = (&mut open.from).take(self.record_bytes).read_to_end(&mut record);
                let read = read.map_err(|error| open.from.get_ref().fail(error))?;
                if (read as u64) < self.record_bytes {
                    let error = io::Error::from(io::ErrorKind::UnexpectedEof);
                    return Err(open.from.get_ref().fail(error));
                }
                return Ok(Some(record));
            }
            let Some(split) = self.splits.next() else { return Ok(None) };
            self.open = Some(self.open(&split)?);
        }
    }
}

impl Iterator for Records {
    type Item = Result<Vec<u8>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_record().transpose();
        if matches!(next, Some(Err(_))) {
            self.splits = Vec::new().into_iter();
            self.open = None;
        }
        next
    }
}

impl std::iter::FusedIterator for Records {}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.open.as_ref().map(|open| &open.from.get_ref().file().location);
        f.debug_struct("Records").field("path", &path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    proptest::proptest! {
        #[test]
        fn each_record_comes_once(records in 0u32..60, record_bytes in 1u64..9, splits_min in 1u64..40) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a");
            let bytes: Vec<u8> = (0..u64::from(records) * record_bytes).map(|n| n.to_le_bytes()[0]).collect();
            fs::write(&path, &bytes).unwrap();
            let options = TextOptions { splits_min, ..TextOptions::default() };
            let file = InputFile::new(path, bytes.len() as u64);
            let read: Result<Vec<Vec<u8>>, _> =
                plan_records(&[file], &options).into_iter().flat_map(|part| read_records(&Storage::default(), part, record_bytes)).collect();
            let read = read.unwrap();
            assert!(read.iter().all(|record| record.len() as u64 == record_bytes));
            assert_eq!(read.concat(), bytes);
        }
    }

    #[test]
    fn a_length_that_is_no_number_of_records_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, [0; 7]).unwrap();
        let splits = vec![Split { file: InputFile::new(path, 7), start: 0, end: 7 }];
        let error =
            read_records(&Storage::default(), TextPartition { splits }, 2).next().unwrap().unwrap_err();
        assert!(matches!(error, ReadError::Records { bytes: 7, record_bytes: 2, .. }), "{error}");
    }
}
