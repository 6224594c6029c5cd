//! The node of all RDDs that are read from files: some splits, and how to read one.

use crate::{
    Context,
    rdd::{Home, Rdd, source::no_parent},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, OrRaise, PartitionId};
use rsk_storage::ReadError;
use std::sync::Arc;

/// How the files of one kind are read.
pub trait Format: Data + Sync + Clone {
    /// What one partition reads.
    type Split: Data + Sync + Clone;
    /// A record.
    type Item: Send + 'static;
    /// Records between two looks at whether the task is to stop.
    #[doc(hidden)]
    const LOOK_EVERY: u32;

    /// The records of a split, the first error last.
    #[doc(hidden)]
    fn read(
        &self,
        split: Self::Split,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<Self::Item, ReadError>> + 'static;
}

/// Records of files. A task carries its own split and no other.
#[derive(Debug, Clone)]
pub struct Files<F: Format> {
    home: Home,
    /// All splits in the driver, one in an executor.
    splits: Arc<Vec<F::Split>>,
    format: F,
}

impl<F: Format> Files<F> {
    pub(super) fn new(context: &Context, splits: Vec<F::Split>, format: F) -> Self {
        Files { home: Home::of(context), splits: Arc::new(splits), format }
    }

    pub(super) fn format(&self) -> &F {
        &self.format
    }

    /// The same splits, read in another way.
    pub(super) fn with_format(&self, format: F) -> Self {
        Files { home: self.home.clone(), splits: Arc::clone(&self.splits), format }
    }
}

impl<F: Format> Rdd for Files<F> {
    type Item = F::Item;

    no_parent!();

    fn partitions(&self) -> usize {
        self.splits.len()
    }

    fn compute(&self, _: PartitionId, task: &TaskContext) -> impl Iterator<Item = F::Item> + 'static {
        let records = self.splits.first().cloned().map(|split| self.format.read(split, task));
        let task = task.clone();
        let mut until_look = F::LOOK_EVERY;
        records.into_iter().flatten().map(move |record| {
            until_look -= 1;
            if until_look == 0 {
                until_look = F::LOOK_EVERY;
                task.check_killed();
            }
            record.or_raise()
        })
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        to.put(&self.splits[partition.index()]);
        to.put(&self.format);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let split = from.get()?;
        Ok(Files { home: Home::default(), splits: Arc::new(vec![split]), format: from.get()? })
    }
}
