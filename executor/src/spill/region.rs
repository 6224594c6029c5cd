//! Part of a file of the executor, read in order and checked against its checksum.

use crate::TaskContext;
use rsk_proto::Piece;
use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

/// Small frames are read so many bytes at a time; larger ones go past the buffer.
const BUFFER_BYTES: usize = 32 << 10;

/// Reads a piece of a file from its start to its end.
///
/// Errors: a file that is too short, and at the end of the piece a checksum that does not match. Raises when the task
/// is killed.
pub(crate) struct Region {
    task: TaskContext,
    file: Arc<File>,
    piece: Piece,
    at: u64,
    crc32c: u32,
}

impl Region {
    pub(crate) fn new(task: &TaskContext, file: Arc<File>, piece: Piece) -> Self {
        Region { task: task.clone(), file, piece, at: piece.offset, crc32c: 0 }
    }

    /// Reads ahead, so that small frames cost no call each.
    pub(crate) fn buffered(self) -> BufReader<Self> {
        BufReader::with_capacity(BUFFER_BYTES, self)
    }
}

impl Read for Region {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.task.check_killed();
        let left = rsk_proto::to_usize(self.piece.end().saturating_sub(self.at));
        let room = to.len().min(left);
        if room == 0 {
            return Ok(0);
        }
        let got = self.file.read_at(&mut to[..room], self.at)?;
        if got == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is too short"));
        }
        self.at += got as u64;
        self.crc32c = crc32c::crc32c_append(self.crc32c, &to[..got]);
        if self.at == self.piece.end() && self.crc32c != self.piece.crc32c {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum does not match"));
        }
        Ok(got)
    }
}
