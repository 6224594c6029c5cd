//! What the formats share that are written record by record.

use crate::rdd::action::result::PartitionAction;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, OrRaise, TaskAttempt};
use rsk_storage::{PartFile, WriteError};
use std::path::{Path, PathBuf};

/// How records are written in one format.
pub(in crate::rdd::action) trait WriteFormat<T>: Data + Sync + Clone {
    /// What writes one part.
    type Part;

    fn create(&self, folder: &Path, attempt: TaskAttempt) -> Result<Self::Part, WriteError>;

    fn write(part: &mut Self::Part, record: &T) -> Result<(), WriteError>;

    fn finish(part: Self::Part) -> Result<PartFile, WriteError>;
}

/// Writes the records of a partition in a format.
#[derive(Clone)]
pub(super) struct SaveAs<F> {
    pub(super) folder: PathBuf,
    pub(super) format: F,
}

impl<T, F: WriteFormat<T>> PartitionAction<T> for SaveAs<F> {
    type Out = PartFile;

    fn run(&self, mut items: impl Iterator<Item = T>, task: &TaskContext) -> PartFile {
        let mut part = self.format.create(&self.folder, task.attempt()).or_raise();
        items.try_for_each(|item| F::write(&mut part, &item)).or_raise();
        task.check_killed();
        F::finish(part).or_raise()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.folder);
        to.put(&self.format);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(SaveAs { folder: from.get()?, format: from.get()? })
    }
}
