//! Result tasks: what an action does with one partition, how it travels, and how its answer comes back.

use crate::{
    Error, job,
    rdd::{Rdd, ship::Entry},
};
use rsk_executor::TaskContext;
use rsk_proto::{
    Cause, CodecError, Data, Decoder, Encoder, PartitionId, TaskError, TaskOutput, decode_record,
    encode_record,
};
use std::fs;

/// Results up to this many bytes travel in the message that ends the task; larger ones through a file.
const INLINE_BYTES_MAX: usize = 1 << 20;

/// What an action does with one partition.
pub(super) trait PartitionAction<T>: Sized + 'static {
    /// The partition's answer.
    type Out: Data;
    /// Drives the partition's loop.
    fn run(&self, items: impl Iterator<Item = T>) -> Self::Out;
    fn encode(&self, to: &mut Encoder);
    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError>;
}

/// What a task's entry points at.
pub(crate) type RunTask = fn(&mut Decoder<'_>, &TaskContext) -> Result<TaskOutput, TaskError>;

/// Calls the entry that a task names: the one type-erased call of a task.
pub(crate) fn run_task(from: &mut Decoder<'_>, task: &TaskContext) -> Result<TaskOutput, TaskError> {
    Entry::<RunTask>::decode(from)?(from, task)
}

/// Runs `action` on each partition of `rdd`; `take` gets the answers in partition order.
pub(super) fn run<R: Rdd, A: PartitionAction<R::Item>>(
    rdd: &R,
    action: &A,
    mut take: impl FnMut(A::Out),
) -> Result<(), Error> {
    let encode = |partition, to: &mut Encoder| {
        const { &Entry::new::<(R, A)>(run_result::<R, A> as RunTask) }.encode(to);
        to.put(&partition);
        action.encode(to);
        rdd.encode(partition, to);
    };
    let mut shuffles = Vec::new();
    rdd.shuffles(&mut shuffles);
    job::run(rdd.context(), &shuffles, rdd.partitions(), encode, |mut bytes| {
        take(decode_record(&mut bytes)?);
        Ok(())
    })
}

fn run_result<R: Rdd, A: PartitionAction<R::Item>>(
    from: &mut Decoder<'_>,
    task: &TaskContext,
) -> Result<TaskOutput, TaskError> {
    let partition: PartitionId = from.get()?;
    let action = A::decode(from)?;
    let rdd = R::decode(from)?;
    if !from.is_at_end() {
        let cause = Cause::new("bytes are left over");
        return Err(CodecError::Decode { type_name: std::any::type_name::<R>().to_owned(), cause }.into());
    }
    let mut bytes = Vec::new();
    encode_record(&action.run(rdd.compute(partition, task)), &mut bytes)?;
    if bytes.len() <= INLINE_BYTES_MAX {
        return Ok(TaskOutput::Inline(bytes));
    }
    let path = task.executor().work_dir().result().join(task.attempt().task.to_string());
    fs::write(&path, &bytes).map_err(|error| TaskError::io(&path, "write", &error))?;
    Ok(TaskOutput::Spooled { path, bytes: bytes.len() as u64 })
}
