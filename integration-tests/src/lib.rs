//! Whole-system tests live in `tests/`, one story a file: programs as users start them, and the rules of the tree. What
//! they need beside programs is here: a simulation of the whole cluster, and what must hold in it.

pub mod invariant;
pub mod simulation;
