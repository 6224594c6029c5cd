//! What whole-system tests stand on. They live in `tests/`, one story a file: programs as users start them, and the rules
//! of the tree. What they need beside programs is a simulation of the whole cluster, and what must hold in it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod cluster;
pub mod invariant;
mod link;
mod process;
mod program;
pub mod services;
pub mod simulation;
pub mod user;

pub use link::Link;
pub use process::{Process, signal};
pub use program::{binary, example, repository};
