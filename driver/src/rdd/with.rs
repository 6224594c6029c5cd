//! Captured values, explicitly: `rdd.with(table).map(|table, x| …)`.

use super::Rdd;
use crate::value::Captured;
use rsk_proto::Data;

/// An RDD and a value for the next operator's closure, which gets the value by reference as its first argument.
///
/// Every operator and action that takes a function is a method of it, by the same name. Several values are a tuple. A
/// value that several operators need is handed to each, or is a [`Broadcast`](crate::Broadcast).
///
/// Cost: the value is encoded once, sent once to each executor (inside each task up to 4 KiB) and decoded once there.
///
/// ```
/// use rsk::prelude::*;
/// let ctx = rsk::Context::new("local[2]")?;
/// let (factor, bound) = (10, 25);
/// let large = ctx.range(0..5, 2).with(factor).map(|factor, n| n * factor).with(bound).filter(|bound, n| n > bound);
/// assert_eq!(large.collect()?, [30, 40]);
/// # Ok::<(), rsk::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct With<P, E> {
    pub(crate) parent: P,
    pub(crate) value: Captured<E>,
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    pub(crate) fn new(parent: &P, value: E) -> Self {
        With { parent: parent.clone(), value: Captured::new(value, parent.context().values()) }
    }
}
