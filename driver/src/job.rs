//! One job: an action over partitions of an RDD, from launch to the last result.

use crate::{
    Context, Error,
    local::Launch,
    task::core::{Step, TaskSetCore},
};
use rsk_executor::TaskHeader;
use rsk_proto::{CodecError, Encoder, PartitionId, StageId, TaskAttempt, TaskEnd, TaskOutput};
use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Runs one task for each partition and hands the encoded results over in partition order, as soon as that is possible.
///
/// Cost: holds the results that arrived before an earlier partition's.
pub(crate) fn run(
    context: &Context,
    partitions: usize,
    encode: impl Fn(PartitionId, &mut Encoder),
    mut take: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    if partitions == 0 {
        return Ok(());
    }
    let backend = context.backend();
    let stage = StageId(context.next_id());
    let mut tasks = TaskSetCore::new((0..partitions).map(PartitionId::of), context.config().task_attempts);
    let kill = KillOnDrop(Arc::new(AtomicBool::new(false)));
    let (ended, ends) = crossbeam_channel::bounded(backend.in_flight_max());
    let (mut in_flight, mut early, mut next) = (0, BTreeMap::new(), PartitionId(0));
    loop {
        while in_flight < backend.in_flight_max()
            && let Some((partition, attempt)) = tasks.take_launchable()
        {
            let attempt =
                TaskAttempt { task: context.next_task(), stage, stage_attempt: 0, partition, attempt };
            let mut to = Encoder::default();
            to.put(&TaskHeader { attempt, memory_share: backend.executor().config().task_share() });
            encode(partition, &mut to);
            let launch = Launch { task: to.finish()?, is_killed: Arc::clone(&kill.0), ended: ended.clone() };
            backend.launch(launch)?;
            in_flight += 1;
        }
        let end = ends.recv().map_err(|_| Error::Stopped)??;
        in_flight -= 1;
        let (partition, outcome) = split(end)?;
        let (outcome, result) = match outcome {
            Ok(bytes) => (Ok(()), Some(bytes)),
            Err(error) => {
                tracing::warn!(%partition, %error, "task failed");
                (Err(error), None)
            }
        };
        let step = tasks.ended(partition, outcome);
        match step {
            Step::Continue => continue,
            Step::Fail { partition, attempts, error } => {
                return Err(Error::Task { partition, attempts, source: error });
            }
            Step::Accept | Step::AcceptLast => early.extend(result.map(|result| (partition, result))),
        }
        while let Some(result) = early.remove(&next) {
            take(&result)?;
            next = PartitionId(next.0 + 1);
        }
        if step == Step::AcceptLast {
            return Ok(());
        }
    }
}

/// A job that returns early leaves no task running for it.
struct KillOnDrop(Arc<AtomicBool>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

type Outcome = Result<Vec<u8>, rsk_proto::TaskError>;

/// The result's bytes, read back from the file if they were spooled.
fn split(end: TaskEnd) -> Result<(PartitionId, Outcome), Error> {
    let outcome = match end.outcome {
        Ok(TaskOutput::Inline(bytes)) => Ok(bytes),
        Ok(TaskOutput::Spooled { path, .. }) => {
            let fail = |source| Error::Result { path: path.clone(), source };
            let bytes = fs::read(&path).map_err(fail)?;
            fs::remove_file(&path).map_err(fail)?;
            Ok(bytes)
        }
        Ok(TaskOutput::Map(_)) => {
            let cause = rsk_proto::Cause::new("a result task left map output");
            return Err(CodecError::Decode { type_name: "a result".to_owned(), cause }.into());
        }
        Err(error) => Err(error),
    };
    Ok((end.attempt.partition, outcome))
}
