//! `ctx.range(from..to, partitions)`: numbers that no task carries.

use super::slice_of;
use crate::{
    Context,
    rdd::{Dependency, Determinism, Home, Rdd},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};

/// Consecutive numbers in slices. A task carries two of them.
#[derive(Debug, Clone)]
pub struct Range {
    home: Home,
    numbers: std::ops::Range<u64>,
    partitions: usize,
}

impl Range {
    pub(crate) fn new(context: &Context, range: std::ops::Range<u64>, partitions: usize) -> Self {
        Range { home: Home::of(context), numbers: range, partitions }
    }
}

impl Rdd for Range {
    type Item = u64;

    fn context(&self) -> &Context {
        self.home.context()
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn dependencies(&self, _: &mut Vec<Dependency>) {}

    fn determinism(&self) -> Determinism {
        Determinism::Determinate
    }

    fn compute(&self, _: PartitionId, _: &TaskContext) -> impl Iterator<Item = u64> + 'static {
        self.numbers.clone()
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        let length = self.numbers.end.saturating_sub(self.numbers.start);
        let slice = slice_of(length, partition.index() as u64, self.partitions as u64);
        to.put(&(self.numbers.start + slice.start, self.numbers.start + slice.end));
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let (start, end) = from.get()?;
        Ok(Range { home: Home::default(), numbers: start..end, partitions: 1 })
    }
}
