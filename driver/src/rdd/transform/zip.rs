//! `zip`: the first with the first, the second with the second, and so on.

use super::two_parents;
use crate::rdd::Rdd;
use rsk_executor::TaskContext;
use rsk_proto::{PartitionId, TaskError};

/// The node of `zip`: records of two RDDs by their places in a partition.
#[derive(Debug, Clone)]
pub struct Zip<A, B> {
    left: A,
    right: B,
}

impl<A: Rdd, B: Rdd> Zip<A, B> {
    pub(crate) fn new(left: A, right: B) -> crate::Result<Self> {
        super::check_same_partitions("zip", &left, &right)?;
        Ok(Zip { left, right })
    }
}

impl<A: Rdd, B: Rdd> Rdd for Zip<A, B> {
    type Item = (A::Item, B::Item);

    two_parents!();

    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static {
        let (left, right) = (self.left.compute(partition, task), self.right.compute(partition, task));
        Pairs { left, right, before: 0, partition }
    }

    fn encode(&self, partition: PartitionId, to: &mut rsk_proto::Encoder) {
        self.left.encode(partition, to);
        self.right.encode(partition, to);
    }

    fn decode(from: &mut rsk_proto::Decoder<'_>) -> Result<Self, rsk_proto::CodecError> {
        Ok(Zip { left: A::decode(from)?, right: B::decode(from)? })
    }
}

/// Pairs until both sides end, which must be at once.
struct Pairs<A, B> {
    left: A,
    right: B,
    before: u64,
    partition: PartitionId,
}

impl<A: Iterator, B: Iterator> Pairs<A, B> {
    #[cold]
    fn raise(partition: PartitionId, pairs: u64, longer: &str) -> ! {
        TaskError::Contract(format!(
            "zip: in {partition} the {longer} RDD has more than the {pairs} records of the other; both need the same \
             number in each partition"
        ))
        .raise()
    }
}

impl<A: Iterator, B: Iterator> Iterator for Pairs<A, B> {
    type Item = (A::Item, B::Item);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match (self.left.next(), self.right.next()) {
            (Some(left), Some(right)) => {
                self.before += 1;
                Some((left, right))
            }
            (None, None) => None,
            (Some(_), None) => Self::raise(self.partition, self.before, "left"),
            (None, Some(_)) => Self::raise(self.partition, self.before, "right"),
        }
    }

    fn fold<S, G>(self, start: S, mut merge: G) -> S
    where
        G: FnMut(S, Self::Item) -> S,
    {
        let Pairs { left, mut right, mut before, partition } = self;
        let end = left.fold(start, |sum, left| {
            let Some(right) = right.next() else { Self::raise(partition, before, "left") };
            before += 1;
            merge(sum, (left, right))
        });
        if right.next().is_some() {
            Self::raise(partition, before, "right");
        }
        end
    }
}
