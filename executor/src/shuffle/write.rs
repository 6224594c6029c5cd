//! What a map task leaves: one data file, one index, written aside and renamed.

use super::buffer::PartitionBuffer;
use crate::{TaskContext, spill::Piece};
use rsk_proto::{
    Data, MapOutput, MapOutputId, PartSize, PartitionId, TaskError, encode_index, map_output_paths,
};
use std::{
    fs::{self, File},
    io::BufWriter,
    path::Path,
};

/// Small frames are written so many bytes at a time.
const WRITE_BYTES: usize = 256 << 10;

/// From so many reduce partitions on, nobody looks at where much of their input is.
const PARTS_COUNTED_MAX: usize = 1000;

/// Writes the records of one map task, each to a reduce partition.
///
/// Bounds: buffers at most the task's share of memory, then spills; a finished output's bytes are written once more.
pub struct ShuffleWriter {
    id: MapOutputId,
    buffer: PartitionBuffer,
}

impl ShuffleWriter {
    /// A writer for `partitions` reduce partitions.
    pub fn new(task: &TaskContext, id: MapOutputId, partitions: u32) -> Self {
        ShuffleWriter { id, buffer: PartitionBuffer::new(task, partitions as usize) }
    }

    /// Adds a record.
    ///
    /// Errors: a partition out of range, a record that cannot be encoded, a full disk.
    pub fn write<T: Data>(&mut self, reduce: PartitionId, record: &T) -> Result<(), TaskError> {
        let partitions = self.buffer.partitions();
        if reduce.index() >= partitions {
            let why =
                format!("the partitioner answered {reduce}, but there are {partitions} partitions, from 0");
            return Err(TaskError::Contract(why));
        }
        self.buffer.write(reduce.index(), record)
    }

    /// Publishes the output under its attempt's name.
    pub fn finish(mut self) -> Result<MapOutput, TaskError> {
        let task = self.buffer.task().clone();
        let (data, index) = map_output_paths(&task.executor().work_dir().shuffle(), self.id);
        let folder = data.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| TaskError::io(folder, "create", &error))?;
        let aside = data.with_extension("part");
        let written = self.concatenate(&aside);
        let publish = |entries: Vec<Piece>| {
            let bytes = publish(self.id, &entries, &aside, &data, &index)?;
            Ok((bytes, parts(&entries)))
        };
        let (bytes, parts) = match written.and_then(publish) {
            Ok(published) => published,
            Err(error) => {
                for path in [&aside, &data, &index] {
                    fs::remove_file(path).unwrap_or(());
                }
                return Err(error);
            }
        };
        task.count(|metrics| metrics.shuffle_written_bytes += bytes);
        let kept_by = task.executor().keeper().cloned();
        // Where all executors share a folder, no place is better than another.
        let parts = if kept_by.is_some() { parts } else { Vec::new() };
        Ok(MapOutput { id: self.id, bytes, kept_by, parts })
    }

    /// In one pass, with checksums as it goes.
    fn concatenate(&mut self, path: &Path) -> Result<Vec<Piece>, TaskError> {
        let fail = |error| TaskError::io(path, "write", &error);
        // Large frames go past the buffer; it gathers the small ones of many partitions.
        let mut file = BufWriter::with_capacity(WRITE_BYTES, File::create(path).map_err(fail)?);
        let mut offset = 0;
        let mut entries = Vec::with_capacity(self.buffer.partitions());
        for partition in 0..self.buffer.partitions() {
            let piece = self.buffer.drain(partition, &mut file, offset).map_err(fail)?;
            offset = piece.end();
            entries.push(piece);
        }
        file.into_inner().map_err(|error| fail(error.into_error()))?;
        Ok(entries)
    }
}

/// How large the parts are, where they are few.
fn parts(entries: &[Piece]) -> Vec<PartSize> {
    if entries.len() >= PARTS_COUNTED_MAX {
        return Vec::new();
    }
    entries.iter().map(|piece| PartSize::of(piece.end() - piece.offset)).collect()
}

/// The index appears last: an output with an index is whole.
fn publish(
    id: MapOutputId,
    entries: &[Piece],
    aside: &Path,
    data: &Path,
    index: &Path,
) -> Result<u64, TaskError> {
    fs::rename(aside, data).map_err(|error| TaskError::io(data, "publish", &error))?;
    fs::write(aside, encode_index(id, entries)).map_err(|error| TaskError::io(aside, "write", &error))?;
    fs::rename(aside, index).map_err(|error| TaskError::io(index, "publish", &error))?;
    Ok(entries.iter().map(|entry| entry.bytes).sum())
}

impl std::fmt::Debug for ShuffleWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ShuffleWriter({})", self.id)
    }
}
