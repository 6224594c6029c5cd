//! Narrow operators: each partition needs few of its parents', and nothing is shuffled. One operator a file.

mod cartesian;
mod coalesce;
mod extent;
mod filter;
mod flat_map;
mod flat_map_into;
mod glom;
mod key_by;
mod map;
mod map_partitions;
mod map_partitions_with_index;
mod marked;
mod operators;
mod pipe;
mod random_split;
mod sample;
mod trying;
mod union;
mod union_all;
mod zip;
mod zip_partitions;
mod zip_with_index;
mod zip_with_unique_id;

pub use cartesian::Cartesian;
pub use coalesce::Coalesce;
pub use filter::Filter;
pub use flat_map::FlatMap;
pub use flat_map_into::{FlatMapInto, Out};
pub use glom::{Glom, IntoVec};
pub use key_by::Keyed;
pub use map::Map;
pub use map_partitions::MapPartitions;
pub use map_partitions_with_index::MapPartitionsWithIndex;
pub use marked::Marked;
pub use operators::Transform;
pub use pipe::{Pipe, Program};
pub use random_split::RandomSplit;
pub use sample::Sample;
pub use trying::{AnyError, Trying};
pub use union::Union;
pub use union_all::UnionAll;
pub use zip::Zip;
pub use zip_partitions::ZipPartitions;
pub use zip_with_index::ZipWithIndex;
pub use zip_with_unique_id::ZipWithUniqueId;

use super::Rdd;
use crate::{Error, Result};

/// Refuses to pair RDDs whose partitions do not come in pairs.
fn check_same_partitions(operator: &str, left: &impl Rdd, right: &impl Rdd) -> Result<()> {
    let (left, right) = (left.partitions(), right.partitions());
    if left == right {
        return Ok(());
    }
    Err(Error::Argument(format!(
        "{operator} of {left} and {right} partitions: both sides need the same number; coalesce or repartition one"
    )))
}

/// What a node with one parent and the same partitions shares with it.
macro_rules! as_parent {
    () => {
        fn context(&self) -> &$crate::Context {
            self.parent.context()
        }

        fn partitions(&self) -> usize {
            self.parent.partitions()
        }

        fn dependencies(&self, to: &mut Vec<$crate::rdd::Dependency>) {
            self.parent.dependencies(to);
        }

        fn preferred_hosts(&self) -> Option<$crate::rdd::PreferredHosts> {
            self.parent.preferred_hosts()
        }
    };
}
pub(crate) use as_parent;

/// What each node with one parent and one function shares: everything but how it computes; or, where the node holds more
/// than these, all but `decode`.
macro_rules! one_parent {
    () => {
        $crate::rdd::transform::one_parent!(but decode);

        fn decode(from: &mut rsk_proto::Decoder<'_>) -> Result<Self, rsk_proto::CodecError> {
            Ok(Self { parent: P::decode(from)?, function: F::decode(from)? })
        }
    };
    (but decode) => {
        $crate::rdd::transform::as_parent!();

        fn determinism(&self) -> $crate::rdd::Determinism {
            self.parent.determinism()
        }

        fn encode(&self, partition: rsk_proto::PartitionId, to: &mut rsk_proto::Encoder) {
            self.parent.encode(partition, to);
            self.function.encode(to);
        }
    };
}
pub(crate) use one_parent;

/// What nodes share that pair the partitions of `left` and `right`: what they give depends on the order of both.
macro_rules! two_parents {
    () => {
        fn context(&self) -> &$crate::Context {
            self.left.context()
        }

        fn partitions(&self) -> usize {
            self.left.partitions()
        }

        fn dependencies(&self, to: &mut Vec<$crate::rdd::Dependency>) {
            self.left.dependencies(to);
            self.right.dependencies(to);
        }

        fn preferred_hosts(&self) -> Option<$crate::rdd::PreferredHosts> {
            self.left.preferred_hosts().or_else(|| self.right.preferred_hosts())
        }

        fn determinism(&self) -> $crate::rdd::Determinism {
            self.left.determinism().max(self.right.determinism()).by_order()
        }
    };
}
pub(crate) use two_parents;
