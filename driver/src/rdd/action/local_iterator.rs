//! `to_local_iterator`: all records in the driver, a partition at a time.

use super::{collect::Collect, result};
use crate::{Result, rdd::Rdd};
use rsk_proto::{Data, PartitionId};

/// The records of an RDD in partition order; each partition is computed, by a job of its own, when the records before it
/// have been taken. After an error nothing comes.
#[derive(Debug)]
pub struct LocalIterator<R: Rdd> {
    rdd: R,
    next: usize,
    open: std::vec::IntoIter<R::Item>,
}

impl<R: Rdd> LocalIterator<R> {
    pub(super) fn new(rdd: R) -> Self {
        LocalIterator { rdd, next: 0, open: Vec::new().into_iter() }
    }
}

impl<R: Rdd<Item: Data>> Iterator for LocalIterator<R> {
    type Item = Result<R::Item>;

    fn next(&mut self) -> Option<Result<R::Item>> {
        loop {
            if let Some(item) = self.open.next() {
                return Some(Ok(item));
            }
            if self.next >= self.rdd.partitions() {
                return None;
            }
            let partition = PartitionId::of(self.next);
            self.next += 1;
            let open = &mut self.open;
            let ran = result::run_on(&self.rdd, &[partition], &Collect, |part: Vec<R::Item>| {
                *open = part.into_iter();
            });
            if let Err(error) = ran {
                self.next = usize::MAX;
                return Some(Err(error));
            }
        }
    }
}

impl<R: Rdd<Item: Data>> std::iter::FusedIterator for LocalIterator<R> {}
