//! What comes back from a task: its output, or a typed error that says what to do next.

use crate::{
    AccumulatorId, AgentId, BlockId, Cause, CodecError, ExecutorId, FrameworkId, MapOutputId, PartSize,
    ShuffleBlock, TaskAttempt,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything the driver learns when a task attempt ends, in one message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskEnd {
    /// Which attempt ended.
    pub attempt: TaskAttempt,
    /// How it ended.
    pub outcome: Result<TaskOutput, TaskError>,
    /// What its accumulators added up to. Empty unless it succeeded.
    pub accumulators: Vec<AccumulatorUpdate>,
    /// Cached and checkpointed blocks that came or went meanwhile.
    pub blocks: Vec<BlockUpdate>,
    /// What it cost.
    pub metrics: TaskMetrics,
}

/// What a successful task leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskOutput {
    /// A shuffle-map task: where its output is.
    Map(MapOutput),
    /// A result of at most the inline limit, encoded.
    Inline(Vec<u8>),
    /// A larger result, encoded into a file of the executor; whoever reads it removes it.
    Spooled {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
}

/// One map task's output, as its readers must know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapOutput {
    /// Whose it is.
    pub id: MapOutputId,
    /// Bytes for all reduce partitions together.
    pub bytes: u64,
    /// The agent that keeps it; nothing in local mode, where all executors share one folder.
    pub kept_by: Option<Keeper>,
    /// About how many bytes for each reduce partition; empty where they are too many to count, and for readers.
    pub parts: Vec<PartSize>,
}

/// An agent that keeps map outputs and serves them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeper {
    /// The agent. Its own executors read the files themselves.
    pub agent: AgentId,
    /// Whose files they are.
    pub framework: FrameworkId,
    /// `host:port` where it serves them to others.
    pub serves_at: String,
}

/// What one attempt added to one accumulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccumulatorUpdate {
    /// Which accumulator.
    pub id: AccumulatorId,
    /// The attempt's own sum, encoded.
    pub value: Vec<u8>,
}

/// A block came to, or left, an executor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockUpdate {
    /// The executor holds it now.
    Stored(BlockId),
    /// It no longer does.
    Dropped(BlockId),
    /// Another executor, which was believed to hold it, did not give it.
    NotAt(BlockId, ExecutorId),
}

/// What an attempt cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskMetrics {
    /// Wall time inside the executor.
    pub run_micros: u64,
    /// Bytes written to spill files.
    pub spilled_bytes: u64,
    /// Bytes of map output written.
    pub shuffle_written_bytes: u64,
    /// Bytes of map output read.
    pub shuffle_read_bytes: u64,
    /// Bytes of cached blocks that other executors gave.
    pub block_fetched_bytes: u64,
    /// The highest growth of memory seen while it ran.
    pub memory_peak_bytes: u64,
}

/// Why a task attempt failed. It crosses the wire as data and is classified by matching, never by text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TaskError {
    /// Map output is gone, short or corrupt: retrying cannot help; rerun the map task.
    #[error("cannot fetch {block}")]
    FetchFailed {
        /// What was to be fetched.
        block: ShuffleBlock,
        /// What is wrong with it.
        #[source]
        cause: Cause,
        /// The agent that keeps it, where it cannot be reached: what else it keeps cannot be fetched either.
        unreachable: Option<AgentId>,
    },
    /// A map task of this shuffle has no known output: the stage that writes it must run (again).
    #[error("no map output of {shuffle} is known for {map}")]
    MapOutputMissing {
        /// The shuffle.
        shuffle: crate::ShuffleId,
        /// The map partition without an output.
        map: crate::PartitionId,
    },
    /// A block that the driver thought to be there is not: the next attempt gets what it takes to make it again.
    #[error("{block} is not there any more")]
    BlockMissing {
        /// The block.
        block: BlockId,
    },
    /// User code panicked.
    #[error("panicked at {location}: {message}")]
    Panic {
        /// The panic's message.
        message: String,
        /// File, line and column.
        location: String,
    },
    /// A user function returned an error.
    #[error("the user's function failed")]
    User(#[source] Cause),
    /// Input cannot be read.
    #[error("cannot read input")]
    Input(#[source] Cause),
    /// Input was read and does not hold what it should: another attempt would find the same.
    #[error("cannot use input")]
    BadInput(#[source] Cause),
    /// Output cannot be written.
    #[error("cannot write output")]
    Output(#[source] Cause),
    /// The disk under a work directory is full.
    #[error(
        "no space left while writing {path:?}: free space there or choose another disk with --conf work_dir=DIR"
    )]
    DiskFull {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// Reading or writing a file of the executor failed.
    #[error("cannot use the executor's files")]
    Io(#[source] Cause),
    /// One record is larger than the task's memory.
    #[error(
        "{what}: {bytes} bytes at once are too much for the {limit} bytes of memory a task has: raise --conf memory=SIZE"
    )]
    RecordTooLarge {
        /// The record, as well as it can be named.
        what: String,
        /// Its size.
        bytes: u64,
        /// The task's share of memory.
        limit: u64,
    },
    /// The program cannot decode what it was sent: another program, or damaged bytes.
    #[error("cannot decode the task")]
    Refused(#[source] CodecError),
    /// The attempt was told to stop.
    #[error("killed: {0}")]
    Killed(String),
    /// The executor died under the attempt, or took it in no more.
    #[error("attempt lost: {0}")]
    Lost(String),
    /// Another attempt of the same partition has committed its output.
    #[error("another attempt has committed this partition")]
    CommitDenied,
    /// The data contradict the operator: an unequal `zip`, a partitioner out of range.
    #[error("{0}")]
    Contract(String),
}

/// What the scheduler does about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try the same task again, up to its limit of attempts.
    Retry,
    /// Rerun the map task whose output is missing, then this one; not counted as a failure.
    RerunParent,
    /// Trying again cannot help.
    FailJob,
    /// It does not count: the attempt was stopped on purpose, made superfluous, or is tried again in another form.
    Ignore,
}

impl TaskError {
    /// What to do about it.
    pub fn next(&self) -> Next {
        match self {
            TaskError::FetchFailed { .. } | TaskError::MapOutputMissing { .. } => Next::RerunParent,
            TaskError::Panic { .. }
            | TaskError::User(_)
            | TaskError::Input(_)
            | TaskError::Output(_)
            | TaskError::DiskFull { .. }
            | TaskError::Io(_)
            | TaskError::Lost(_) => Next::Retry,
            TaskError::BadInput(_)
            | TaskError::RecordTooLarge { .. }
            | TaskError::Refused(_)
            | TaskError::Contract(_) => Next::FailJob,
            TaskError::Killed(_) | TaskError::CommitDenied | TaskError::BlockMissing { .. } => Next::Ignore,
        }
    }

    /// Leaves a lazy iterator with this error: the runner turns it back into the attempt's outcome. No panic hook
    /// runs and nothing is printed, so `None` from an iterator always means that it is complete.
    pub fn raise(self) -> ! {
        std::panic::resume_unwind(Box::new(self))
    }

    /// An I/O error of one of the executor's own files; a full disk is told apart.
    pub fn io(path: impl Into<PathBuf>, doing: &str, error: &std::io::Error) -> Self {
        let path = path.into();
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                TaskError::DiskFull { path }
            }
            _ => TaskError::Io(Cause::of(error).within(format!("cannot {doing} {}", path.display()))),
        }
    }
}

/// `value.or_raise()` inside an iterator: a typed error leaves by unwinding, a value goes on.
pub trait OrRaise<T> {
    /// The value, or [`TaskError::raise`].
    fn or_raise(self) -> T;
}

impl<T, E: Into<TaskError>> OrRaise<T> for Result<T, E> {
    fn or_raise(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => error.into().raise(),
        }
    }
}

impl From<CodecError> for TaskError {
    fn from(error: CodecError) -> Self {
        TaskError::Refused(error)
    }
}
