//! A file as Parquet's reader wants it: any bytes of it, any time.

use crate::batches::guard::LastError;
use bytes::Bytes;
use parquet::{
    errors::{ParquetError, Result},
    file::reader::{ChunkReader, Length},
};
use std::{
    io::{self, BufReader, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, PoisonError},
};

pub(super) struct Chunks<R> {
    from: Arc<Mutex<R>>,
    bytes: u64,
    last: LastError,
}

impl<R: Read + Seek> Chunks<R> {
    pub(super) fn new(from: R, bytes: u64, last: LastError) -> Self {
        Chunks { from: Arc::new(Mutex::new(from)), bytes, last }
    }

    fn check(&self, start: u64, length: u64) -> Result<()> {
        if start.checked_add(length).is_some_and(|end| end <= self.bytes) {
            return Ok(());
        }
        let what = format!("{length} bytes at byte {start} of {} are claimed", self.bytes);
        Err(ParquetError::EOF(what))
    }
}

impl<R> Length for Chunks<R> {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl<R: Read + Seek + Send> ChunkReader for Chunks<R> {
    type T = BufReader<Chunk<R>>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        self.check(start, 0)?;
        let (from, last) = (Arc::clone(&self.from), self.last.clone());
        Ok(BufReader::new(Chunk { from, at: start, last }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.check(start, length as u64)?;
        let mut bytes = vec![0; length];
        let mut from = Chunk { from: Arc::clone(&self.from), at: start, last: self.last.clone() };
        from.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// The file from some byte on, whatever else is read of it meanwhile.
pub(super) struct Chunk<R> {
    from: Arc<Mutex<R>>,
    at: u64,
    last: LastError,
}

impl<R: Read + Seek> Read for Chunk<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut from = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        let read = from.seek(SeekFrom::Start(self.at)).and_then(|_| from.read(to));
        let read = read.map_err(|error| self.last.keep(error))?;
        self.at += read as u64;
        Ok(read)
    }
}
