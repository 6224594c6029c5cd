//! What a reduce task reads: its part of each map output, in map order, checked before use.

use super::{index, remote};
use crate::{
    TaskContext,
    memory::limit_of,
    spill::{Piece, Region},
};
use rsk_proto::{
    AgentId, Cause, Data, FrameReader, MapOutput, OrRaise, PartitionId, ShuffleBlock, ShuffleId, TaskError,
};
use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
    sync::Arc,
};

/// A block of at most this size is read at once.
pub(super) const WHOLE_BYTES_MAX: u64 = 8 << 20;
/// Records between two looks at whether the task was told to stop.
const LOOK_EVERY: u32 = 1024;

/// The records that all map tasks wrote for one reduce partition, of `partitions`. Begins when it is asked for its
/// first record.
///
/// Errors: raised; missing, short or damaged output, and output of another number of partitions, is
/// [`TaskError::FetchFailed`], which reruns that map task alone. A block is checked as a whole before its first record
/// goes on.
///
/// Bounds: a block of up to 8 MiB, and no more than a quarter of the task's share, is held in memory; a larger one is
/// read twice, first for its checksum and then a frame at a time.
pub fn fetch<T: Data>(
    task: &TaskContext,
    shuffle: ShuffleId,
    reduce: PartitionId,
    partitions: u32,
) -> impl Iterator<Item = T> + 'static {
    let task = task.clone();
    let outputs = std::iter::once_with({
        let task = task.clone();
        move || {
            let outputs = task.executor().link().map_outputs(shuffle);
            outputs.and_then(|outputs| outputs.complete()).or_raise()
        }
    });
    outputs.flatten().flat_map(move |output| {
        task.check_killed();
        let block = ShuffleBlock { output: output.id, reduce };
        let fail = move |cause| TaskError::FetchFailed { block, cause, unreachable: None };
        let bytes = open(&task, &output, reduce, partitions).map_err(|error| match error {
            OpenError::Block(cause) => fail(cause),
            OpenError::Unreachable(agent, cause) => {
                TaskError::FetchFailed { block, cause, unreachable: Some(agent) }
            }
        });
        let bytes = bytes.or_raise();
        let (task, mut until_look) = (task.clone(), LOOK_EVERY);
        FrameReader::over(bytes).map(move |record| {
            until_look -= 1;
            if until_look == 0 {
                until_look = LOOK_EVERY;
                task.check_killed();
            }
            record.map_err(fail).or_raise()
        })
    })
}

/// A block that has been checked.
pub(super) enum Block {
    Whole(Cursor<Vec<u8>>),
    Streamed(io::BufReader<Region>),
}

impl Read for Block {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Block::Whole(bytes) => bytes.read(to),
            Block::Streamed(region) => region.read(to),
        }
    }
}

/// Why a block cannot be read.
pub(super) enum OpenError {
    /// It is not there, or damaged.
    Block(Cause),
    /// Who keeps it cannot be reached.
    Unreachable(AgentId, Cause),
}

impl From<Cause> for OpenError {
    fn from(cause: Cause) -> Self {
        OpenError::Block(cause)
    }
}

fn open(
    task: &TaskContext,
    output: &MapOutput,
    reduce: PartitionId,
    partitions: u32,
) -> Result<Block, OpenError> {
    if let Some(keeper) = &output.kept_by
        && task.executor().keeper().is_none_or(|own| own.agent != keeper.agent)
    {
        let block = ShuffleBlock { output: output.id, reduce };
        return remote::open(task, keeper, block, partitions);
    }
    let (data, index) = rsk_proto::map_output_paths(&task.executor().work_dir().shuffle(), output.id);
    let piece = File::open(&index)
        .map_err(|error| Cause::of(&error))
        .and_then(|file| index::read(&file, output.id, reduce, partitions))
        .map_err(|cause| cause.within(format!("cannot use {}", index.display())))?;
    if piece.end() > output.bytes {
        let why = format!("{} points beyond its {} bytes", index.display(), output.bytes);
        return Err(Cause::new(why).into());
    }
    task.count(|metrics| metrics.shuffle_read_bytes += piece.bytes);
    if piece.bytes == 0 {
        return Ok(Block::Whole(Cursor::default()));
    }
    check(task, &data, piece)
        .map_err(|error| Cause::of(&error).within(format!("cannot use {}", data.display())).into())
}

/// Reads the block to its end, where its checksum is compared; hands it over, or a reader that begins again.
fn check(task: &TaskContext, data: &Path, piece: Piece) -> io::Result<Block> {
    let file = Arc::new(File::open(data)?);
    // A damaged file may be shorter than its index says: never reserve more than it has.
    if file.metadata()?.len() < piece.end() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is too short"));
    }
    let mut region = Region::new(task, Arc::clone(&file), piece);
    if piece.bytes <= WHOLE_BYTES_MAX.min(limit_of(task) / 4) {
        let mut bytes = vec![0; rsk_proto::to_usize(piece.bytes)];
        region.read_exact(&mut bytes)?;
        return Ok(Block::Whole(Cursor::new(bytes)));
    }
    let mut buffer = vec![0; 256 << 10];
    while region.read(&mut buffer)? > 0 {}
    Ok(Block::Streamed(Region::new(task, file, piece).buffered()))
}
