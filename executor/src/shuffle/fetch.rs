//! What a reduce task reads: its part of each map output, in map order, checked before use.

use super::{buffer::read_at, index};
use crate::TaskContext;
use rsk_proto::{
    Cause, Data, FrameReader, MapOutput, OrRaise, PartitionId, ShuffleBlock, ShuffleId, TaskError,
};
use std::fs::{self, File};

/// The records that all map tasks wrote for one reduce partition.
///
/// Errors: raised; missing, short or damaged output is [`TaskError::FetchFailed`], which reruns that map task alone.
/// Bounds: holds one map task's bytes for this partition at a time.
pub fn fetch<T: Data>(
    task: &TaskContext,
    shuffle: ShuffleId,
    reduce: PartitionId,
) -> impl Iterator<Item = T> + 'static {
    let outputs =
        task.executor().link().map_outputs(shuffle).and_then(|outputs| outputs.complete()).or_raise();
    let task = task.clone();
    outputs.into_iter().flat_map(move |output| {
        task.check_killed();
        let block = ShuffleBlock { output: output.id, reduce };
        let bytes =
            read(&task, &output, reduce).map_err(|cause| TaskError::FetchFailed { block, cause }).or_raise();
        task.count(|metrics| metrics.shuffle_read_bytes += bytes.len() as u64);
        FrameReader::new(bytes)
            .map(move |record| record.map_err(|cause| TaskError::FetchFailed { block, cause }).or_raise())
    })
}

fn read(task: &TaskContext, output: &MapOutput, reduce: PartitionId) -> Result<Vec<u8>, Cause> {
    let (data, index) = index::paths(&task.executor().work_dir().shuffle(), output.id);
    let entries = fs::read(&index)
        .map_err(|error| Cause::of(&error).within(format!("cannot read {}", index.display())))?;
    let entries =
        index::decode(&entries).map_err(|cause| cause.within(format!("cannot use {}", index.display())))?;
    let entry =
        entries.get(reduce.index()).ok_or_else(|| Cause::new(format!("the index has no {reduce}")))?;
    let file = File::open(&data);
    let bytes = file.and_then(|file| {
        // A damaged file may be shorter than its index says: never reserve more than it has.
        let end = entry.offset.saturating_add(entry.bytes);
        if file.metadata()?.len() < end {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        read_at(&file, entry.offset, entry.bytes)
    });
    let bytes = bytes.map_err(|error| Cause::of(&error).within(format!("cannot read {}", data.display())))?;
    if crc32c::crc32c(&bytes) != entry.crc32c {
        return Err(Cause::new(format!("{} is damaged: its checksum does not match", data.display())));
    }
    Ok(bytes)
}
