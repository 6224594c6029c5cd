//! Result tasks: what an action does with one partition, how it travels, and how its answer comes back.

use crate::{
    Error, Result,
    dag::version::Version,
    dispatch::JobNews,
    job,
    rdd::{Dependency, Determinism, PreferredHosts, Rdd, Stage, ship::Entry},
};
use crossbeam_channel::Sender;
use parking_lot::Mutex;
use rsk_executor::TaskContext;
use rsk_proto::{
    Cause, CodecError, Data, Decoder, Encoder, PartitionId, StageId, TaskError, TaskOutput, decode_record,
    encode_record,
};
use std::{collections::BTreeSet, fs};

/// Results up to this many bytes travel in the message that ends the task; larger ones through a file.
const INLINE_BYTES_MAX: usize = 1 << 20;

/// What an action does with one partition.
pub(crate) trait PartitionAction<T>: Clone + Send + Sync + 'static {
    /// The partition's answer.
    type Out: Data;
    /// Drives the partition's loop.
    fn run(&self, items: impl Iterator<Item = T>, task: &TaskContext) -> Self::Out;
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
pub(crate) fn run<R: Rdd, A: PartitionAction<R::Item>>(
    rdd: &R,
    action: &A,
    mut take: impl FnMut(A::Out),
) -> Result<()> {
    try_run(rdd, action, |answer| {
        take(answer);
        Ok(())
    })
}

/// [`run`] that ends, and its job with it, when `take` fails.
pub(crate) fn try_run<R: Rdd, A: PartitionAction<R::Item>>(
    rdd: &R,
    action: &A,
    take: impl FnMut(A::Out) -> Result<()>,
) -> Result<()> {
    let all: Vec<_> = (0..rdd.partitions()).map(PartitionId::of).collect();
    try_run_on(rdd, &all, action, take)
}

/// Runs `action` on some partitions of `rdd`; `take` gets the answers in the order given.
pub(crate) fn run_on<R: Rdd, A: PartitionAction<R::Item>>(
    rdd: &R,
    partitions: &[PartitionId],
    action: &A,
    mut take: impl FnMut(A::Out),
) -> Result<()> {
    try_run_on(rdd, partitions, action, |answer| {
        take(answer);
        Ok(())
    })
}

fn try_run_on<R: Rdd, A: PartitionAction<R::Item>>(
    rdd: &R,
    partitions: &[PartitionId],
    action: &A,
    mut take: impl FnMut(A::Out) -> Result<()>,
) -> Result<()> {
    let task = ResultTask { rdd: rdd.clone(), action: action.clone() };
    let missing = Mutex::new(partitions.iter().copied().collect());
    let stage = |id, news| ResultStage {
        id,
        task,
        partitions: partitions.len(),
        missing,
        news,
        version: Version::default(),
    };
    job::run(rdd.context(), partitions, stage, |output| {
        let bytes = read_output(output)?;
        take(decode_record(&mut bytes.as_slice())?)
    })
}

/// An action on an RDD, as its tasks carry it.
#[derive(Clone)]
pub(crate) struct ResultTask<R, A> {
    pub(crate) rdd: R,
    pub(crate) action: A,
}

impl<R: Rdd, A: PartitionAction<R::Item>> ResultTask<R, A> {
    pub(crate) fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        const { &Entry::new::<(R, A)>(run_result::<R, A> as RunTask) }.encode(to);
        to.put(&partition);
        self.action.encode(to);
        self.rdd.encode(partition, to);
    }
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
    encode_record(&action.run(rdd.compute(partition, task), task), &mut bytes)?;
    let limit = task.executor().config().budget();
    if bytes.len() as u64 > limit {
        let what = format!("the answer of {partition}, of type {}", std::any::type_name::<A::Out>());
        return Err(TaskError::RecordTooLarge { what, bytes: bytes.len() as u64, limit });
    }
    if bytes.len() <= INLINE_BYTES_MAX {
        return Ok(TaskOutput::Inline(bytes));
    }
    let path = task.executor().work_dir().result().join(task.attempt().task.to_string());
    fs::write(&path, &bytes).map_err(|error| {
        fs::remove_file(&path).unwrap_or(());
        TaskError::io(&path, "write", &error)
    })?;
    Ok(TaskOutput::Spooled { path, bytes: bytes.len() as u64 })
}

/// The last stage of a job.
struct ResultStage<R, A> {
    id: StageId,
    task: ResultTask<R, A>,
    partitions: usize,
    missing: Mutex<BTreeSet<PartitionId>>,
    news: Sender<JobNews>,
    version: Version,
}

impl<R: Rdd, A: PartitionAction<R::Item>> Stage for ResultStage<R, A> {
    fn id(&self) -> StageId {
        self.id
    }

    fn name(&self) -> String {
        format!("results of job-{}", self.id.0)
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        self.task.rdd.dependencies(to);
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        self.task.rdd.preferred_hosts()
    }

    fn determinism(&self) -> Determinism {
        self.task.rdd.determinism()
    }

    fn encode_task(&self, partition: PartitionId, to: &mut Encoder) {
        self.task.encode(partition, to);
    }

    fn missing(&self) -> BTreeSet<PartitionId> {
        self.missing.lock().clone()
    }

    fn accept(&self, partition: PartitionId, output: TaskOutput) -> Result<()> {
        self.missing.lock().remove(&partition);
        // A job that is not listened to any more has been cancelled already.
        self.news.send(JobNews::Part(partition, output)).map_err(|_| Error::Stopped)
    }

    /// Nothing was handed out when this is called: the core ends the job otherwise.
    fn reset(&self) {}

    fn version(&self) -> &Version {
        &self.version
    }
}

/// A result's bytes, read back from the file if they were spooled.
pub(crate) fn read_output(output: TaskOutput) -> Result<Vec<u8>> {
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
