//! Records held in memory, and handles to them.

use super::{section::SectionWriter, slots::Resident};
use crate::memory::{Reservation, uncounted};
use rsk_proto::{Data, TaskError};
use std::{fmt, ops::Deref, sync::Arc};

/// The records of one block, with the bytes that they take of the budget.
struct Records<T> {
    records: Vec<T>,
    reservation: Reservation,
}

impl<T> Drop for Records<T> {
    fn drop(&mut self) {
        let records = std::mem::take(&mut self.records);
        uncounted(|| drop(records));
    }
}

impl<T: Data + Sync> Resident for Records<T> {
    fn reservation(&self) -> &Reservation {
        &self.reservation
    }

    fn write(&self, to: &mut SectionWriter) -> Result<(), TaskError> {
        self.records.iter().try_for_each(|record| to.write(record))
    }
}

/// The records of a block in memory. A cheap clone; they stay for as long as somebody holds one, evicted or not.
pub struct Held<T>(Arc<Records<T>>);

impl<T: Data + Sync> Held<T> {
    pub(crate) fn new(records: Vec<T>, reservation: Reservation) -> Self {
        Held(Arc::new(Records { records, reservation }))
    }

    pub(crate) fn resident(&self) -> Arc<dyn Resident> {
        Arc::clone(&self.0) as Arc<dyn Resident>
    }

    /// The block, if it holds `T`s.
    pub(crate) fn of(block: Arc<dyn Resident>) -> Option<Self> {
        let block: Arc<dyn std::any::Any + Send + Sync> = block;
        block.downcast().ok().map(Held)
    }
}

impl<T> Held<T> {
    /// A handle to one record.
    ///
    /// # Panics
    /// When it is read, if the block has no such record.
    pub fn share(&self, index: usize) -> Shared<T> {
        Shared(Source::Block(self.clone(), index))
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Held(Arc::clone(&self.0))
    }
}

impl<T> Deref for Held<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0.records
    }
}

impl<T> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({} records)", self.len())
    }
}

/// A handle to one record of a cached block: read through it without a copy, clone it cheaply.
///
/// Cost: a block in memory stays while a handle to one of its records does; of any other block the handle owns its
/// record.
///
/// ```
/// use rsk_executor::block::Shared;
/// let record = Shared::from("a point".to_owned());
/// assert_eq!(record.clone().len(), 7);
/// ```
pub struct Shared<T>(Source<T>);

enum Source<T> {
    Block(Held<T>, usize),
    Record(Arc<T>),
}

impl<T> From<T> for Shared<T> {
    fn from(record: T) -> Self {
        Shared(Source::Record(Arc::new(record)))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Source::Block(block, index) => &block[*index],
            Source::Record(record) => record,
        }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(match &self.0 {
            Source::Block(block, index) => Source::Block(block.clone(), *index),
            Source::Record(record) => Source::Record(Arc::clone(record)),
        })
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
