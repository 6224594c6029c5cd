//! Values of one key merged into one, within the task's share of memory.

mod buckets;
mod early;
mod spilled;
mod table;
#[cfg(test)]
mod tests;

pub use early::combine_early;

use crate::{TaskContext, memory::Watch};
use buckets::Buckets;
use rsk_proto::{Data, OrRaise};
use spilled::Spilled;
use std::{hash::Hash, iter, rc::Rc};

/// Combines all records of each key: the reduce side of a shuffle. Begins when it is asked for its first record.
///
/// `create` starts a key with its first value, `merge_value` adds the others in the order in which they come;
/// `merge_combiners` adds what was merged later to what was merged earlier.
///
/// Shape: one record a key, by bucket of the key's hash and in each bucket by the key's first appearance. The same in
/// each run, whether it spilled or not; only a bucket that has to be split again has another order in itself.
///
/// Cost: one hash of each key; a key may be spilled several times, already merged.
///
/// Bounds: the task's share of memory, beyond which it spills by bucket and later merges one bucket at a time.
///
/// Errors: raised. A key whose values alone outgrow the share is
/// [`TaskError::RecordTooLarge`](rsk_proto::TaskError::RecordTooLarge).
pub fn combine<K, V, C>(
    task: &TaskContext,
    records: impl Iterator<Item = (K, V)> + 'static,
    create: impl Fn(V) -> C + 'static,
    merge_value: impl Fn(C, V) -> C + 'static,
    merge_combiners: impl Fn(C, C) -> C + 'static,
) -> impl Iterator<Item = (K, C)> + 'static
where
    K: Data + Hash + Eq,
    V: 'static,
    C: Data,
{
    let task = task.clone();
    iter::once_with(move || {
        let (held, watch, spilled) = absorb(&task, 0, records, &create, &merge_value);
        let (merge, length) = (Rc::new(merge_combiners), held.len());
        let held = watch.drain(held.into_entries(create, merge_value), length);
        held.chain(merge_spilled(task, spilled, merge))
    })
    .flatten()
}

/// Takes all records in. What is left in memory is everything, or nothing where it spilled.
fn absorb<K: Data + Hash + Eq, V, C: Data>(
    task: &TaskContext,
    level: u64,
    records: impl Iterator<Item = (K, V)>,
    create: &impl Fn(V) -> C,
    merge: &impl Fn(C, V) -> C,
) -> (Buckets<K, V, C>, Watch, Spilled) {
    let (mut buckets, mut watch) = (Buckets::new(level), Watch::new(task));
    let mut spilled = Spilled::new(task, level);
    let mut taken = 0;
    records.for_each(|(key, value)| {
        buckets.push(key, value, create, merge);
        taken += 1;
        if watch.is_over(|| buckets.bytes(taken, create, merge)) {
            buckets.settle(create, merge);
            if !watch.has_room(|| buckets.bytes(taken, create, merge)) {
                spilled.spill(&mut buckets).or_raise();
                taken = 0;
            }
        }
    });
    if !spilled.is_empty() {
        buckets.settle(create, merge);
        spilled.spill(&mut buckets).or_raise();
    }
    (buckets, watch, spilled)
}

/// Merges one bucket at a time, with a hash of its own: one that again does not fit is split in its turn.
fn merge_spilled<K: Data + Hash + Eq, C: Data, M: Fn(C, C) -> C + 'static>(
    task: TaskContext,
    spilled: Spilled,
    merge: Rc<M>,
) -> Box<dyn Iterator<Item = (K, C)>> {
    let level = spilled.level() + 1;
    Box::new(spilled.into_buckets().flat_map(move |records| {
        task.check_killed();
        let (held, watch, spilled) = absorb(&task, level, records, &|held| held, &*merge);
        let length = held.len();
        let (again, to_merge) = (Rc::clone(&merge), Rc::clone(&merge));
        let held = held.into_entries(|held| held, move |held, more| to_merge(held, more));
        watch.drain(held, length).chain(merge_spilled(task.clone(), spilled, again))
    }))
}
