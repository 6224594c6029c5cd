//! A block that did not fit, on its way through the task that made it.

use super::read::decoded;
use crate::memory::{Reservation, move_off_thread, uncounted};
use rsk_proto::{Data, FrameReader};
use std::{fmt, vec};

/// The records of a block that did not fit: first those that were collected before that was known, then the others as
/// they are made.
pub struct Passed<T> {
    first: First<T>,
    rest: Box<dyn Iterator<Item = T>>,
}

enum First<T> {
    Records(Unread<T>),
    Sections { sections: vec::IntoIter<Vec<u8>>, frame: FrameReader<T>, _reservation: Reservation },
    Nothing,
}

/// Records that this task collected and whose bytes were moved off its thread's count. Each is put on it again when it is
/// handed out, so that the tables it goes into grow by it.
struct Unread<T> {
    records: vec::IntoIter<T>,
    each: i64,
    _reservation: Reservation,
}

impl<T> Drop for Unread<T> {
    fn drop(&mut self) {
        let records = std::mem::take(&mut self.records);
        uncounted(|| drop(records));
    }
}

impl<T> Passed<T> {
    /// Records that hold `bytes` together.
    pub(crate) fn records(
        records: Vec<T>,
        bytes: u64,
        reservation: Reservation,
        rest: Box<dyn Iterator<Item = T>>,
    ) -> Self {
        let list = (records.capacity() as u64).saturating_mul(size_of::<T>() as u64);
        let each = bytes.saturating_sub(list) / (records.len() as u64).max(1);
        move_off_thread(i64::try_from(bytes).unwrap_or(0));
        let (records, each) = (records.into_iter(), i64::try_from(each).unwrap_or(0));
        Passed { first: First::Records(Unread { records, each, _reservation: reservation }), rest }
    }

    /// Records that have been encoded.
    pub(crate) fn sections(
        sections: Vec<Vec<u8>>,
        reservation: Reservation,
        rest: Box<dyn Iterator<Item = T>>,
    ) -> Self
    where
        T: Data,
    {
        let (sections, frame) = (sections.into_iter(), FrameReader::new(Vec::new()));
        Passed { first: First::Sections { sections, frame, _reservation: reservation }, rest }
    }
}

impl<T: Data> First<T> {
    fn next(&mut self) -> Option<T> {
        match self {
            First::Records(unread) => {
                let record = unread.records.next()?;
                move_off_thread(-unread.each);
                Some(record)
            }
            First::Sections { sections, frame, .. } => loop {
                if let Some(record) = frame.next() {
                    return Some(decoded(record));
                }
                let section = sections.next()?;
                move_off_thread(-i64::try_from(section.capacity()).unwrap_or(0));
                *frame = FrameReader::new(section);
            },
            First::Nothing => None,
        }
    }
}

impl<T: Data> Iterator for Passed<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if !matches!(self.first, First::Nothing) {
            match self.first.next() {
                Some(record) => return Some(record),
                // Their memory is free before the rest is made.
                None => self.first = First::Nothing,
            }
        }
        self.rest.next()
    }
}

impl<T> fmt::Debug for Passed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passed")
    }
}
