//! What whole-system tests stand on. They live in `tests/`, one story a file: programs as users start them, and the rules
//! of the tree.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod cluster;
mod process;
mod program;

pub use process::{Process, signal};
pub use program::{binary, example, repository};
