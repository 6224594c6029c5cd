//! What the driver cannot see for itself: an RDD with what the user says about it.

use super::as_parent;
use crate::rdd::{Determinism, Partitioning, Rdd};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};

/// The node of `unordered`, `indeterminate` and `map_partitions_keeping_keys`: an RDD with what the user says of it.
///
/// Cost: none; tasks carry the RDD alone.
#[derive(Debug, Clone)]
pub struct Marked<P> {
    parent: P,
    determinism: Determinism,
    partitioning: Option<Partitioning>,
}

impl<P: Rdd> Marked<P> {
    /// No better than `determinism`.
    pub(crate) fn at_best(parent: P, determinism: Determinism) -> Self {
        let (determinism, partitioning) = (parent.determinism().max(determinism), parent.partitioning());
        Marked { parent, determinism, partitioning }
    }

    /// Spread by key as `partitioning` says.
    pub(crate) fn spread(parent: P, partitioning: Option<Partitioning>) -> Self {
        Marked { determinism: parent.determinism(), parent, partitioning }
    }
}

impl<P: Rdd> Rdd for Marked<P> {
    type Item = P::Item;

    as_parent!();

    fn determinism(&self) -> Determinism {
        self.determinism
    }

    fn partitioning(&self) -> Option<Partitioning> {
        self.partitioning.clone()
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        self.parent.compute(partition, task)
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.parent.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let parent = P::decode(from)?;
        Ok(Marked { parent, determinism: Determinism::Determinate, partitioning: None })
    }
}
