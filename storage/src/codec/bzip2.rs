//! bzip2, block by block, so that a reader may begin and end at any.
//!
//! Each block is found by its magic, at any bit, and unpacked as a stream of its own: the head of a stream, the block's
//! bits, the end of a stream with the block's own checksum. What holds the blocks together is checked here: that one
//! follows the other, the checksum over all blocks of a stream, and what lies between two streams.

mod bits;

use super::damaged;
use bits::{Bits, Magic};
use bzip2::{Decompress, Status};
use std::io::{self, Read};

pub(super) const BLOCK_MAGIC: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
pub(super) const END_MAGIC: [u8; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
const MAGIC_BITS: u64 = 48;
/// No block of 900 kB takes more, packed: each of its bytes has at most 20 bits.
const BLOCK_BYTES_MAX: u64 = 3 << 20;
/// What is looked through at a time, where a split begins.
const SEARCH_BYTES: u64 = 256 << 10;
/// Within so many bytes of 2^48 bits a magic comes by chance: a block may hold one, hardly three.
const FALSE_MAGICS_MAX: u32 = 2;

/// What comes out of the blocks that begin in a split, and of those that follow it.
///
/// Bounds: one block packed, and what its decoder takes, 8 MB together. A block may stand for 45 MB: they are given piece
/// by piece.
pub(super) struct Bzip2Reader<R> {
    bits: Bits<R>,
    /// The split's end, in bits.
    to: u64,
    state: State,
    /// Over the blocks of the open stream; nothing if its first block was not seen.
    checksum: Option<u32>,
    given: u64,
    border: Option<u64>,
}

enum State {
    /// A stream begins here, or the file ends.
    Stream {
        is_first: bool,
    },
    /// The split begins somewhere in a stream.
    Search,
    /// A block or the end of the stream begins here.
    Block,
    /// A block is given.
    Open(Open),
    Over,
}

struct Open {
    decoder: Decompress,
    stream: Vec<u8>,
    /// Where the block begins and, as far as is known, what follows it.
    start: u64,
    end: u64,
    has_given: bool,
    false_magics: u32,
}

impl<R: Read> Bzip2Reader<R> {
    /// `from` is at byte `at` of the file; the split ends before byte `to`.
    pub(super) fn new(from: R, at: u64, to: u64) -> Self {
        let state = match (at, to) {
            // What is first belongs to who reads from the beginning, and further than that.
            (0, 0) => State::Over,
            (0, _) => State::Stream { is_first: true },
            _ => State::Search,
        };
        let bits = Bits::new(from, at);
        Bzip2Reader { bits, to: to.saturating_mul(8), state, checksum: None, given: 0, border: None }
    }

    pub(super) fn border(&self) -> Option<u64> {
        self.border
    }

    /// Goes to the next block or the end. Shape: `(head block* end)*`, each stream from a whole byte on.
    fn step(&mut self) -> io::Result<()> {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Stream { is_first } => match self.bits.stream_head()? {
                true => {
                    self.checksum = Some(0);
                    State::Block
                }
                false if is_first => return Err(io::ErrorKind::UnexpectedEof.into()),
                false => State::Over,
            },
            State::Search => self.search()?,
            State::Block => {
                let start = self.bits.at();
                match self.bits.magic(start)? {
                    Some(Magic::Block) => {
                        if start >= self.to {
                            self.border.get_or_insert(self.given);
                        }
                        State::Open(self.open(start, start + MAGIC_BITS, 0)?)
                    }
                    Some(Magic::End) => {
                        let checksum = self.bits.number(start + MAGIC_BITS)?;
                        if self.checksum.is_some_and(|own| own != checksum) {
                            return Err(damaged("the blocks of a bzip2 stream do not match its checksum"));
                        }
                        self.bits.go_to((start + MAGIC_BITS + 32).next_multiple_of(8));
                        State::Stream { is_first: false }
                    }
                    None => return Err(damaged("what follows a bzip2 block is neither a block nor the end")),
                }
            }
            open @ State::Open(_) => open,
            State::Over => State::Over,
        };
        if matches!(self.state, State::Over) {
            self.border.get_or_insert(self.given);
        }
        Ok(())
    }

    /// Goes to the first block, piece by piece.
    fn search(&mut self) -> io::Result<State> {
        loop {
            let at = self.bits.at();
            let limit = at + SEARCH_BYTES * 8;
            match self.bits.find(at, limit, |magic| magic == Magic::Block)? {
                Some((at, _)) => {
                    self.bits.go_to(at);
                    return Ok(State::Block);
                }
                None if self.bits.ends_before(limit) => return Ok(State::Over),
                None => self.bits.go_to(limit),
            }
        }
    }

    /// The block at `start`, up to the first magic behind `after`.
    fn open(&mut self, start: u64, after: u64, false_magics: u32) -> io::Result<Open> {
        let limit = start + BLOCK_BYTES_MAX * 8;
        let Some((end, _)) = self.bits.find(after + 1, limit, |_| true)? else {
            return Err(if self.bits.ends_before(limit) {
                io::ErrorKind::UnexpectedEof.into()
            } else {
                damaged("a bzip2 block does not end")
            });
        };
        let stream = self.bits.block_as_stream(start, end);
        let decoder = Decompress::new(false);
        Ok(Open { decoder, stream, start, end, has_given: false, false_magics })
    }

    /// Gives of the open block; nothing where it ends.
    fn give(&mut self, mut open: Open, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let (taken, given) = (open.decoder.total_in(), open.decoder.total_out());
            let packed = &open.stream[rsk_proto::to_usize(taken)..];
            let status = open.decoder.decompress(packed, to);
            let read = open.decoder.total_out() - given;
            let is_stuck = read == 0 && open.decoder.total_in() == taken;
            match status {
                Ok(Status::StreamEnd) if open.decoder.total_in() == open.stream.len() as u64 => {
                    let checksum = self.bits.number(open.start + MAGIC_BITS)?;
                    self.checksum = self.checksum.map(|sum| sum.rotate_left(1) ^ checksum);
                    self.bits.go_to(open.end);
                    self.state = State::Block;
                }
                Ok(Status::Ok) if read > 0 => {
                    open.has_given = true;
                    self.state = State::Open(open);
                }
                Ok(Status::Ok) if !is_stuck => continue,
                // The magic that ended the block may be some of its own bits.
                Ok(Status::Ok) | Err(_) if !open.has_given && open.false_magics < FALSE_MAGICS_MAX => {
                    match self.open(open.start, open.end, open.false_magics + 1) {
                        Ok(longer) => open = longer,
                        Err(error) if is_of_the_bytes(&error) => {
                            return Err(damaged("a bzip2 block is not what its checksum was made of"));
                        }
                        Err(error) => return Err(error),
                    }
                    continue;
                }
                Ok(Status::MemNeeded) => return Err(io::ErrorKind::OutOfMemory.into()),
                Ok(_) => return Err(damaged("a bzip2 block goes on beyond its end")),
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
            self.given += read;
            return Ok(rsk_proto::to_usize(read));
        }
    }
}

fn is_of_the_bytes(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
}

impl<R: Read> Read for Bzip2Reader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while !to.is_empty() {
            self.step()?;
            match std::mem::replace(&mut self.state, State::Over) {
                State::Open(open) => {
                    let read = self.give(open, to)?;
                    if read > 0 {
                        return Ok(read);
                    }
                }
                State::Over => return Ok(0),
                other => self.state = other,
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests;
