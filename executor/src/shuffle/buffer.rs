//! Records by partition, within a bound: frames in memory, and beyond the bound runs in one spill file.

use crate::{
    TaskContext,
    memory::{Hold, limit_of},
    spill::{Counted, Piece, SpillFile, check_size},
};
use rsk_proto::{Data, FrameWriter, TaskError, to_usize};
use std::io::Write;

/// However many partitions there are, their frames have so many bytes.
const FRAME_BYTES_MIN: u64 = 512;

/// A change of less is not worth recording in the budget.
const STEP_BYTES: u64 = 64 << 10;

/// Records of several partitions on their way to a file.
///
/// Bounds: what is counted is the memory behind the frames, open ones too. With thousands of partitions frames are
/// smaller, so that all open frames together take at most about half of the task's share.
pub(crate) struct PartitionBuffer {
    task: TaskContext,
    parts: Vec<FrameWriter>,
    frame_bytes: usize,
    held: usize,
    hold: Hold,
    limit: usize,
    spilled: Option<(SpillFile, Vec<Vec<Piece>>)>,
}

impl PartitionBuffer {
    pub(crate) fn new(task: &TaskContext, partitions: usize) -> Self {
        let limit = limit_of(task);
        let writers = (partitions * size_of::<FrameWriter>()) as u64;
        if writers > limit {
            let what = format!("a shuffle into {partitions} partitions");
            TaskError::RecordTooLarge { what, bytes: writers, limit }.raise();
        }
        // A frame's memory doubles as it grows.
        let frame_bytes = to_usize((limit / 4 / partitions.max(1) as u64).max(FRAME_BYTES_MIN));
        let parts = (0..partitions).map(|_| FrameWriter::new(frame_bytes)).collect();
        PartitionBuffer {
            task: task.clone(),
            parts,
            frame_bytes,
            held: 0,
            hold: task.executor().memory().hold(),
            limit: to_usize(limit),
            spilled: None,
        }
    }

    /// Adds a record to a partition that exists; spills when the task's share of memory is reached.
    pub(crate) fn write<T: Data>(&mut self, partition: usize, record: &T) -> Result<(), TaskError> {
        let part = &mut self.parts[partition];
        let before = part.capacity();
        check_size::<T>(&self.task, part.write(record)?)?;
        self.held = self.held + part.capacity() - before;
        if self.hold.bytes().abs_diff(self.held as u64) >= STEP_BYTES {
            self.hold.resize(self.held as u64);
        }
        if self.held > self.limit { self.spill() } else { Ok(()) }
    }

    /// Writes what is in memory to the spill file, and lets go of the memory.
    fn spill(&mut self) -> Result<(), TaskError> {
        let (file, pieces) = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert((SpillFile::create(&self.task)?, vec![Vec::new(); self.parts.len()])),
        };
        for (part, pieces) in self.parts.iter_mut().zip(pieces) {
            let piece = file.write_run(part)?;
            if piece.bytes > 0 {
                pieces.push(piece);
            }
            *part = FrameWriter::new(self.frame_bytes);
        }
        self.held = 0;
        self.hold.resize(0);
        Ok(())
    }

    /// Hands over all frames of one partition in the order they were written, and lets go of them; says where they are
    /// if `piece` is where they begin.
    pub(crate) fn drain(
        &mut self,
        partition: usize,
        to: &mut impl Write,
        offset: u64,
    ) -> std::io::Result<Piece> {
        let mut piece = Piece { offset, ..Piece::default() };
        let mut to = Counted { to, piece: &mut piece };
        if let Some((file, pieces)) = &self.spilled {
            for &piece in &pieces[partition] {
                file.copy(piece, &mut to)?;
            }
        }
        let mut part = std::mem::take(&mut self.parts[partition]);
        part.close();
        part.drain_to(&mut to)?;
        Ok(piece)
    }

    pub(crate) fn partitions(&self) -> usize {
        self.parts.len()
    }

    pub(crate) fn task(&self) -> &TaskContext {
        &self.task
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Fixture, memory::Growth};

    #[test]
    fn thousands_of_open_frames_stay_within_the_share() {
        let fixture = Fixture::new();
        let task = fixture.task(1 << 20);
        let growth = Growth::start();
        let mut buffer = PartitionBuffer::new(&task, 4000);
        let mut peak = 0;
        for n in 0..200_000u64 {
            let text = format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            buffer.write(rsk_proto::to_usize(n % 4000), &(n, text)).unwrap();
            peak = peak.max(growth.bytes());
        }
        let written = task.metrics().spilled_bytes;
        assert!(written > 1 << 20, "it spilled");
        assert!(peak < 4 << 20, "{peak} bytes held, lists of runs and writers included");
        let drained = buffer.drain(7, &mut Vec::new(), 0).unwrap();
        assert!(drained.bytes > 0);
    }
}
