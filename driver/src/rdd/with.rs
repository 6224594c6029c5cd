//! Captured values, explicitly: `rdd.with(table).map(|table, x| …)`.

use super::Rdd;
use crate::value::Captured;
use rsk_proto::Data;

/// An RDD and a value for the next operator's closure, which gets the value by reference as its first argument.
///
/// Cost: the value is encoded once, sent once to each executor (inside each task up to 4 KiB) and decoded once there.
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
