//! The data plane: runs tasks, writes and fetches shuffles, combines, sorts, spills and caches.
//!
//! It is not a scheduler: it runs what it is given, on the thread it is called from, and says how that ended. Slots of
//! the local backend and of executor processes call [`Executor::run`]; the nodes of an RDD call [`shuffle`] and
//! [`block`] from inside a task. It calls the driver through [`DriverLink`] only.

mod process;
pub mod task;
pub mod shuffle;
pub mod sort;
mod spill;
pub mod block;
pub mod memory;
mod value;
mod link;
mod work_dir;
mod dial;
mod config;
#[cfg(test)]
mod fixture;

pub use config::ExecutorConfig;
pub use link::DriverLink;
pub use process::{Process, ProcessError, serve};
pub use task::{Executor, Program, TaskContext, TaskHeader};
pub use work_dir::{WorkDir, WorkDirError};
