//! Partitions of persisted RDDs: in memory or on disk, evicted when room is needed.
//!
//! The way of a block: [`BlockStore::get_or_make`] claims its slot, `unroll` collects its records within the budget,
//! `slots` keeps it, `evict` makes it leave, `file` is what it is on disk. Only a block that was made to its end is kept.
//! `serve` gives blocks to other executors, `fetch` gets them from there; `section` is how a block is written either way.
//!
//! A task that wants a block which another makes waits for it. Such waits cannot go round in a circle: a task waits only
//! for blocks of RDDs further up the lineage than the block it is making, and lineage has no cycles.
//!
//! Lock order: the slots, then the sums of the budget. Under the slots no file is used, no block is dropped and no code
//! of the user runs.

mod encoded;
mod evict;
mod fetch;
mod file;
mod passed;
mod read;
mod records;
mod section;
mod serve;
mod slots;
mod store;
mod unroll;

pub use fetch::Holders;
pub use passed::Passed;
pub use read::{Block, BlockIter, BlockReader, SharedIter};
pub use records::{Held, Shared};
pub use serve::{BlockServer, bind};
pub use slots::BlockCounts;
pub use store::BlockStore;

#[cfg(test)]
mod suite;
