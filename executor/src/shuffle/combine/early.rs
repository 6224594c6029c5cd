//! The map side: what can be merged before it is shuffled.

use super::buckets::Buckets;
use crate::{TaskContext, memory::Watch};
use rsk_proto::{Data, to_usize};
use std::{hash::Hash, iter, ops::ControlFlow, rc::Rc};

/// After so many records it is seen whether merging pays, even if there is room for more.
const TRY_RECORDS: u64 = 100_000;

/// Combines what it can within the memory it has, and hands that on when the memory is full: a key may appear again
/// later. Touches no disk.
///
/// When the first hundred thousand records, or those of a full table, became fewer by less than a tenth, the rest goes
/// on one by one as `create` makes it: merging early would cost more than it saves.
///
/// Shape: as [`combine`](super::combine), table after table. Which records it merges depends on the records and the
/// task's share of memory alone.
pub fn combine_early<K, V, C>(
    task: &TaskContext,
    records: impl Iterator<Item = (K, V)> + 'static,
    create: impl Fn(V) -> C + 'static,
    merge_value: impl Fn(C, V) -> C + 'static,
) -> impl Iterator<Item = (K, C)> + 'static
where
    K: Data + Hash + Eq,
    V: 'static,
    C: Data,
{
    let (task, create, merge) = (task.clone(), Rc::new(create), Rc::new(merge_value));
    let mut source = Some(records);
    let mut try_records = TRY_RECORDS;
    iter::from_fn(move || {
        let mut records = source.take()?;
        let mut buckets = Buckets::new(0);
        let mut watch = Watch::new(&task);
        let stopped = fill(&mut watch, &mut buckets, &mut records, try_records, &*create, &*merge);
        try_records = u64::MAX;
        let mut rest = None;
        match stopped {
            Some(Stop::Full) => source = Some(records),
            Some(Stop::Useless) => rest = Some(records),
            None => {}
        }
        let (create_here, merge, create) = (Rc::clone(&create), Rc::clone(&merge), Rc::clone(&create));
        let length = buckets.len();
        let merged =
            buckets.into_entries(move |value| create_here(value), move |held, value| merge(held, value));
        Some(
            watch
                .drain(merged, length)
                .chain(rest.into_iter().flatten().map(move |(key, value)| (key, create(value)))),
        )
    })
    .flatten()
}

/// Why a table takes no more.
enum Stop {
    Full,
    Useless,
}

/// Fills a table; answers `None` when the records are at their end.
fn fill<K: Data + Hash + Eq, V, C: Data>(
    watch: &mut Watch,
    buckets: &mut Buckets<K, V, C>,
    records: &mut impl Iterator<Item = (K, V)>,
    try_records: u64,
    create: &impl Fn(V) -> C,
    merge: &impl Fn(C, V) -> C,
) -> Option<Stop> {
    let mut taken = 0;
    let stopped = records.try_for_each(|(key, value)| {
        buckets.push(key, value, create, merge);
        taken += 1;
        if taken != try_records && !watch.is_over(|| buckets.bytes(taken, create, merge)) {
            return ControlFlow::Continue(());
        }
        let keys = buckets.settle(create, merge);
        let is_full = !watch.has_room(|| buckets.bytes(taken, create, merge));
        if (is_full || taken == try_records) && keys > to_usize(taken) / 10 * 9 {
            ControlFlow::Break(Stop::Useless)
        } else if is_full {
            ControlFlow::Break(Stop::Full)
        } else {
            ControlFlow::Continue(())
        }
    });
    stopped.break_value()
}
