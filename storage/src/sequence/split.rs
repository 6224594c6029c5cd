//! The pairs of one partition of SequenceFiles on a disk.

use super::{SequenceError, SequenceReader, Writable};
use crate::{
    InputFile, Location, ReadError, Split, Storage, TextOptions, TextPartition, plan::plan_where,
    reader::Reader,
};
use rsk_proto::Cause;
use std::{fmt, marker::PhantomData};

/// Cuts SequenceFiles into partitions, as [`plan`](crate::plan) does text, whatever their names and whatever packs them.
///
/// ```
/// use rsk_storage::{InputFile, TextOptions, plan_sequence};
/// let files = [InputFile::new("part-00000.gz", 250)];
/// let options = TextOptions { block_bytes: 100, ..TextOptions::default() };
/// assert_eq!(plan_sequence(&files, &options).len(), 3);
/// ```
pub fn plan_sequence(files: &[InputFile], options: &TextOptions) -> Vec<TextPartition> {
    plan_where(files, options, |_| true)
}

/// The pairs whose sync marker, or for a file's first pairs its header, is in the splits of `partition`.
///
/// Shape: the pairs of the first split, then of the next. After an error comes nothing. Bounds and errors are those of
/// [`SequenceReader`], each with its file; a file that is missing, unreadable or shorter than it was listed.
///
/// ```
/// use rsk_storage::{Compression, SequenceWriter, Storage, TextOptions, plan_sequence, read_sequence};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("a.seq");
/// let mut file = SequenceWriter::new(std::fs::File::create(&path)?, Compression::None, [7; 16])?;
/// file.write(&"one".to_owned(), &1_i64)?;
/// file.finish()?;
/// let options = TextOptions { splits_min: 3, ..TextOptions::default() };
/// let mut pairs = Vec::new();
/// let storage = Storage::default();
/// for partition in plan_sequence(&storage.list(&path.display().to_string())?, &options) {
///     for pair in read_sequence::<String, i64>(&storage, partition, 1 << 20) {
///         pairs.push(pair?);
///     }
/// }
/// assert_eq!(pairs, [("one".to_owned(), 1)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_sequence<K: Writable, V: Writable>(
    storage: &Storage,
    partition: TextPartition,
    record_bytes_max: u64,
) -> SequencePairs<K, V> {
    SequencePairs {
        storage: storage.clone(),
        splits: partition.splits.into_iter(),
        open: None,
        record_bytes_max,
        of: PhantomData,
    }
}

/// The pairs of one partition, by [`read_sequence`].
pub struct SequencePairs<K, V> {
    storage: Storage,
    splits: std::vec::IntoIter<Split>,
    open: Option<(Split, SequenceReader<Reader, K, V>)>,
    record_bytes_max: u64,
    of: PhantomData<fn() -> (K, V)>,
}

impl<K: Writable, V: Writable> SequencePairs<K, V> {
    fn next_pair(&mut self) -> Result<Option<(K, V)>, ReadError> {
        loop {
            if let Some((split, reader)) = &mut self.open {
                match reader.next().transpose() {
                    Ok(Some(pair)) => return Ok(Some(pair)),
                    Ok(None) => self.open = None,
                    Err(error) => return Err(read_error(&split.file.location, error)),
                }
            }
            let Some(split) = self.splits.next() else { return Ok(None) };
            // A file of no bytes holds no pairs: Hadoop passes over them, too.
            if split.end > 0 {
                let reader = open(&self.storage, &split, self.record_bytes_max)?;
                self.open = Some((split, reader));
            }
        }
    }
}

fn open<K: Writable, V: Writable>(
    storage: &Storage,
    split: &Split,
    record_bytes_max: u64,
) -> Result<SequenceReader<Reader, K, V>, ReadError> {
    let file = storage.open(&split.file, 0, split.start..split.end)?;
    SequenceReader::new(file, split.start..split.end, record_bytes_max)
        .map_err(|error| read_error(&split.file.location, error))
}

fn read_error(path: &Location, error: SequenceError) -> ReadError {
    match error {
        SequenceError::Io(error) => ReadError::unpacking(path, error),
        SequenceError::Damaged(_) | SequenceError::Writable { .. } => {
            ReadError::Damaged(path.clone(), Cause::of(&error))
        }
        SequenceError::TooLarge { what, bytes, limit } => {
            ReadError::TooLarge { what: format!("{what} of {path}"), bytes, limit }
        }
        error => ReadError::Sequence(path.clone(), error),
    }
}

impl<K: Writable, V: Writable> Iterator for SequencePairs<K, V> {
    type Item = Result<(K, V), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_pair().transpose();
        if matches!(next, Some(Err(_))) {
            self.splits = Vec::new().into_iter();
            self.open = None;
        }
        next
    }
}

impl<K: Writable, V: Writable> std::iter::FusedIterator for SequencePairs<K, V> {}

impl<K, V> fmt::Debug for SequencePairs<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequencePairs").field("open", &self.open).finish_non_exhaustive()
    }
}
