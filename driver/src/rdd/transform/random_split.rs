//! `random_split`: each record in one of several RDDs, by chance.

use super::as_parent;
use crate::{
    Error, Result,
    rdd::{
        Determinism, Partitioning, Rdd,
        draw::{Cell, Draws},
    },
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};

/// One of the nodes of `random_split`: the records whose draw lies in its cell. All of them draw the same.
#[derive(Debug, Clone)]
pub struct RandomSplit<P> {
    parent: P,
    seed: u64,
    cell: Cell,
}

pub(super) fn random_split<P: Rdd>(parent: &P, weights: &[f64], seed: u64) -> Result<Vec<RandomSplit<P>>> {
    let total: f64 = weights.iter().sum();
    if !(total > 0.0 && total.is_finite() && weights.iter().all(|weight| *weight >= 0.0)) {
        return Err(Error::Argument(format!(
            "a random split by the weights {weights:?}: they must be finite, none below zero, and their sum above zero"
        )));
    }
    let mut sum = 0.0;
    let mut from = 0.0;
    let cells = weights.iter().enumerate().map(|(index, weight)| {
        sum += weight;
        // What follows the last weight that is not zero would be lost to rounding.
        let is_last = weights[index + 1..].iter().all(|weight| *weight == 0.0);
        let to = if is_last { 1.0 } else { sum / total };
        let cell = Cell::between(from, to);
        from = to;
        cell
    });
    Ok(cells.map(|cell| RandomSplit { parent: parent.clone(), seed, cell }).collect())
}

impl<P: Rdd> Rdd for RandomSplit<P> {
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
        let (cell, mut draws) = (self.cell, Draws::of(self.seed, partition));
        self.parent.compute(partition, task).filter(move |_| cell.has_next(&mut draws))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        to.put(&(self.seed, self.cell));
        self.parent.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let (seed, cell) = from.get()?;
        Ok(RandomSplit { seed, cell, parent: P::decode(from)? })
    }
}
