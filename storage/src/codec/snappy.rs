//! snappy's own frames. Nothing marks their end: a file cut between two chunks looks whole.

use super::damaged;
use std::io::{self, Read, Write};

pub(super) const HEAD: [u8; 10] = *b"\xff\x06\0\0sNaPpY";
/// No chunk stands for more.
const CHUNK_BYTES: usize = 64 << 10;

/// Frames of what is written to it; of nothing, a head alone, which `snap` would leave out.
pub(super) struct SnappyWriter<W: Write> {
    to: snap::write::FrameEncoder<W>,
    is_empty: bool,
}

impl<W: Write> SnappyWriter<W> {
    pub(super) fn new(to: W) -> Self {
        SnappyWriter { to: snap::write::FrameEncoder::new(to), is_empty: true }
    }

    pub(super) fn finish(self) -> io::Result<W> {
        let mut to = self.to.into_inner().map_err(snap::write::IntoInnerError::into_error)?;
        if self.is_empty {
            to.write_all(&HEAD)?;
        }
        Ok(to)
    }
}

impl<W: Write> Write for SnappyWriter<W> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.is_empty &= from.is_empty();
        self.to.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// What comes out of snappy's frames, each chunk checked.
///
/// Chunks that nobody has defined may be skipped, says the format; here they are errors, but for padding: one bit that
/// changed makes one of a chunk of text.
///
/// Bounds: a chunk, 64 KiB, packed and unpacked.
pub(super) struct SnappyReader<R> {
    from: R,
    has_head: bool,
    packed: Vec<u8>,
    chunk: Vec<u8>,
    given: usize,
}

impl<R: Read> SnappyReader<R> {
    pub(super) fn new(from: R) -> Self {
        SnappyReader { from, has_head: false, packed: Vec::new(), chunk: Vec::new(), given: 0 }
    }

    /// Puts the next text in `chunk`. False at the end.
    fn open_chunk(&mut self) -> io::Result<bool> {
        loop {
            self.packed.clear();
            let length = match (&mut self.from).take(4).read_to_end(&mut self.packed)? {
                0 if self.has_head => return Ok(false),
                4 => u32::from_le_bytes([self.packed[1], self.packed[2], self.packed[3], 0]),
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            };
            let kind = self.packed[0];
            if kind == 0xfe {
                if io::copy(&mut (&mut self.from).take(length.into()), &mut io::sink())? < length.into() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            }
            if length as usize > snap::raw::max_compress_len(CHUNK_BYTES) + 4 {
                return Err(damaged(format!("a chunk of {length} bytes")));
            }
            if (&mut self.from).take(length.into()).read_to_end(&mut self.packed)? < length as usize {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.packed == HEAD {
                self.has_head = true;
                continue;
            }
            if !self.has_head {
                return Err(damaged("it does not begin as snappy's frames do"));
            }
            self.unpack(kind)?;
            if !self.chunk.is_empty() {
                return Ok(true);
            }
        }
    }

    fn unpack(&mut self, kind: u8) -> io::Result<()> {
        let Some((checksum, bytes)) = self.packed[4..].split_first_chunk::<4>() else {
            return Err(damaged("a chunk without a checksum"));
        };
        self.given = 0;
        match kind {
            0 => {
                let length = snap::raw::decompress_len(bytes)?;
                if length > CHUNK_BYTES {
                    return Err(damaged(format!("a chunk of {length} bytes unpacked")));
                }
                self.chunk.resize(length, 0);
                snap::raw::Decoder::new().decompress(bytes, &mut self.chunk)?;
            }
            1 if bytes.len() <= CHUNK_BYTES => {
                self.chunk.clear();
                self.chunk.extend_from_slice(bytes);
            }
            _ => return Err(damaged(format!("a chunk of the unknown kind {kind}"))),
        }
        let sum = crc32c::crc32c(&self.chunk).rotate_right(15).wrapping_add(0xa282_ead8);
        if sum != u32::from_le_bytes(*checksum) {
            return Err(damaged("a chunk does not match its checksum"));
        }
        Ok(())
    }
}

impl<R: Read> Read for SnappyReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() || self.given == self.chunk.len() && !self.open_chunk()? {
            return Ok(0);
        }
        let bytes = to.len().min(self.chunk.len() - self.given);
        to[..bytes].copy_from_slice(&self.chunk[self.given..self.given + bytes]);
        self.given += bytes;
        Ok(bytes)
    }
}
