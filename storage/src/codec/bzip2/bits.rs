//! Bits of a file, and the magics among them.

use super::{BLOCK_MAGIC, END_MAGIC, MAGIC_BITS, damaged};
use std::io::{self, Read};

const READ_BYTES: u64 = 64 << 10;

/// What 48 bits may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Magic {
    Block,
    End,
}

/// 48 bits as a number.
const fn number_of(magic: [u8; 6]) -> u64 {
    let mut number = 0;
    let mut at = 0;
    while at < magic.len() {
        number = number << 8 | magic[at] as u64;
        at += 1;
    }
    number
}

const BLOCK: u64 = number_of(BLOCK_MAGIC);
const END: u64 = number_of(END_MAGIC);
const MASK: u64 = (1 << MAGIC_BITS) - 1;

fn magic_of(bits: u64) -> Option<Magic> {
    match bits & MASK {
        BLOCK => Some(Magic::Block),
        END => Some(Magic::End),
        _ => None,
    }
}

/// For each value of the last but one byte of eight: at which shifts of the eight a magic may end.
const SHIFTS: [u8; 256] = {
    let mut shifts = [0; 256];
    let mut shift = 0;
    while shift < 8 {
        shifts[((BLOCK >> (8 - shift)) & 0xff) as usize] |= 1 << shift;
        shifts[((END >> (8 - shift)) & 0xff) as usize] |= 1 << shift;
        shift += 1;
    }
    shifts
};

/// A file from some byte on. Places are bits, counted from the file's start.
pub(super) struct Bits<R> {
    from: R,
    /// Read, from byte `base` of the file on.
    bytes: Vec<u8>,
    base: u64,
    at: u64,
    is_at_end: bool,
}

impl<R: Read> Bits<R> {
    pub(super) fn new(from: R, base: u64) -> Self {
        Bits { from, bytes: Vec::new(), base, at: base * 8, is_at_end: false }
    }

    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Does the file end before that place?
    pub(super) fn ends_before(&self, at: u64) -> bool {
        self.is_at_end && (self.base + self.bytes.len() as u64) * 8 <= at
    }

    /// Goes forward. What lies before is forgotten.
    pub(super) fn go_to(&mut self, at: u64) {
        self.at = at;
        let behind = rsk_proto::to_usize(at / 8 - self.base).min(self.bytes.len());
        self.bytes.drain(..behind);
        self.base += behind as u64;
    }

    /// Reads on, by so much at least; less only at the end.
    fn read_on(&mut self, bytes: u64) -> io::Result<()> {
        if !self.is_at_end {
            let bytes = bytes.max(READ_BYTES);
            let read = (&mut self.from).take(bytes).read_to_end(&mut self.bytes)?;
            self.is_at_end = (read as u64) < bytes;
        }
        Ok(())
    }

    /// Up to eight bytes from a whole byte on.
    fn bytes_at(&mut self, byte: u64, count: usize) -> io::Result<&[u8]> {
        let start = rsk_proto::to_usize(byte - self.base);
        if self.bytes.len() < start + count {
            self.read_on((start + count - self.bytes.len()) as u64)?;
        }
        let end = self.bytes.len().min(start + count);
        Ok(self.bytes.get(start..end).unwrap_or_default())
    }

    /// The `count` bits at a place, at most 56.
    fn bits_at(&mut self, at: u64, count: u64) -> io::Result<u64> {
        let mut word = [0; 8];
        let needed = rsk_proto::to_usize((at % 8 + count).div_ceil(8));
        let bytes = self.bytes_at(at / 8, needed)?;
        if bytes.len() < needed {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        word[..needed].copy_from_slice(bytes);
        Ok(u64::from_be_bytes(word) << (at % 8) >> (64 - count))
    }

    pub(super) fn magic(&mut self, at: u64) -> io::Result<Option<Magic>> {
        Ok(magic_of(self.bits_at(at, MAGIC_BITS)?))
    }

    /// A checksum.
    pub(super) fn number(&mut self, at: u64) -> io::Result<u32> {
        u32::try_from(self.bits_at(at, 32)?).map_err(io::Error::other)
    }

    /// Goes beyond a stream's head. False at the file's end.
    pub(super) fn stream_head(&mut self) -> io::Result<bool> {
        let head = self.bytes_at(self.at / 8, 4)?;
        match head {
            [] => return Ok(false),
            [b'B', b'Z', b'h', b'1'..=b'9'] => {}
            _ if head.len() < 4 && b"BZh".starts_with(&head[..head.len().min(3)]) => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            _ => return Err(damaged("what should be a bzip2 stream is none")),
        }
        self.go_to(self.at + 32);
        Ok(true)
    }

    /// The first magic of a kind that begins at `from` or after it, and before `limit`.
    pub(super) fn find(
        &mut self,
        from: u64,
        limit: u64,
        is_asked: impl Fn(Magic) -> bool,
    ) -> io::Result<Option<(u64, Magic)>> {
        // The byte that `word` ends with is looked at with the one behind it.
        let mut byte = from / 8;
        let mut word = 0;
        loop {
            let start = rsk_proto::to_usize(byte - self.base);
            if start >= self.bytes.len() {
                self.read_on(0)?;
            }
            let Some(bytes) = self.bytes.get(start..).filter(|bytes| !bytes.is_empty()) else {
                return Ok(None);
            };
            for next in bytes {
                word = word << 8 | u64::from(*next);
                byte += 1;
                let shifts = SHIFTS[((word >> 8) & 0xff) as usize];
                if shifts == 0 {
                    continue;
                }
                for shift in (0..8).rev().filter(|shift| shifts >> shift & 1 == 1) {
                    let Some(magic) = magic_of(word >> shift).filter(|magic| is_asked(*magic)) else {
                        continue;
                    };
                    let at = (byte * 8).saturating_sub(shift + MAGIC_BITS);
                    if at >= from && byte * 8 - shift >= MAGIC_BITS {
                        return Ok((at < limit).then_some((at, magic)));
                    }
                }
            }
            if byte * 8 > limit.saturating_add(64) {
                return Ok(None);
            }
        }
    }

    /// The block from `start` to `end`, which have been read, as a stream that holds it alone.
    pub(super) fn block_as_stream(&self, start: u64, end: u64) -> Vec<u8> {
        let first = rsk_proto::to_usize(start / 8 - self.base);
        let shift = start % 8;
        let bits = rsk_proto::to_usize(end - start);
        let source = self.bytes.get(first..).unwrap_or_default();
        let byte_at = |at: usize| -> u8 {
            let pair = u16::from_be_bytes([
                source.get(at).copied().unwrap_or(0),
                source.get(at + 1).copied().unwrap_or(0),
            ]);
            (pair << shift >> 8 & 0xff).to_be_bytes()[1]
        };
        let mut stream = Vec::with_capacity(bits / 8 + 16);
        stream.extend_from_slice(b"BZh9");
        stream.extend((0..bits.div_ceil(8)).map(byte_at));
        let checksum: [u8; 4] =
            stream.get(10..).and_then(|rest| rest.first_chunk().copied()).unwrap_or_default();
        // The last byte may hold bits of what follows: the end's bits take their place.
        let tail = bits % 8;
        let last = if tail > 0 { stream.pop().unwrap_or(0) } else { 0 };
        let mut open = u16::from(last) >> (8 - tail);
        for byte in END_MAGIC.into_iter().chain(checksum) {
            let word = open << 8 | u16::from(byte);
            stream.push((word >> tail).to_be_bytes()[1]);
            open = word & ((1 << tail) - 1);
        }
        if tail > 0 {
            stream.push((open << (8 - tail)).to_be_bytes()[1]);
        }
        stream
    }
}
