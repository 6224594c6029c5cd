//! The executor's combine and sort.

use rsk_executor::{TaskContext, shuffle};
use rsk_proto::Data;
use std::{cmp::Ordering, hash::Hash};

pub(crate) fn combine<K: Data + Hash + Eq, V: 'static, C: Data>(
    task: &TaskContext,
    records: impl Iterator<Item = (K, V)> + 'static,
    create: impl Fn(V) -> C + 'static,
    _merge_value: impl Fn(C, V) -> C + 'static,
    merge_combiners: impl Fn(C, C) -> C + 'static,
) -> impl Iterator<Item = (K, C)> + 'static {
    shuffle::combine(task, records.map(move |(k, v)| (k, create(v))), merge_combiners)
}

pub(crate) fn combine_early<K: Hash + Eq + 'static, V: 'static, C: 'static>(
    _: &TaskContext,
    records: impl Iterator<Item = (K, V)> + 'static,
    create: impl Fn(V) -> C + 'static,
    _merge_value: impl Fn(C, V) -> C + 'static,
) -> impl Iterator<Item = (K, C)> + 'static {
    records.map(move |(k, v)| (k, create(v)))
}

pub(crate) fn sort<T: Data>(
    _: &TaskContext,
    records: impl Iterator<Item = T> + 'static,
    compare: impl Fn(&T, &T) -> Ordering + 'static,
) -> impl Iterator<Item = T> + 'static {
    let mut all: Vec<T> = records.collect();
    all.sort_by(compare);
    all.into_iter()
}
