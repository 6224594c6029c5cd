//! Task sets: the missing partitions of one stage, submitted together.

mod locality;
pub(crate) mod core;
pub(crate) mod pool;
