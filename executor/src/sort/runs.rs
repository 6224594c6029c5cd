//! Sorted runs that did not fit in memory together.

use super::{merge::Merge, order::Order, packed::Packed};
use crate::{
    TaskContext,
    memory::limit_of,
    spill::{Piece, SpillFile},
};
use rsk_proto::{Data, OrRaise, TaskError, to_usize};
use std::{collections::VecDeque, marker::PhantomData, rc::Rc};

/// What one open run holds: a frame as it is stored and as it was, and a read-ahead.
const READER_BYTES: u64 = 256 << 10;
/// Beyond this many, another pass is cheaper than the seeks.
const MERGED_MAX: usize = 256;

pub(super) struct Runs<T, O> {
    task: TaskContext,
    order: O,
    merged_max: usize,
    file: Option<SpillFile>,
    pieces: VecDeque<Piece>,
    of: PhantomData<fn() -> T>,
}

impl<T: Data, O: Order<T>> Runs<T, O> {
    pub(super) fn new(task: &TaskContext, order: O) -> Self {
        let merged_max = to_usize(limit_of(task) / READER_BYTES).clamp(2, MERGED_MAX);
        Runs { task: task.clone(), order, merged_max, file: None, pieces: VecDeque::new(), of: PhantomData }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Sorts the records and writes them as a run; none are left, nor their memory.
    pub(super) fn spill(&mut self, held: &mut Vec<O::Item>) -> Result<(), TaskError> {
        let mut held = std::mem::take(held);
        self.order.sort(&mut held);
        let file = self.file()?;
        for item in held {
            file.write(&O::record(item))?;
        }
        let piece = file.end_run()?;
        self.pieces.push_back(piece);
        Ok(())
    }

    /// The same for records that are held encoded.
    pub(super) fn spill_packed(&mut self, held: &mut Packed) -> Result<(), TaskError> {
        held.sort();
        let file = self.file()?;
        held.spill::<T>(file)?;
        let piece = file.end_run()?;
        self.pieces.push_back(piece);
        Ok(())
    }

    fn file(&mut self) -> Result<&mut SpillFile, TaskError> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => Ok(none.insert(SpillFile::create(&self.task)?)),
        }
    }

    /// All records in order. Runs that are too many are first merged into longer ones, each with its neighbours, so
    /// that equal records stay in the order in which they came.
    pub(super) fn merge(mut self) -> impl Iterator<Item = T> + use<T, O> {
        while self.pieces.len() > self.merged_max {
            self = self.pass().or_raise();
        }
        let (file, order) = (self.file.map(Rc::new), self.order);
        let readers = self.pieces.into_iter().filter_map(move |piece| Some(file.as_ref()?.read::<T>(piece)));
        Merge::new(order, readers)
    }

    fn pass(mut self) -> Result<Self, TaskError> {
        let mut next = Runs::new(&self.task, self.order.clone());
        let Some(from) = self.file.take() else { return Ok(next) };
        let to = next.file.insert(SpillFile::create(&self.task)?);
        // As few records as will do: the last pass merges as many runs as it can.
        let passes_of = self.merged_max.min(self.pieces.len().div_ceil(self.merged_max).max(2));
        while !self.pieces.is_empty() {
            let group = self.pieces.drain(..passes_of.min(self.pieces.len()));
            for record in Merge::new(self.order.clone(), group.map(|piece| from.read::<T>(piece))) {
                to.write(&record)?;
            }
            next.pieces.push_back(to.end_run()?);
        }
        Ok(next)
    }
}
