//! Writes a SequenceFile.

use super::{Compression, ESCAPE, SYNC_BYTES, SequenceError, Writable, header::Header, vint};
use std::{
    fmt,
    io::{self, Write},
    marker::PhantomData,
};

/// Bytes between two sync markers, as Hadoop has it since 3.0; before, it was 2,000.
const SYNC_INTERVAL: u64 = 100 << 10;
/// A block's keys and values together.
const BLOCK_BYTES: usize = 1_000_000;
/// Java's arrays hold no more.
const RECORD_BYTES_MAX: u64 = i32::MAX as u64;

/// Writes pairs so that [`super::SequenceReader`] and Hadoop read them. The same pairs under the same marker are the same
/// bytes.
///
/// Bounds: a record, or a block of a million bytes and what packs it.
///
/// See [`super::SequenceReader`] for an example.
pub struct SequenceWriter<W, K, V> {
    to: W,
    header: Header,
    sync_interval: u64,
    block_bytes: usize,
    /// Written so far, and up to the last sync marker.
    at: u64,
    last_sync: u64,
    block: Block,
    of: PhantomData<fn(K, V)>,
}

/// What is not written yet: of blocks, all four; else one key and one value.
#[derive(Default)]
struct Block {
    records: u32,
    key_lengths: Vec<u8>,
    keys: Vec<u8>,
    value_lengths: Vec<u8>,
    values: Vec<u8>,
}

impl<W: Write, K: Writable, V: Writable> SequenceWriter<W, K, V> {
    /// Begins a file.
    ///
    /// `sync` marks the places where readers may begin: 16 bytes that occur nowhere else in the file, so not the same for
    /// each file if one may hold another.
    pub fn new(to: W, compression: Compression, sync: [u8; SYNC_BYTES]) -> Result<Self, SequenceError> {
        SequenceWriter::with_sizes(to, compression, sync, SYNC_INTERVAL, BLOCK_BYTES)
    }

    /// [`new`](SequenceWriter::new), with a marker at least every `sync_interval` bytes, and blocks of `block_bytes`.
    ///
    /// ```
    /// use rsk_storage::{Compression, SequenceWriter};
    /// let mut file = SequenceWriter::with_sizes(Vec::new(), Compression::None, [7; 16], 1, 0)?;
    /// file.write(&(), &1_i64)?;
    /// file.write(&(), &2_i64)?;
    /// let bytes = file.finish()?;
    /// assert_eq!(bytes.windows(16).filter(|bytes| *bytes == [7; 16]).count(), 3);
    /// # Ok::<(), rsk_storage::SequenceError>(())
    /// ```
    pub fn with_sizes(
        to: W,
        compression: Compression,
        sync: [u8; SYNC_BYTES],
        sync_interval: u64,
        block_bytes: usize,
    ) -> Result<Self, SequenceError> {
        let header = Header { compression, sync };
        let mut head = Vec::new();
        header.write::<K, V>(&mut head);
        let (block, of) = (Block::default(), PhantomData);
        let mut file =
            SequenceWriter { to, header, sync_interval, block_bytes, at: 0, last_sync: 0, block, of };
        file.put(&head)?;
        Ok(file)
    }

    /// Appends a pair.
    ///
    /// Errors: the pair takes more than 2 GiB; those of what is written to.
    pub fn write(&mut self, key: &K, value: &V) -> Result<(), SequenceError> {
        match self.header.compression {
            Compression::Blocks(_) => self.write_to_block(key, value),
            Compression::Records(_) | Compression::None => self.write_record(key, value),
        }
    }

    fn write_record(&mut self, key: &K, value: &V) -> Result<(), SequenceError> {
        let Block { keys, values, .. } = &mut self.block;
        keys.clear();
        key.write(keys);
        values.clear();
        value.write(values);
        check_size(values.len())?;
        if self.header.compression != Compression::None {
            *values = packed(self.header.compression, values)?;
        }
        let (key_length, length) = (check_size(keys.len())?, check_size(keys.len() + values.len())?);
        if self.at >= self.last_sync + self.sync_interval {
            self.put_sync()?;
        }
        let block = std::mem::take(&mut self.block);
        self.put(&length.to_be_bytes())?;
        self.put(&key_length.to_be_bytes())?;
        self.put(&block.keys)?;
        self.put(&block.values)?;
        self.block = block;
        Ok(())
    }

    fn write_to_block(&mut self, key: &K, value: &V) -> Result<(), SequenceError> {
        let block = &mut self.block;
        let (keys, values) = (block.keys.len(), block.values.len());
        key.write(&mut block.keys);
        value.write(&mut block.values);
        check_size(block.keys.len())?;
        check_size(block.values.len())?;
        vint::write(i64::from(check_size(block.keys.len() - keys)?), &mut block.key_lengths);
        vint::write(i64::from(check_size(block.values.len() - values)?), &mut block.value_lengths);
        block.records += 1;
        let is_full = block.keys.len() + block.values.len() >= self.block_bytes;
        // Records of no bytes fill nothing but their lengths.
        if is_full || block.records >= 1 << 20 { self.write_block() } else { Ok(()) }
    }

    fn write_block(&mut self) -> Result<(), SequenceError> {
        let Block { records, key_lengths, keys, value_lengths, values } = std::mem::take(&mut self.block);
        if records == 0 {
            return Ok(());
        }
        self.put_sync()?;
        let mut head = Vec::new();
        vint::write(records.into(), &mut head);
        self.put(&head)?;
        for part in [key_lengths, keys, value_lengths, values] {
            let part = packed(self.header.compression, &part)?;
            head.clear();
            vint::write(i64::from(check_size(part.len())?), &mut head);
            self.put(&head)?;
            self.put(&part)?;
        }
        Ok(())
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<W, SequenceError> {
        self.write_block()?;
        Ok(self.to)
    }

    /// What it writes to.
    pub(super) fn to_mut(&mut self) -> &mut W {
        &mut self.to
    }

    fn put_sync(&mut self) -> io::Result<()> {
        self.put(&ESCAPE)?;
        let sync = self.header.sync;
        self.put(&sync)?;
        self.last_sync = self.at;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.to.write_all(bytes)
    }
}

fn packed(compression: Compression, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let Some(codec) = compression.codec() else { return Ok(bytes.to_vec()) };
    let mut to = codec.writer(Vec::new());
    to.write_all(bytes)?;
    to.finish()
}

fn check_size(bytes: usize) -> Result<i32, SequenceError> {
    i32::try_from(bytes).map_err(|_| SequenceError::too_large("a record", bytes as u64, RECORD_BYTES_MAX))
}

impl<W, K, V> fmt::Debug for SequenceWriter<W, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequenceWriter")
            .field("header", &self.header)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
