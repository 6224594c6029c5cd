//! Bytes of a file, by their place in it.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

const BUFFER_BYTES: usize = 128 << 10;

pub(crate) struct Input<R> {
    from: BufReader<R>,
    at: u64,
}

impl<R: Read> Input<R> {
    /// `from` is at the file's start.
    pub(crate) fn new(from: R) -> Self {
        Input { from: BufReader::with_capacity(BUFFER_BYTES, from), at: 0 }
    }

    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    pub(crate) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.from.fill_buf()?.is_empty())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// Puts the next bytes in place of what `to` held. No more is allocated than is there.
    pub(crate) fn fill(&mut self, bytes: u64, to: &mut Vec<u8>) -> io::Result<()> {
        to.clear();
        let read = (&mut self.from).take(bytes).read_to_end(to)? as u64;
        self.at += read;
        if read < bytes { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Goes to where `marker` first begins, at `from` or after it. False if it is nowhere.
    pub(crate) fn go_to(&mut self, from: u64, marker: &[u8]) -> io::Result<bool>
    where
        R: Seek,
    {
        let finder = memchr::memmem::Finder::new(marker);
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
