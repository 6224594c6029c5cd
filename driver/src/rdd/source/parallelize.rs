//! `ctx.parallelize(values, partitions)`.

use super::{no_parent, slice_of};
use crate::{
    Context,
    rdd::{Home, Rdd},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId, to_usize};
use std::sync::Arc;

/// Values between two looks at whether the task is to stop.
const LOOK_EVERY: usize = 1 << 10;

/// The driver's own values, sliced. A task carries its slice alone.
#[derive(Debug, Clone)]
pub struct Parallelize<T> {
    home: Home,
    /// All values in the driver, one slice in an executor.
    values: Arc<Vec<T>>,
    partitions: usize,
}

impl<T> Parallelize<T> {
    pub(crate) fn new(context: &Context, values: Vec<T>, partitions: usize) -> Self {
        Parallelize { home: Home::of(context), values: Arc::new(values), partitions }
    }
}

impl<T: Data + Sync + Clone> Rdd for Parallelize<T> {
    type Item = T;

    no_parent!();

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn compute(&self, _: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        let (task, values) = (task.clone(), Arc::clone(&self.values));
        (0..values.len()).map(move |index| {
            if index.is_multiple_of(LOOK_EVERY) {
                task.check_killed();
            }
            values[index].clone()
        })
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        let slice = slice_of(self.values.len() as u64, partition.index() as u64, self.partitions as u64);
        to.put(&&self.values[to_usize(slice.start)..to_usize(slice.end)]);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Parallelize { home: Home::default(), values: Arc::new(from.get()?), partitions: 1 })
    }
}
