//! What a driver and an executor process say to each other, over one stream of bytes.
//!
//! Shape: a message is its length as `u32`, little-endian, and then the encoded value. The executor begins with
//! [`FromExecutor::Hello`]; the driver answers [`ToExecutor::Welcome`] or [`ToExecutor::Refused`]; then tasks go one
//! way and their ends the other, with questions and answers in between. Bump [`STREAM_VERSION`] when a message changes.

use crate::{
    BlockEpoch, BlockSecret, ByteSize, Cause, ExecutorId, Keeper, MapOutput, PartitionId, RddId, Sealed,
    ShuffleId, TaskEnd, TaskError, TaskId, ValueId, decode_record, encode_record,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fmt,
    io::{self, Read, Write},
    path::PathBuf,
    time::Duration,
};

/// Both sides must speak the same version.
pub const STREAM_VERSION: u32 = 5;
/// So many tasks a slot may be under way: one that runs, and short ones that wait behind it so that the slot need not.
pub const TASKS_AHEAD_MAX: usize = 65;
/// A value of so many bytes is sent to one executor, whose agent serves it to the others.
pub const VALUE_SHARED_FROM: usize = 1 << 20;
/// How often an executor of an agent says that it is there.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// One that has said nothing for so long is lost.
pub const LOST_AFTER: Duration = Duration::from_secs(25);
/// A longer message is refused: the other side is not what it says, or sends what it should not.
const MESSAGE_BYTES_MAX: u32 = 1 << 30;
/// More is reserved only as it arrives.
const RESERVED_BYTES_MAX: usize = 16 << 10;

/// The SHA-256 of a program's file: only the very same program may run what another encoded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProgramHash(pub [u8; 32]);

impl fmt::Display for ProgramHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ProgramHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the map outputs of one shuffle are, one entry a map partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapOutputs {
    /// The shuffle.
    pub shuffle: ShuffleId,
    /// Its outputs, by map partition; `None` while one must be made again.
    pub outputs: Vec<Option<MapOutput>>,
}

impl MapOutputs {
    /// All outputs in map order, or the first that is missing.
    pub fn complete(&self) -> Result<Vec<MapOutput>, TaskError> {
        let missing = |map| TaskError::MapOutputMissing { shuffle: self.shuffle, map: PartitionId::of(map) };
        self.outputs
            .iter()
            .enumerate()
            .map(|(map, output)| output.clone().ok_or_else(|| missing(map)))
            .collect()
    }
}

/// What an executor says.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromExecutor {
    /// The first message: who it is.
    Hello {
        /// The version of these messages it speaks.
        version: u32,
        /// The program it is.
        program: ProgramHash,
        /// Of one that an agent started: which one it is, and what shows that it was asked for.
        claim: Option<(ExecutorId, String)>,
        /// `host:port` where it gives cached blocks to other executors; nothing where it keeps them to itself.
        blocks_at: Option<String>,
    },
    /// A task has ended.
    Ended(TaskEnd),
    /// The answer to [`ToExecutor::TakeBack`]: these have not begun, and will not.
    Returned(Vec<TaskId>),
    /// It needs a value that a task names; `is_urgent` when it could not be had where the driver said.
    WantValue {
        /// The value.
        id: ValueId,
        /// The driver itself is to send it.
        is_urgent: bool,
    },
    /// It has got a value of [`VALUE_SHARED_FROM`] bytes or more, which its agent serves from now on, if it can.
    HasValue(ValueId, Option<Keeper>),
    /// It needs to know where map outputs are.
    WantMapOutputs(ShuffleId),
    /// It is there: an executor of an agent says so every [`HEARTBEAT_EVERY`].
    Heartbeat,
    /// Bytes of the large result of a task, as the driver asked for.
    ResultPart(TaskId, Result<Vec<u8>, Cause>),
}

/// What a driver says.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToExecutor {
    /// The executor is the same program, and may run tasks.
    Welcome {
        /// What it may use of memory.
        memory: ByteSize,
        /// Slots that share that memory.
        slots: u32,
        /// The folder that an executor without an agent shares with the driver, who owns it.
        work_dir: PathBuf,
        /// What executors of the application show one another to get cached blocks; nothing where they keep them to
        /// themselves.
        secret: Option<BlockSecret>,
        /// How stores are reached.
        storage: Sealed,
    },
    /// It is not.
    Refused {
        /// Why, for people.
        why: String,
    },
    /// A task to run. At most [`TASKS_AHEAD_MAX`] a slot are under way.
    Task(TaskId, Vec<u8>),
    /// A task is not wanted any more.
    Kill(TaskId),
    /// Those of these tasks that have not begun are wanted elsewhere.
    TakeBack(Vec<TaskId>),
    /// Nobody will ask for these any more.
    Forget {
        /// Values that tasks named.
        values: Vec<ValueId>,
        /// Persisted RDDs, whose blocks of earlier epochs go.
        rdds: Vec<(RddId, BlockEpoch)>,
        /// Shuffles, whose files go from the executor's agent.
        shuffles: Vec<ShuffleId>,
    },
    /// Asks for bytes of the large result of a task that has ended there.
    WantResult {
        /// The task.
        task: TaskId,
        /// From here on.
        offset: u64,
        /// At most so many.
        bytes: u32,
    },
    /// The result has been read, or is not wanted.
    DropResult(TaskId),
    /// The answer to [`FromExecutor::WantValue`].
    Value(ValueId, Result<Vec<u8>, Cause>),
    /// Another answer to [`FromExecutor::WantValue`]: these agents have it.
    ValueAt(ValueId, Vec<Keeper>),
    /// The answer to [`FromExecutor::WantMapOutputs`].
    MapOutputs(ShuffleId, Result<MapOutputs, TaskError>),
}

/// Sends one message.
pub fn send<M: Serialize>(message: &M, to: &mut impl Write) -> io::Result<()> {
    let mut bytes = Vec::new();
    put_message(message, &mut bytes)?;
    to.write_all(&bytes)?;
    to.flush()
}

/// Appends one message to those that are sent together.
///
/// Errors: it is longer than 1 GiB; `to` is as before then.
pub fn put_message<M: Serialize>(message: &M, to: &mut Vec<u8>) -> io::Result<()> {
    let start = to.len();
    to.extend_from_slice(&[0; 4]);
    let encoded = encode_record(message, to).map_err(io::Error::other);
    let length = u32::try_from(to.len() - start - 4).ok().filter(|length| *length <= MESSAGE_BYTES_MAX);
    let length = length.ok_or_else(|| io::Error::other("a message is longer than 1 GiB"));
    let length = encoded.and(length).inspect_err(|_| to.truncate(start))?;
    to[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Waits for one message.
///
/// Errors: the stream's own; a length or bytes that are no message. Reserves no more than has arrived, beyond 16 KiB.
pub fn receive<M: DeserializeOwned>(from: &mut impl Read) -> io::Result<M> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MESSAGE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message longer than 1 GiB is announced"));
    }
    let mut bytes = Vec::with_capacity((length as usize).min(RESERVED_BYTES_MAX));
    if from.take(u64::from(length)).read_to_end(&mut bytes)? < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    decode_record(&mut bytes.as_slice()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_and_cut_ones_are_errors() {
        let mut bytes = Vec::new();
        send(&ToExecutor::Task(TaskId(7), vec![1, 2, 3]), &mut bytes).unwrap();
        assert!(
            matches!(receive(&mut bytes.as_slice()).unwrap(), ToExecutor::Task(TaskId(7), task) if task == [1, 2, 3])
        );
        for end in 0..bytes.len() {
            assert!(receive::<ToExecutor>(&mut &bytes[..end]).is_err(), "{end}");
        }
    }

    proptest::proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            drop(receive::<ToExecutor>(&mut bytes.as_slice()));
            drop(receive::<FromExecutor>(&mut bytes.as_slice()));
        }
    }
}
