//! `sample_by_key`: a part of each key's pairs.

use crate::{
    Error, Result,
    rdd::{Determinism, Partitioning, Rdd, draw::Draws, transform::as_parent},
    value::Captured,
};
use foldhash::quality::FixedState;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use std::{collections::HashMap, hash::Hash};

type Fractions<K> = HashMap<K, f64, FixedState>;

/// What `sample_by_key` gives.
#[derive(Debug)]
pub struct SampleByKey<P, K> {
    parent: P,
    fractions: Captured<Fractions<K>>,
    seed: u64,
}

impl<P: Rdd<Item = (K, V)>, K: Data + Sync + Hash + Eq, V> SampleByKey<P, K> {
    pub(super) fn new(parent: &P, fractions: impl IntoIterator<Item = (K, f64)>, seed: u64) -> Result<Self> {
        let fractions: Fractions<K> = fractions.into_iter().collect();
        if let Some(wrong) = fractions.values().find(|fraction| !(0.0..=1.0).contains(*fraction)) {
            let why = format!("cannot sample a fraction of {wrong}: use one from 0 to 1");
            return Err(Error::Argument(why));
        }
        let fractions = Captured::new(fractions, parent.context().values());
        Ok(SampleByKey { parent: parent.clone(), fractions, seed })
    }
}

impl<P: Clone, K> Clone for SampleByKey<P, K> {
    fn clone(&self) -> Self {
        SampleByKey { parent: self.parent.clone(), fractions: self.fractions.clone(), seed: self.seed }
    }
}

impl<P, K, V> Rdd for SampleByKey<P, K>
where
    P: Rdd<Item = (K, V)>,
    K: Data + Sync + Hash + Eq,
    V: Send + 'static,
{
    type Item = (K, V);

    as_parent!();

    /// Which pairs are drawn depends on their places.
    fn determinism(&self) -> Determinism {
        self.parent.determinism().by_order()
    }

    fn partitioning(&self) -> Option<Partitioning> {
        self.parent.partitioning()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = (K, V)> + 'static {
        let fractions = self.fractions.clone();
        let mut draws = Draws::of(self.seed, partition);
        self.parent.compute(partition, task).filter(move |(key, _)| {
            let fraction = fractions.get().get(key).copied().unwrap_or(0.0);
            // One draw a pair whatever its key: another fraction of one key leaves the others' samples alone.
            draws.fraction() < fraction
        })
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.parent.encode(partition, to);
        self.fractions.encode(to);
        to.put(&self.seed);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(SampleByKey { parent: P::decode(from)?, fractions: Captured::decode(from)?, seed: from.get()? })
    }
}
