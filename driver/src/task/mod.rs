//! Task sets: the missing partitions of one stage, submitted together.

mod locality;
#[cfg_attr(
    not(feature = "simulation"),
    expect(unreachable_pub, reason = "the simulation of the whole cluster reaches it")
)]
pub(crate) mod core;
pub(crate) mod pool;
