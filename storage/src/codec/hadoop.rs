//! Hadoop's framing of lz4 and snappy, which have no streams of their own.
//!
//! Shape, big-endian: blocks of a length unpacked `u32`, then chunks until it is reached: a length packed `u32`, and the
//! bytes. Nothing marks the end, and nothing is checked: a file cut between two blocks looks whole, and so may a bit that
//! changed.

use super::damaged;
use lz4_flex::block::DecompressError;
use std::io::{self, Read, Write};

/// No chunk may be longer, packed or unpacked. Hadoop's own have 256 KiB.
const CHUNK_BYTES_MAX: u32 = 64 << 20;
/// What a buffer begins with: it grows as far as a chunk needs it.
const CHUNK_BYTES: usize = 256 << 10;
/// What is written: below Hadoop's buffers of 256 KiB, whatever a chunk grows by when it is packed.
const BLOCK_BYTES: usize = 192 << 10;

/// What packs a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    Lz4,
    Snappy,
}

/// What comes out of Hadoop's blocks.
///
/// Bounds: one chunk, packed and unpacked; no more is allocated than bytes are there to fill it.
pub(super) struct HadoopReader<R> {
    from: R,
    chunks: Chunks,
    /// Of the open block, unpacked.
    left: u32,
    packed: Vec<u8>,
    chunk: Vec<u8>,
    /// What of `chunk` is to be given.
    given: usize,
    end: usize,
}

impl<R: Read> HadoopReader<R> {
    pub(super) fn new(from: R, chunks: Chunks) -> Self {
        HadoopReader { from, chunks, left: 0, packed: Vec::new(), chunk: Vec::new(), given: 0, end: 0 }
    }

    /// The next length. Nothing at the end.
    fn length(&mut self) -> io::Result<Option<u32>> {
        let mut bytes = Vec::with_capacity(4);
        match (&mut self.from).take(4).read_to_end(&mut bytes)? {
            0 => Ok(None),
            4 => Ok(bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Unpacks the next chunk. False at the end.
    fn open_chunk(&mut self) -> io::Result<bool> {
        while self.left == 0 {
            match self.length()? {
                Some(block) => self.left = block,
                None => return Ok(false),
            }
        }
        let packed = self.length()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if packed > CHUNK_BYTES_MAX {
            return Err(damaged(format!("a chunk of {packed} bytes is above {CHUNK_BYTES_MAX}")));
        }
        self.packed.clear();
        if (&mut self.from).take(u64::from(packed)).read_to_end(&mut self.packed)? < packed as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let unpacked = match self.chunks {
            Chunks::Snappy => self.unpack_snappy()?,
            Chunks::Lz4 => self.unpack_lz4()?,
        };
        if unpacked == 0 {
            return Err(damaged("a chunk holds nothing"));
        }
        (self.given, self.end) = (0, unpacked);
        self.left -= u32::try_from(unpacked).map_err(io::Error::other)?;
        Ok(true)
    }

    /// A chunk may hold so much.
    fn unpacked_max(&self) -> usize {
        self.left.min(CHUNK_BYTES_MAX) as usize
    }

    fn unpack_snappy(&mut self) -> io::Result<usize> {
        let unpacked = snap::raw::decompress_len(&self.packed)?;
        // A byte of snappy's says at most 32 of text, and a bit.
        let max = self.unpacked_max().min(self.packed.len().saturating_mul(64));
        if unpacked > max {
            return Err(damaged(format!("a chunk of {unpacked} bytes where {max} are left")));
        }
        if self.chunk.len() < unpacked {
            self.chunk.resize(unpacked, 0);
        }
        Ok(snap::raw::Decoder::new().decompress(&self.packed, &mut self.chunk[..unpacked])?)
    }

    fn unpack_lz4(&mut self) -> io::Result<usize> {
        // A byte of lz4's says at most 255 of text.
        let max = self.unpacked_max().min(self.packed.len().saturating_mul(255));
        let mut room = self.chunk.len().max(CHUNK_BYTES).min(max);
        loop {
            if self.chunk.len() < room {
                self.chunk.resize(room, 0);
            }
            match lz4_flex::block::decompress_into(&self.packed, &mut self.chunk[..room]) {
                Ok(unpacked) => return Ok(unpacked),
                Err(DecompressError::OutputTooSmall { .. }) if room < max => {
                    room = room.saturating_mul(2).min(max);
                }
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
    }
}

impl<R: Read> Read for HadoopReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() || self.given == self.end && !self.open_chunk()? {
            return Ok(0);
        }
        let bytes = to.len().min(self.end - self.given);
        to[..bytes].copy_from_slice(&self.chunk[self.given..self.given + bytes]);
        self.given += bytes;
        Ok(bytes)
    }
}

/// Packs into Hadoop's blocks, each of one chunk.
pub(super) struct HadoopWriter<W> {
    to: W,
    chunks: Chunks,
    block: Vec<u8>,
    is_begun: bool,
}

impl<W: Write> HadoopWriter<W> {
    pub(super) fn new(to: W, chunks: Chunks) -> Self {
        HadoopWriter { to, chunks, block: Vec::new(), is_begun: false }
    }

    fn write_block(&mut self) -> io::Result<()> {
        let length =
            |bytes: &[u8]| u32::try_from(bytes.len()).map(u32::to_be_bytes).map_err(io::Error::other);
        self.is_begun = true;
        self.to.write_all(&length(&self.block)?)?;
        if !self.block.is_empty() {
            let packed = match self.chunks {
                Chunks::Lz4 => lz4_flex::block::compress(&self.block),
                Chunks::Snappy => snap::raw::Encoder::new().compress_vec(&self.block)?,
            };
            self.to.write_all(&length(&packed)?)?;
            self.to.write_all(&packed)?;
            self.block.clear();
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        // An empty file is one block of nothing, as Hadoop writes it.
        if !self.block.is_empty() || !self.is_begun {
            self.write_block()?;
        }
        Ok(self.to)
    }
}

impl<W: Write> Write for HadoopWriter<W> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let bytes = from.len().min(BLOCK_BYTES - self.block.len());
        self.block.extend_from_slice(&from[..bytes]);
        if self.block.len() == BLOCK_BYTES {
            self.write_block()?;
        }
        Ok(bytes)
    }

    /// What is not a whole block stays until the end.
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
