//! `count` and `count_by_value`: how many records there are, and of which.

use super::{
    result::{self, PartitionAction},
    scan::scan,
};
use crate::{
    Result,
    rdd::{Rdd, Stateless},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder};
use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

#[derive(Clone)]
pub(crate) struct Count;

impl<T: Send + 'static> PartitionAction<T> for Count {
    type Out = u64;

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) -> u64 {
        items.fold(0, |count, _| count + 1)
    }

    fn encode(&self, _: &mut Encoder) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Count)
    }
}

pub(super) fn count(rdd: &impl Rdd) -> Result<u64> {
    let mut count = 0;
    result::run(rdd, &Count, |part: u64| count += part)?;
    Ok(count)
}

/// Hashed alike in each process: `HashMap`'s own seed is a random one.
type Counts<T> = HashMap<T, u64, foldhash::fast::FixedState>;

/// Counts what `value_of` makes of each record.
pub(super) fn count_by<R, T, F>(rdd: &R, value_of: F) -> Result<BTreeMap<T, u64>>
where
    R: Rdd,
    T: Data + Hash + Ord,
    F: Fn(R::Item) -> T + Stateless,
{
    let mut all = BTreeMap::new();
    scan(
        rdd,
        (),
        |()| Counts::default(),
        move |(), counts, item| *counts.entry(value_of(item)).or_insert(0) += 1,
        |part| part.into_iter().for_each(|(value, count)| *all.entry(value).or_insert(0) += count),
    )?;
    Ok(all)
}
