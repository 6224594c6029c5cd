//! Operators on pairs of key and value.
//!
//! Two primitives: [`CombineByKey`], of one RDD, and [`Cogroup`], of two; all else is made of them. Both find out when
//! they are made whether a parent is spread by their partitioner already, and then do not move it.

mod operators;
mod with;
mod project;
mod map_values;
mod sample;
pub(crate) mod spread;
mod combiner;
mod combine;
mod cogroup;
mod join;
mod subtract;
mod range;
mod sort;
pub(crate) mod facts;

pub(crate) use cogroup::Groups;
pub use cogroup::{Cogroup, Cogroup3};
pub use combine::CombineByKey;
pub(crate) use combine::CombineEarly;
pub use combiner::{Aggregate, ByFunctions, Combiner, First, Group, Reduce};
pub use join::{FullOuter, Inner, Join, LeftOuter, RightOuter, Shape};
pub use map_values::{FlatMapValues, MapValues};
pub use operators::PairRdd;
pub use project::{Keys, Values};
pub use sample::SampleByKey;
pub use sort::Sorted;
pub use spread::PartitionBy;
pub use subtract::SubtractByKey;

use super::{Bound, Pure};

/// What `combine_by_key` gives.
pub type Combined<K, V, A, B, C> = CombineByKey<K, V, ByFunctions<Pure<A>, Pure<B>, Pure<C>>>;
/// What `combine_by_key` gives after `with`.
pub type CombinedWith<K, V, E, A, B, C> =
    CombineByKey<K, V, ByFunctions<Bound<E, A>, Bound<E, B>, Bound<E, C>>>;
/// What `aggregate_by_key` and `fold_by_key` give.
pub type Aggregated<K, V, U, B, C> = CombineByKey<K, V, Aggregate<U, Pure<B>, Pure<C>>>;
/// What `aggregate_by_key` and `fold_by_key` give after `with`.
pub type AggregatedWith<K, V, E, U, B, C> = CombineByKey<K, V, Aggregate<U, Bound<E, B>, Bound<E, C>>>;
/// What `reduce_by_key` gives.
pub type Reduced<K, V, F> = CombineByKey<K, V, Reduce<F>>;
/// What `group_by_key` and `group_by` give.
pub type Grouped<K, V> = CombineByKey<K, V, Group>;
