//! Stages of jobs: what the lineage needs, and which stage runs next.

pub(crate) mod core;
pub(crate) mod graph;
pub(crate) mod version;
