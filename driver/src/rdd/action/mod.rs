//! Actions: what starts a job and brings an answer to the driver. Results merge in partition order.

mod actions;
mod pair_actions;
mod number_actions;
mod result;
mod collect;
mod local_iterator;
mod count;
mod aggregate;
mod tree;
mod scan;
mod take;
mod ordered;
mod least;
mod sample;
mod approx_distinct;
mod stats;
mod number;
mod histogram;
mod for_each;
mod save;
mod save_actions;

pub use actions::Actions;
pub(crate) use count::Count;
pub use histogram::Histogram;
pub use local_iterator::LocalIterator;
pub use number::Number;
pub use number_actions::NumberActions;
pub use pair_actions::PairActions;
#[cfg(test)]
pub(crate) use result::run_on;
pub(crate) use result::{PartitionAction, ResultTask, RunTask, read_output, run_task};
pub use save::SaveOptions;
pub(crate) use save::{SaveObjects, WriteFormat, save, save_at};
pub use save_actions::SaveActions;
pub use stats::Stats;
