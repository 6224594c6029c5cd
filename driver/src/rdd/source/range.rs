//! `ctx.range(from..to, partitions)`: numbers that no task carries.

use super::{no_parent, slice_of};
use crate::{
    Context, Error, Result,
    rdd::{Home, Rdd, Transform, partitions::Asked},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, OrRaise, PartitionId};

/// Numbers between two looks at whether the task is to stop.
const LOOK_EVERY: u64 = 1 << 14;

/// Consecutive numbers in slices. A task carries two of them.
#[derive(Debug, Clone)]
pub struct Range {
    home: Home,
    numbers: std::ops::Range<u64>,
    partitions: Asked,
}

impl Range {
    pub(crate) fn new(context: &Context, range: std::ops::Range<u64>, partitions: usize) -> Self {
        Range { home: Home::of(context), numbers: range, partitions: Asked(partitions) }
    }
}

impl Context {
    /// Every `step`th number of `range`, from its start, in `partitions` slices. No task carries them.
    ///
    /// Errors: a step of 0; while a job runs: no partitions.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range_by(5..20, 6, 2)?.collect()?, [5, 11, 17]);
    /// assert!(ctx.range_by(5..20, 0, 2).is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn range_by(
        &self,
        range: std::ops::Range<u64>,
        step: u64,
        partitions: usize,
    ) -> Result<impl Rdd<Item = u64> + use<>> {
        if step == 0 {
            return Err(Error::Argument("a range in steps of 0: at least 1 is possible".to_owned()));
        }
        let count = range.end.saturating_sub(range.start).div_ceil(step);
        Ok(self
            .range(0..count, partitions)
            .with((range.start, step))
            .map(|(start, step), i| start + i * step))
    }
}

impl Rdd for Range {
    type Item = u64;

    no_parent!();

    fn partitions(&self) -> usize {
        self.partitions.possible()
    }

    fn compute(&self, _: PartitionId, task: &TaskContext) -> impl Iterator<Item = u64> + 'static {
        self.partitions.check().or_raise();
        let (task, end) = (task.clone(), self.numbers.end);
        let mut start = self.numbers.start;
        // By stretches, and a look at each, so that a cancelled job gives its slot back.
        let stretches = std::iter::from_fn(move || {
            task.check_killed();
            let stretch = start..start.saturating_add(LOOK_EVERY).min(end);
            start = stretch.end;
            (!stretch.is_empty()).then_some(stretch)
        });
        stretches.flatten()
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        let length = self.numbers.end.saturating_sub(self.numbers.start);
        let slice = slice_of(length, partition.index() as u64, self.partitions() as u64);
        to.put(&(self.numbers.start + slice.start, self.numbers.start + slice.end, self.partitions));
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let (start, end, partitions) = from.get()?;
        Ok(Range { home: Home::default(), numbers: start..end, partitions })
    }
}
