//! Records by partition, within a bound: frames in memory, and beyond the bound runs in one spill file.

use crate::TaskContext;
use rsk_proto::{Data, FrameWriter, TaskError, to_usize};
use std::{fs::File, io::Write, os::unix::fs::FileExt, path::PathBuf};

/// Where one partition's part of one run is.
#[derive(Debug, Clone, Copy)]
struct Piece {
    offset: u64,
    bytes: usize,
}

/// Records of several partitions on their way to a file.
pub(crate) struct PartitionBuffer {
    task: TaskContext,
    parts: Vec<FrameWriter>,
    held: u64,
    spill: Option<Spill>,
}

struct Spill {
    file: File,
    folder: PathBuf,
    length: u64,
    pieces: Vec<Vec<Piece>>,
}

impl PartitionBuffer {
    pub(crate) fn new(task: &TaskContext, partitions: usize) -> Self {
        let parts = (0..partitions).map(|_| FrameWriter::default()).collect();
        PartitionBuffer { task: task.clone(), parts, held: 0, spill: None }
    }

    /// Adds a record to a partition that exists; spills when the task's share of memory is reached.
    pub(crate) fn write<T: Data>(&mut self, partition: usize, record: &T) -> Result<(), TaskError> {
        self.held += self.parts[partition].write(record)? as u64;
        if self.held > self.task.memory_share() {
            self.spill()?;
        }
        Ok(())
    }

    /// Writes what is in memory to the spill file, which has no name: it is gone when this is dropped.
    pub(crate) fn spill(&mut self) -> Result<(), TaskError> {
        self.task.check_killed();
        self.held = 0;
        let folder = self.task.executor().work_dir().spill();
        let fail = |error| TaskError::io(&folder, "write a spill file in", &error);
        if self.spill.is_none() {
            let file = tempfile::tempfile_in(&folder).map_err(fail)?;
            let pieces = vec![Vec::new(); self.parts.len()];
            self.spill = Some(Spill { file, folder: folder.clone(), length: 0, pieces });
        }
        let Some(spill) = &mut self.spill else { return Ok(()) };
        let before = spill.length;
        for (part, pieces) in self.parts.iter_mut().zip(&mut spill.pieces) {
            let frames = part.take();
            if !frames.is_empty() {
                spill.file.write_all(&frames).map_err(fail)?;
                pieces.push(Piece { offset: spill.length, bytes: frames.len() });
                spill.length += frames.len() as u64;
            }
        }
        let written = spill.length - before;
        self.task.count(|metrics| metrics.spilled_bytes += written);
        Ok(())
    }

    pub(crate) fn has_spilled(&self) -> bool {
        self.spill.is_some()
    }

    /// Hands over all frames of one partition in the order they were written, a piece at a time.
    pub(crate) fn drain(
        &mut self,
        partition: usize,
        mut take: impl FnMut(Vec<u8>) -> Result<(), TaskError>,
    ) -> Result<(), TaskError> {
        if let Some(spill) = &self.spill {
            for piece in &spill.pieces[partition] {
                let mut frames = vec![0; piece.bytes];
                let read = spill.file.read_exact_at(&mut frames, piece.offset);
                read.map_err(|error| TaskError::io(&spill.folder, "read back a spill file in", &error))?;
                take(frames)?;
            }
        }
        take(self.parts[partition].take())
    }

    pub(crate) fn partitions(&self) -> usize {
        self.parts.len()
    }

    pub(crate) fn task(&self) -> &TaskContext {
        &self.task
    }
}

/// Reads `bytes` of `file` from `offset`.
pub(crate) fn read_at(file: &File, offset: u64, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut read = vec![0; to_usize(bytes)];
    file.read_exact_at(&mut read, offset)?;
    Ok(read)
}
