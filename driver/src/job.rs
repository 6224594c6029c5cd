//! One job: an action over partitions of an RDD, from launch to the last result.

use crate::{
    Context, Error,
    local::Launch,
    rdd::AnyShuffle,
    task::core::{Step, TaskSetCore},
};
use rsk_executor::TaskHeader;
use rsk_proto::{
    Cause, CodecError, Encoder, PartitionId, StageId, TaskAttempt, TaskEnd, TaskError, TaskOutput,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Runs one task for each partition and hands the encoded results over in partition order, as soon as that is possible.
/// Map stages whose outputs are missing run first; an output that turns out lost is made again, that map task alone.
///
/// Cost: holds the results that arrived before an earlier partition's.
pub(crate) fn run(
    context: &Context,
    shuffles: &[Arc<dyn AnyShuffle>],
    partitions: usize,
    encode: impl Fn(PartitionId, &mut Encoder),
    mut take: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut early, mut next) = (BTreeMap::new(), PartitionId(0));
    let mut missing: BTreeSet<_> = (0..partitions).map(PartitionId::of).collect();
    for stage_attempt in 0..STAGE_ATTEMPTS_MAX {
        run_map_stages(context, shuffles)?;
        let stage = Stage { id: StageId(context.next_id()), stage_attempt };
        let all = missing.iter().copied().collect();
        let end = run_stage(context, stage, all, &encode, |partition, output| {
            missing.remove(&partition);
            early.insert(partition, read_result(output)?);
            while let Some(result) = early.remove(&next) {
                take(&result)?;
                next = PartitionId(next.0 + 1);
            }
            Ok(())
        })?;
        if end == StageEnd::Complete {
            return Ok(());
        }
    }
    Err(Error::OutputsLost { stages: STAGE_ATTEMPTS_MAX })
}

/// Runs the map stages that the given shuffles need, parents first. Walks the lineage with a stack of its own.
fn run_map_stages(context: &Context, shuffles: &[Arc<dyn AnyShuffle>]) -> Result<(), Error> {
    let mut stack = shuffles.to_vec();
    let mut reruns = 0;
    while let Some(shuffle) = stack.last().cloned() {
        let missing = context.map_outputs().missing(shuffle.id(), shuffle.maps());
        if missing.is_empty() {
            stack.pop();
            continue;
        }
        let mut parents = Vec::new();
        shuffle.parents(&mut parents);
        parents.retain(|parent| !context.map_outputs().missing(parent.id(), parent.maps()).is_empty());
        if !parents.is_empty() {
            stack.extend(parents);
            continue;
        }
        let stage = Stage { id: StageId(context.next_id()), stage_attempt: reruns };
        let encode = |map, to: &mut Encoder| shuffle.encode_map_task(map, to);
        let end = run_stage(context, stage, missing, &encode, |_, output| {
            if let TaskOutput::Map(output) = output {
                context.map_outputs().register(output);
            }
            Ok(())
        })?;
        if end == StageEnd::OutputsLost {
            reruns += 1;
            if reruns == STAGE_ATTEMPTS_MAX {
                return Err(Error::OutputsLost { stages: reruns });
            }
        }
    }
    Ok(())
}

/// How often a stage may find that map outputs it needs are gone before the job fails.
const STAGE_ATTEMPTS_MAX: u32 = 4;

#[derive(Clone, Copy)]
struct Stage {
    id: StageId,
    stage_attempt: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum StageEnd {
    Complete,
    /// Map outputs were lost meanwhile: what has succeeded was handed over, the rest must be tried again.
    OutputsLost,
}

/// Runs tasks until each partition has succeeded once, or until map outputs turn out lost and the rest has ended.
fn run_stage(
    context: &Context,
    stage: Stage,
    partitions: Vec<PartitionId>,
    encode: &impl Fn(PartitionId, &mut Encoder),
    mut take: impl FnMut(PartitionId, TaskOutput) -> Result<(), Error>,
) -> Result<StageEnd, Error> {
    if partitions.is_empty() {
        return Ok(StageEnd::Complete);
    }
    let backend = context.backend();
    let mut tasks = TaskSetCore::new(partitions, context.config().task_attempts);
    let kill = KillOnDrop(Arc::new(AtomicBool::new(false)));
    let (ended, ends) = crossbeam_channel::bounded(backend.in_flight_max());
    let (mut in_flight, mut has_lost) = (0, false);
    loop {
        while in_flight < backend.in_flight_max()
            && !has_lost
            && let Some((partition, attempt)) = tasks.take_launchable()
        {
            let Stage { id, stage_attempt } = stage;
            let attempt =
                TaskAttempt { task: context.next_task(), stage: id, stage_attempt, partition, attempt };
            let mut to = Encoder::default();
            to.put(&TaskHeader { attempt, memory_share: backend.executor().config().task_share() });
            encode(partition, &mut to);
            let launch = Launch { task: to.finish()?, is_killed: Arc::clone(&kill.0), ended: ended.clone() };
            backend.launch(launch)?;
            in_flight += 1;
        }
        if in_flight == 0 {
            return Ok(StageEnd::OutputsLost);
        }
        let TaskEnd { attempt, outcome, .. } = ends.recv().map_err(|_| Error::Stopped)??;
        in_flight -= 1;
        let (outcome, output) = match outcome {
            Ok(output) => (Ok(()), Some(output)),
            Err(error) => {
                tracing::warn!(task = %attempt, %error, "task failed");
                (Err(error), None)
            }
        };
        match tasks.ended(attempt.partition, outcome) {
            Step::Continue => {}
            Step::Fail { partition, attempts, error } => {
                return Err(Error::Task { partition, attempts, source: error });
            }
            Step::RerunParent(error) => {
                has_lost = true;
                if let TaskError::FetchFailed { block, .. } = error {
                    context.map_outputs().unregister(block.output);
                }
            }
            step @ (Step::Accept | Step::AcceptLast) => {
                if let Some(output) = output {
                    take(attempt.partition, output)?;
                }
                if step == Step::AcceptLast {
                    return Ok(StageEnd::Complete);
                }
            }
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

/// The result's bytes, read back from the file if they were spooled.
fn read_result(output: TaskOutput) -> Result<Vec<u8>, Error> {
    match output {
        TaskOutput::Inline(bytes) => Ok(bytes),
        TaskOutput::Spooled { path, .. } => {
            let fail = |source| Error::Result { path: path.clone(), source };
            let bytes = fs::read(&path).map_err(fail)?;
            fs::remove_file(&path).map_err(fail)?;
            Ok(bytes)
        }
        TaskOutput::Map(_) => {
            let cause = Cause::new("a result task left map output");
            Err(CodecError::Decode { type_name: "a result".to_owned(), cause }.into())
        }
    }
}
