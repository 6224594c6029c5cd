//! Task sets: the missing partitions of one stage, submitted together.

#[cfg_attr(
    not(feature = "simulation"),
    expect(unreachable_pub, reason = "the simulation of the whole cluster reaches it")
)]
pub(crate) mod locality;
pub(crate) mod exclude;
#[cfg_attr(
    not(feature = "simulation"),
    expect(unreachable_pub, reason = "the simulation of the whole cluster reaches it")
)]
pub(crate) mod site;
#[cfg_attr(
    not(feature = "simulation"),
    expect(unreachable_pub, reason = "the simulation of the whole cluster reaches it")
)]
pub(crate) mod core;
pub(crate) mod pool;
