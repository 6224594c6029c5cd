//! Bytes of a file, by their place in it.

use super::{ESCAPE, SYNC_BYTES, SequenceError, vint};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

const BUFFER_BYTES: usize = 128 << 10;

pub(super) struct Input<R> {
    from: BufReader<R>,
    at: u64,
}

impl<R: Read> Input<R> {
    /// `from` is at the file's start.
    pub(super) fn new(from: R) -> Self {
        Input { from: BufReader::with_capacity(BUFFER_BYTES, from), at: 0 }
    }

    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.from.fill_buf()?.is_empty())
    }

    pub(super) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    pub(super) fn number(&mut self) -> io::Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// A vint that counts something.
    pub(super) fn count(&mut self) -> Result<u64, SequenceError> {
        let number = vint::read(|| self.array().map(|[byte]| byte))?;
        match i32::try_from(number) {
            Ok(count) if count >= 0 => Ok(count.unsigned_abs().into()),
            _ => Err(SequenceError::Damaged(format!("{number} where something is counted"))),
        }
    }

    /// Puts the next bytes in place of what `to` held. No more is allocated than is there.
    pub(super) fn fill(&mut self, bytes: u64, to: &mut Vec<u8>) -> io::Result<()> {
        to.clear();
        let read = (&mut self.from).take(bytes).read_to_end(to)? as u64;
        self.at += read;
        if read < bytes { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Goes to the first sync marker, with its escape, at `from` or after it. False if there is none.
    pub(super) fn go_to_sync(&mut self, from: u64, sync: [u8; SYNC_BYTES]) -> io::Result<bool>
    where
        R: Seek,
    {
        let mut marker = [0; ESCAPE.len() + SYNC_BYTES];
        marker[..ESCAPE.len()].copy_from_slice(&ESCAPE);
        marker[ESCAPE.len()..].copy_from_slice(&sync);
        let finder = memchr::memmem::Finder::new(&marker);
        self.at = self.from.seek(SeekFrom::Start(from))?;
        // The bytes before those that are looked at, as many as a marker may have begun in.
        let mut window = Vec::new();
        let mut start = self.at;
        loop {
            let read = self.from.fill_buf()?;
            if read.is_empty() {
                return Ok(false);
            }
            let bytes = read.len();
            window.extend_from_slice(read);
            if let Some(found) = finder.find(&window) {
                self.at = self.from.seek(SeekFrom::Start(start + found as u64))?;
                return Ok(true);
            }
            self.from.consume(bytes);
            let behind = window.len().saturating_sub(marker.len() - 1);
            window.drain(..behind);
            start += behind as u64;
        }
    }
}
