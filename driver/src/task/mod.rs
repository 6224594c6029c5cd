//! Task sets: the missing partitions of one stage, submitted together.

pub(crate) mod core;
pub(crate) mod pool;
