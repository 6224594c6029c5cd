//! Operators on any RDD that bring records of several partitions together.

mod distinct;
mod operators;
mod repartition;
mod with;

pub use distinct::{Distinct, Intersection, Subtract};
pub use operators::Wide;
pub use repartition::Repartition;

use super::pair::{Sorted, Values};

/// What `sort_by` gives.
pub type SortedBy<K, T> = Values<Sorted<K, T>>;
