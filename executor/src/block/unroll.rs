//! Records of a block being made, collected for as long as they fit.

use super::{encoded::Encoded, passed::Passed, records::Held, section::Sections};
use crate::{
    TaskContext,
    memory::{Budget, Growth, Reservation, Sample, move_off_thread},
};
use rsk_proto::{Data, OrRaise, RddId};
use std::{iter, sync::Arc};

/// Records between two looks at whether the task was killed.
const LOOK_EVERY: usize = 4096;

/// A block as `B`, or what there is of it.
pub(crate) enum Unrolled<B, T> {
    Whole(B),
    Partly(Passed<T>),
}

/// Collects records.
///
/// Bounds: reserves before the list of records grows, and for what the records themselves hold after each record.
pub(crate) fn unroll<T, I>(
    task: &TaskContext,
    budget: &Arc<Budget>,
    rdd: RddId,
    make: impl FnOnce() -> I,
) -> Unrolled<Held<T>, T>
where
    T: Data + Sync,
    I: Iterator<Item = T> + 'static,
{
    let mut meter = Meter::start();
    let mut reservation = budget.reservation(rdd);
    let mut source = make();
    let mut records = Vec::new();
    while let Some(record) = source.next() {
        if records.len() == records.capacity() && !widen(&mut records, &meter, &mut reservation) {
            let rest = Box::new(iter::once(record).chain(source));
            let bytes = meter.bytes(&records);
            return Unrolled::Partly(Passed::records(records, bytes, reservation, rest));
        }
        meter.sample.show(records.len(), &record);
        records.push(record);
        let bytes = meter.bytes(&records);
        if !grow(&mut reservation, bytes) {
            return Unrolled::Partly(Passed::records(records, bytes, reservation, Box::new(source)));
        }
        if records.len().is_multiple_of(LOOK_EVERY) {
            task.check_killed();
        }
    }
    // What the source still held is no part of the block.
    drop(source);
    records.shrink_to_fit();
    let bytes = meter.bytes(&records);
    if !grow(&mut reservation, bytes) {
        return Unrolled::Partly(Passed::records(records, bytes, reservation, Box::new(iter::empty())));
    }
    reservation.shrink(bytes);
    meter.growth.hand_over();
    Unrolled::Whole(Held::new(records, reservation))
}

/// Collects records as encoded bytes.
///
/// Bounds: beyond what is reserved it holds one open frame.
pub(crate) fn encode<T, I>(
    task: &TaskContext,
    budget: &Arc<Budget>,
    rdd: RddId,
    make: impl FnOnce() -> I,
) -> Unrolled<Arc<Encoded>, T>
where
    T: Data + Sync,
    I: Iterator<Item = T> + 'static,
{
    let mut reservation = budget.reservation(rdd);
    let mut source = make();
    let mut open = Sections::default();
    let (mut sections, mut bytes) = (Vec::new(), 0);
    let mut keep = |mut section: Vec<u8>, sections: &mut Vec<Vec<u8>>| {
        section.shrink_to_fit();
        bytes += (section.capacity() + size_of::<Vec<u8>>()) as u64;
        // They belong to the block from here on, not to this thread.
        move_off_thread(i64::try_from(section.capacity()).unwrap_or(0));
        sections.push(section);
        bytes
    };
    while let Some(record) = source.next() {
        let Some(section) = open.write(&record).or_raise() else { continue };
        task.check_killed();
        let bytes = keep(section, &mut sections);
        if !grow(&mut reservation, bytes) {
            return Unrolled::Partly(Passed::sections(sections, reservation, Box::new(source)));
        }
    }
    drop(source);
    let last = open.take();
    let bytes = keep(last, &mut sections);
    if !grow(&mut reservation, bytes) {
        return Unrolled::Partly(Passed::sections(sections, reservation, Box::new(iter::empty())));
    }
    reservation.shrink(bytes);
    Unrolled::Whole(Encoded::new(sections, reservation))
}

/// Reserves `bytes`, and an eighth more if that is free, so that it is not asked for each record.
fn grow(reservation: &mut Reservation, bytes: u64) -> bool {
    bytes <= reservation.bytes()
        || reservation.try_grow_freely(bytes.saturating_add(bytes / 8))
        || reservation.try_grow(bytes)
}

/// Makes room in the list for more records: for twice as many where that is free, for an eighth more where other blocks
/// must leave for it.
fn widen<T: Data>(records: &mut Vec<T>, meter: &Meter, reservation: &mut Reservation) -> bool {
    let before = meter.bytes(records);
    let bytes = |more: usize| before.saturating_add((more * size_of::<T>()) as u64);
    let (twice, eighth) = (records.len().max(4), (records.len() / 8).max(1));
    let more = if reservation.try_grow_freely(bytes(twice)) {
        twice
    } else if reservation.try_grow(bytes(eighth)) {
        eighth
    } else {
        return false;
    };
    records.reserve_exact(more);
    true
}

/// Reckons the bytes of a list of records.
struct Meter {
    /// What tables of the source hold is execution's, and counted there.
    growth: Growth,
    sample: Sample,
}

impl Meter {
    fn start() -> Self {
        Meter { growth: Growth::start(), sample: Sample::default() }
    }

    fn bytes<T>(&self, records: &Vec<T>) -> u64 {
        let list = (records.capacity() as u64).saturating_mul(size_of::<T>() as u64);
        if !std::mem::needs_drop::<T>() {
            list
        } else if cfg!(feature = "count-memory") {
            self.growth.bytes_beyond(0).max(list)
        } else {
            list + self.sample.owned(records.len())
        }
    }
}
