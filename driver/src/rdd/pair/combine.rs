//! Values of one key merged: the primitive of all operators that give one record a key.

use super::{
    Combiner, PartitionBy,
    facts::facts_of,
    spread::{Either, is_spread},
};
use crate::{
    Context,
    rdd::{Dependency, Determinism, Partitioning, Rdd, partitioner::Spread, shuffle::Shuffled},
};
use rsk_executor::{
    TaskContext,
    shuffle::{combine, combine_early},
};
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use std::{fmt, hash::Hash, marker::PhantomData};

/// The map side: merges what fits in memory, so that less is shuffled.
#[derive(Debug)]
pub(crate) struct CombineEarly<P, M, V> {
    parent: P,
    combiner: M,
    of: PhantomData<fn() -> V>,
}

impl<P, M, V> CombineEarly<P, M, V> {
    pub(crate) fn new(parent: P, combiner: M) -> Self {
        CombineEarly { parent, combiner, of: PhantomData }
    }
}

impl<P: Clone, M: Clone, V> Clone for CombineEarly<P, M, V> {
    fn clone(&self) -> Self {
        CombineEarly::new(self.parent.clone(), self.combiner.clone())
    }
}

impl<P, K, V, M> Rdd for CombineEarly<P, M, V>
where
    P: Rdd<Item = (K, V)>,
    K: Data + Hash + Eq,
    V: Send + 'static,
    M: Combiner<V>,
{
    type Item = (K, M::Combined);

    facts_of!(parent);

    fn partitioning(&self) -> Option<Partitioning> {
        self.parent.partitioning()
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let (first, more) = (self.combiner.clone(), self.combiner.clone());
        let records = self.parent.compute(partition, task);
        combine_early(task, records, move |v| first.create(v), move |c, v| more.merge_value(c, v))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        self.parent.encode(partition, to);
        self.combiner.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(CombineEarly::new(P::decode(from)?, M::decode(from)?))
    }
}

/// One record a key; what `combine_by_key`, `reduce_by_key`, `group_by_key` and the like give.
///
/// Keys come in the executor's order, which is a function of the records and their order alone.
pub struct CombineByKey<K: Data, V: Data, M: Combiner<V>> {
    held: Held<K, V, M::Combined>,
    combiner: M,
}

enum Held<K: Data, V: Data, C> {
    /// As they are: a parent that is spread already, or values that merging early would not make fewer.
    Values(PartitionBy<K, V>),
    /// Merged on the map side.
    Combined(Shuffled<K, C>),
}

impl<K: Data + Hash + Eq, V: Data, M: Combiner<V>> CombineByKey<K, V, M> {
    pub(crate) fn new<P: Rdd<Item = (K, V)>, S: Spread<K>>(parent: &P, combiner: M, spread: &S) -> Self {
        let held = if M::EARLY && !is_spread(parent, spread) {
            let early = CombineEarly::new(parent.clone(), combiner.clone());
            Held::Combined(Shuffled::new(&early, spread.clone()))
        } else {
            Held::Values(PartitionBy::new(parent, spread))
        };
        CombineByKey { held, combiner }
    }
}

impl<K: Data, V: Data, M: Combiner<V>> Clone for CombineByKey<K, V, M> {
    fn clone(&self) -> Self {
        let held = match &self.held {
            Held::Values(values) => Held::Values(values.clone()),
            Held::Combined(combined) => Held::Combined(combined.clone()),
        };
        CombineByKey { held, combiner: self.combiner.clone() }
    }
}

impl<K: Data, V: Data, M: Combiner<V>> fmt::Debug for CombineByKey<K, V, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.held {
            Held::Values(values) => write!(f, "CombineByKey({values:?})"),
            Held::Combined(combined) => write!(f, "CombineByKey({combined:?})"),
        }
    }
}

impl<K: Data + Hash + Eq, V: Data, M: Combiner<V>> Rdd for CombineByKey<K, V, M> {
    type Item = (K, M::Combined);

    fn context(&self) -> &Context {
        match &self.held {
            Held::Values(values) => values.context(),
            Held::Combined(combined) => combined.context(),
        }
    }

    fn partitions(&self) -> usize {
        match &self.held {
            Held::Values(values) => values.partitions(),
            Held::Combined(combined) => combined.partitions(),
        }
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        match &self.held {
            Held::Values(values) => values.dependencies(to),
            Held::Combined(combined) => combined.dependencies(to),
        }
    }

    fn determinism(&self) -> Determinism {
        match &self.held {
            Held::Values(values) => values.determinism(),
            Held::Combined(combined) => combined.determinism(),
        }
    }

    fn partitioning(&self) -> Option<Partitioning> {
        let partitioning = match &self.held {
            Held::Values(values) => values.partitioning(),
            Held::Combined(combined) => combined.partitioning(),
        };
        partitioning.map(Partitioning::with_values::<K, M::Combined>)
    }

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let [first, more, again] = [(); 3].map(|()| self.combiner.clone());
        let merge_combiners = move |c, later| again.merge_combiners(c, later);
        match &self.held {
            Held::Values(values) => Either::Left(combine(
                task,
                values.compute(partition, task),
                move |v| first.create(v),
                move |c, v| more.merge_value(c, v),
                merge_combiners,
            )),
            Held::Combined(combined) => Either::Right(combine(
                task,
                combined.compute(partition, task),
                |c| c,
                move |c, later| more.merge_combiners(c, later),
                merge_combiners,
            )),
        }
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        match &self.held {
            Held::Values(values) => {
                to.put(&true);
                values.encode(partition, to);
            }
            Held::Combined(combined) => {
                to.put(&false);
                combined.encode(partition, to);
            }
        }
        self.combiner.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let held = if from.get()? {
            Held::Values(PartitionBy::decode(from)?)
        } else {
            Held::Combined(Shuffled::decode(from)?)
        };
        Ok(CombineByKey { held, combiner: M::decode(from)? })
    }
}
