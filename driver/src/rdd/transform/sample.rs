//! `sample`: a random part of the records, the same in each run.

use super::as_parent;
use crate::{
    Error, Result,
    rdd::{
        Determinism, Partitioning, Rdd,
        draw::{Cell, Draws, Poisson},
    },
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};
use serde::{Deserialize, Serialize};

/// The node of `sample`: a random part of the records, the same in each run.
#[derive(Debug, Clone)]
pub struct Sample<P> {
    parent: P,
    seed: u64,
    choice: Choice,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Choice {
    Once(Cell),
    Often(Poisson),
}

impl<P> Sample<P> {
    pub(crate) fn new(parent: P, with_replacement: bool, fraction: f64, seed: u64) -> Result<Self> {
        let fraction_max = if with_replacement { f64::from(u32::MAX) } else { 1.0 };
        if !(0.0..=fraction_max).contains(&fraction) {
            let replacement = if with_replacement { "with" } else { "without" };
            return Err(Error::Argument(format!(
                "a sample {replacement} replacement of the fraction {fraction}: from 0 to {fraction_max} are possible"
            )));
        }
        let choice = if with_replacement {
            Choice::Often(Poisson::of(fraction))
        } else {
            Choice::Once(Cell::between(0.0, fraction))
        };
        Ok(Sample { parent, seed, choice })
    }
}

impl<P: Rdd<Item: Clone>> Rdd for Sample<P> {
    type Item = P::Item;

    as_parent!();

    fn determinism(&self) -> Determinism {
        self.parent.determinism().by_order()
    }

    fn partitioning(&self) -> Option<Partitioning> {
        self.parent.partitioning()
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let (choice, mut draws) = (self.choice, Draws::of(self.seed, partition));
        self.parent.compute(partition, task).flat_map(move |item| {
            let times = match choice {
                Choice::Once(cell) => usize::from(cell.has_next(&mut draws)),
                Choice::Often(poisson) => poisson.next(&mut draws),
            };
            std::iter::repeat_n(item, times)
        })
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        to.put(&(self.seed, self.choice));
        self.parent.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let (seed, choice) = from.get()?;
        Ok(Sample { seed, choice, parent: P::decode(from)? })
    }
}
