//! The cluster: a master that offers resources, and agents that start executors with them.
//!
//! It knows resources and opaque bytes, nothing of RDDs, and never links driver or executor. Everybody who is part of a
//! cluster calls it over the messages of `rsk-proto`; it calls nobody else of ours.

pub mod agent;
