//! lz4's own frames, any number of them, and between them what is to be skipped.

use super::damaged;
use lz4_flex::frame::FrameDecoder;
use std::io::{self, Read};

pub(super) const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();

/// What comes out of lz4's frames.
///
/// Bounds: a frame's blocks have at most 4 MiB; three of them are in memory.
pub(super) struct Lz4Reader<R: Read> {
    /// Nothing only while a frame is opened, and after an error.
    state: Option<State<R>>,
}

enum State<R: Read> {
    Between(R),
    Frame(Box<FrameDecoder<Marked<R>>>),
}

/// The magic, which was read to see that a frame begins, and then the rest; it sees the end of what it reads.
struct Marked<R> {
    magic: &'static [u8],
    from: R,
    is_at_end: bool,
}

impl<R: Read> Read for Marked<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if !self.magic.is_empty() {
            return self.magic.read(to);
        }
        let read = self.from.read(to)?;
        self.is_at_end |= read == 0 && !to.is_empty();
        Ok(read)
    }
}

impl<R: Read> Lz4Reader<R> {
    pub(super) fn new(from: R) -> Self {
        Lz4Reader { state: Some(State::Between(from)) }
    }
}

/// Opens the next frame, over those that are to be skipped. Nothing at the end.
fn open_frame<R: Read>(mut from: R) -> io::Result<Option<FrameDecoder<Marked<R>>>> {
    loop {
        let mut magic = Vec::with_capacity(4);
        match (&mut from).take(4).read_to_end(&mut magic)? {
            0 => return Ok(None),
            4 => {}
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        match magic[..] {
            _ if magic == MAGIC => {
                let marked = Marked { magic: &MAGIC, from, is_at_end: false };
                return Ok(Some(FrameDecoder::new(marked)));
            }
            [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
                let mut length = [0; 4];
                from.read_exact(&mut length)?;
                let length = u64::from(u32::from_le_bytes(length));
                if io::copy(&mut (&mut from).take(length), &mut io::sink())? < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            _ => return Err(damaged("what follows an lz4 frame is none")),
        }
    }
}

impl<R: Read> Read for Lz4Reader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state.take() {
                None => return Ok(0),
                Some(State::Between(from)) => match open_frame(from)? {
                    Some(frame) => self.state = Some(State::Frame(Box::new(frame))),
                    None => return Ok(0),
                },
                Some(State::Frame(mut frame)) => {
                    let read = frame.read(to)?;
                    if read > 0 {
                        self.state = Some(State::Frame(frame));
                        return Ok(read);
                    }
                    // The decoder takes the end of its input for the end of its frame, wherever that comes.
                    let marked = frame.into_inner();
                    if marked.is_at_end {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    self.state = Some(State::Between(marked.from));
                }
            }
        }
    }
}
