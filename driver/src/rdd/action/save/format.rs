//! What all formats share: how records become the parts of an output.

use crate::rdd::action::result::PartitionAction;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, OrRaise};
use rsk_storage::{PartAttempt, PartFile, PartTarget, WriteError};

/// How records are written in one format.
pub(crate) trait WriteFormat<T>: Data + Sync + Clone {
    /// What writes one part.
    type Part;

    fn create(&self, attempt: PartAttempt, task: &TaskContext) -> Result<Self::Part, WriteError>;

    fn write(part: &mut Self::Part, record: &T) -> Result<(), WriteError>;

    /// Nothing where the format has no part without records.
    fn finish(part: Self::Part) -> Result<Option<PartFile>, WriteError>;
}

/// Writes the records of a partition in a format.
#[derive(Clone)]
pub(super) struct SaveAs<F> {
    pub(super) target: PartTarget,
    pub(super) format: F,
}

impl<T, F: WriteFormat<T>> PartitionAction<T> for SaveAs<F> {
    type Out = Option<PartFile>;

    fn run(&self, mut items: impl Iterator<Item = T>, task: &TaskContext) -> Option<PartFile> {
        let attempt = task.attempt();
        let attempt = self.target.attempt(task.executor().storage(), attempt.partition, attempt.task);
        let mut part = self.format.create(attempt, task).or_raise();
        items.try_for_each(|item| F::write(&mut part, &item)).or_raise();
        task.check_killed();
        F::finish(part).or_raise()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.target);
        to.put(&self.format);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(SaveAs { target: from.get()?, format: from.get()? })
    }
}
