//! The records of one partition: those of its splits, one after the other.

use crate::{ReadError, Split, Storage, TextPartition};

/// Gives the records of one split of a file.
pub(crate) trait SplitReader: Sized {
    type Options;
    type Record;

    fn open(storage: &Storage, split: Split, options: &Self::Options) -> Result<Self, ReadError>;

    /// The next record; nothing where the split has no more. Not called again after that, nor after an error.
    fn next_record(&mut self) -> Result<Option<Self::Record>, ReadError>;
}

/// The records of all splits. After an error comes nothing.
pub(crate) struct Splits<S: SplitReader> {
    storage: Storage,
    /// Those that were not opened.
    rest: std::vec::IntoIter<Split>,
    open: Option<S>,
    options: S::Options,
}

impl<S: SplitReader> Splits<S> {
    pub(crate) fn new(storage: &Storage, partition: TextPartition, options: S::Options) -> Self {
        Splits { storage: storage.clone(), rest: partition.splits.into_iter(), open: None, options }
    }

    fn next_record(&mut self) -> Result<Option<S::Record>, ReadError> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(record) = open.next_record()? {
                    return Ok(Some(record));
                }
                self.open = None;
            }
            let Some(split) = self.rest.next() else { return Ok(None) };
            self.open = Some(S::open(&self.storage, split, &self.options)?);
        }
    }
}

impl<S: SplitReader> Iterator for Splits<S> {
    type Item = Result<S::Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_record().transpose();
        if matches!(next, Some(Err(_))) {
            self.rest = Vec::new().into_iter();
            self.open = None;
        }
        next
    }
}

impl<S: SplitReader> std::iter::FusedIterator for Splits<S> {}
