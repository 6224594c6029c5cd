//! Hadoop's SequenceFiles.

use super::WriteFormat;
use rsk_executor::TaskContext;
use rsk_storage::{Compression, PartAttempt, PartFile, SequencePartWriter, Writable, WriteError};
use serde::{Deserialize, Serialize};

/// Writes pairs as Hadoop's classes.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::rdd::action) struct SaveSequence(pub(in crate::rdd::action) Compression);

impl<K: Writable, V: Writable> WriteFormat<(K, V)> for SaveSequence {
    type Part = SequencePartWriter<K, V>;

    fn create(&self, attempt: PartAttempt, _: &TaskContext) -> Result<Self::Part, WriteError> {
        SequencePartWriter::create(attempt, self.0)
    }

    fn write(part: &mut Self::Part, (key, value): &(K, V)) -> Result<(), WriteError> {
        part.write(key, value)
    }

    fn finish(part: Self::Part) -> Result<Option<PartFile>, WriteError> {
        part.finish().map(Some)
    }
}
