//! One task attempt: what it may use while it runs, and how its end becomes a message.

mod context;
mod runner;

pub use context::TaskContext;
pub use runner::{Executor, Program, TaskHeader};
