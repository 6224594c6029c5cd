//! From a stage's partitions to task attempts.

pub(crate) mod core;
