//! Records that did not fit in memory: runs of frames in a file without a name, gone when it is dropped.

mod region;

pub(crate) use region::Region;
pub(crate) use rsk_proto::Piece;

use crate::TaskContext;
use rsk_proto::{Data, FrameReader, FrameWriter, OrRaise, TaskError};
use std::{fs::File, io::Write, path::PathBuf, sync::Arc};

/// Whole frames are written when there are so many bytes of them.
const WRITE_BYTES: usize = 256 << 10;

/// A file of runs, written one after the other, each read back when it is wanted.
pub(crate) struct SpillFile {
    task: TaskContext,
    folder: PathBuf,
    file: Arc<File>,
    frames: FrameWriter,
    open: Piece,
}

impl SpillFile {
    pub(crate) fn create(task: &TaskContext) -> Result<Self, TaskError> {
        let folder = task.executor().work_dir().spill();
        let file = tempfile::tempfile_in(&folder);
        let file = file.map_err(|error| TaskError::io(&folder, "make a spill file in", &error))?;
        let (task, file) = (task.clone(), Arc::new(file));
        Ok(SpillFile { task, folder, file, frames: FrameWriter::default(), open: Piece::default() })
    }

    /// Adds a record to the open run; answers its encoded length.
    pub(crate) fn write<T: Data>(&mut self, record: &T) -> Result<usize, TaskError> {
        let bytes = self.frames.write(record)?;
        check_size::<T>(&self.task, bytes)?;
        if self.frames.closed_bytes() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(bytes)
    }

    /// Adds a record of type `T` that was encoded elsewhere.
    pub(crate) fn write_encoded<T>(&mut self, record: &[u8]) -> Result<(), TaskError> {
        self.frames.write_encoded::<T>(record)?;
        check_size::<T>(&self.task, record.len())?;
        if self.frames.closed_bytes() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    /// Ends the open run; the next record starts another.
    pub(crate) fn end_run(&mut self) -> Result<Piece, TaskError> {
        self.frames.close();
        self.flush()?;
        Ok(self.end_piece())
    }

    /// Writes frames made elsewhere as a run of their own.
    pub(crate) fn write_run(&mut self, frames: &mut FrameWriter) -> Result<Piece, TaskError> {
        frames.close();
        self.append(frames)?;
        Ok(self.end_piece())
    }

    /// The records of a run, a frame at a time.
    ///
    /// Errors: raised.
    pub(crate) fn read<T: Data>(&self, piece: Piece) -> impl Iterator<Item = T> + use<T> {
        let folder = self.folder.clone();
        FrameReader::<T, _>::over(self.region(piece).buffered()).map(move |record| {
            let say = || format!("cannot read back a spill file in {}", folder.display());
            record.map_err(|cause| TaskError::Io(cause.within(say()))).or_raise()
        })
    }

    /// Copies the bytes of a run.
    pub(crate) fn copy(&self, piece: Piece, to: &mut impl Write) -> std::io::Result<u64> {
        std::io::copy(&mut self.region(piece).buffered(), to)
    }

    fn region(&self, piece: Piece) -> Region {
        Region::new(&self.task, Arc::clone(&self.file), piece)
    }

    fn flush(&mut self) -> Result<(), TaskError> {
        let mut frames = std::mem::take(&mut self.frames);
        let appended = self.append(&mut frames);
        self.frames = frames;
        appended
    }

    fn append(&mut self, frames: &mut FrameWriter) -> Result<(), TaskError> {
        self.task.check_killed();
        let mut to = Counted { to: &*self.file, piece: &mut self.open };
        let written = frames.drain_to(&mut to);
        let written =
            written.map_err(|error| TaskError::io(&self.folder, "write a spill file in", &error))?;
        self.task.count(|metrics| metrics.spilled_bytes += written);
        Ok(())
    }

    fn end_piece(&mut self) -> Piece {
        let next = Piece { offset: self.open.end(), ..Piece::default() };
        std::mem::replace(&mut self.open, next)
    }
}

/// A writer that keeps count and checksum of what it wrote.
pub(crate) struct Counted<'a, W> {
    pub(crate) to: W,
    pub(crate) piece: &'a mut Piece,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.piece.bytes += written as u64;
        self.piece.crc32c = crc32c::crc32c_append(self.piece.crc32c, &bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// A record that alone takes more than the task's share cannot be sorted, combined or buffered.
pub(crate) fn check_size<T>(task: &TaskContext, bytes: usize) -> Result<(), TaskError> {
    let limit = crate::memory::limit_of(task);
    if bytes as u64 <= limit {
        return Ok(());
    }
    let what = format!("a record of type {}", std::any::type_name::<T>());
    Err(TaskError::RecordTooLarge { what, bytes: bytes as u64, limit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, caught};
    use std::os::unix::fs::FileExt;

    #[test]
    fn runs_come_back_as_they_were_written_and_count_as_spilled() {
        let fixture = Fixture::new();
        let task = fixture.task(1 << 20);
        let mut file = SpillFile::create(&task).unwrap();
        let run = |n: u64| (0..n).map(move |i| (i, format!("{:x}", i.wrapping_mul(n))));
        let pieces: Vec<_> = [100_000, 0, 3]
            .map(|n| {
                run(n).for_each(|record| assert!(file.write(&record).unwrap() > 1));
                file.end_run().unwrap()
            })
            .into();
        assert!(file.read::<(u64, String)>(pieces[2]).eq(run(3)), "in any order");
        assert!(file.read::<(u64, String)>(pieces[0]).eq(run(100_000)));
        assert!(file.read::<(u64, String)>(pieces[1]).next().is_none());
        assert_eq!(task.metrics().spilled_bytes, pieces.iter().map(|piece| piece.bytes).sum::<u64>());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn damage_never_ends_a_run_as_if_it_were_whole(
            place: proptest::sample::Index,
            random: Vec<u8>,
            bit in 0..8u32,
        ) {
            let fixture = Fixture::new();
            let mut file = SpillFile::create(&fixture.task(1 << 20)).unwrap();
            let records: Vec<_> = (0..3000u64).map(|n| (n, format!("{:x}", n.wrapping_mul(n)))).collect();
            for record in &records {
                file.write(record).unwrap();
            }
            let piece = file.end_run().unwrap();
            let read = || caught(|| file.read::<(u64, String)>(piece).collect::<Vec<_>>());
            assert_eq!(read().unwrap(), records);
            let at = place.index(rsk_proto::to_usize(piece.bytes)) as u64;
            let mut byte = [0];
            file.file.read_exact_at(&mut byte, at).unwrap();
            file.file.write_all_at(&[byte[0] ^ 1 << bit], at).unwrap();
            assert!(matches!(read(), Err(TaskError::Io(_))), "bit {bit} of {at}");
            file.file.write_all_at(&byte, at).unwrap();
            assert_eq!(read().unwrap(), records);
            file.file.write_all_at(&random, 0).unwrap();
            let seen = read();
            assert!(random.is_empty() || matches!(seen, Err(TaskError::Io(_))), "{:?}", seen.map(|r| r.len()));
            file.file.set_len(at).unwrap();
            assert!(matches!(read(), Err(TaskError::Io(_))), "cut at {at}");
        }
    }

    #[test]
    fn a_record_larger_than_the_share_is_named() {
        let fixture = Fixture::new();
        let mut file = SpillFile::create(&fixture.task(1 << 20)).unwrap();
        file.write(&vec![0u8; 1000]).unwrap();
        let error = file.write(&vec![0u8; 2 << 20]).unwrap_err();
        let TaskError::RecordTooLarge { what, bytes, limit } = error else { panic!("{error}") };
        assert!(what.contains("Vec<u8>") && bytes > 2 << 20 && limit == 1 << 20, "{what}");
    }
}
