//! zstd's frames, any number of them, each checked against its length and checksum where it has them.

use ruzstd::{
    decoding::{
        BlockDecodingStrategy, FrameDecoder,
        errors::{FrameDecoderError, ReadFrameHeaderError},
    },
    encoding::{CompressionLevel, compress_to_vec},
};
use std::io::{self, BufRead, Read, Write};

/// The encoder takes all that a frame holds at once.
const FRAME_BYTES: usize = 1 << 20;

/// What comes out of a zstd file.
///
/// Bounds: one window, at most 128 MiB, beside one block.
pub(super) struct ZstdReader<R> {
    from: R,
    frame: FrameDecoder,
    /// Bytes given of the open frame; nothing between frames.
    given: Option<u64>,
}

impl<R: BufRead> ZstdReader<R> {
    pub(super) fn new(from: R) -> Self {
        ZstdReader { from, frame: FrameDecoder::new(), given: None }
    }

    /// Opens the next frame, over those that are to be skipped. False at the end of the file.
    fn open_frame(&mut self) -> io::Result<bool> {
        while !self.from.fill_buf()?.is_empty() {
            match self.frame.reset(&mut self.from) {
                Ok(()) => {
                    self.given = Some(0);
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.from).take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    fn check_frame(&mut self, given: u64) -> io::Result<()> {
        let (length, sum) = (self.frame.content_size(), self.frame.get_checksum_from_data());
        if length != 0 && length != given {
            return Err(io::Error::other(format!("a frame of {length} bytes gave {given}")));
        }
        if sum.is_some() && sum != self.frame.get_calculated_checksum() {
            return Err(io::Error::other("a frame does not match its checksum"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while !to.is_empty() {
            let Some(given) = self.given else {
                if self.open_frame()? {
                    continue;
                }
                return Ok(0);
            };
            if self.frame.can_collect() > 0 {
                let read = self.frame.read(to)?;
                self.given = Some(given + read as u64);
                return Ok(read);
            }
            if self.frame.is_finished() {
                self.check_frame(given)?;
                self.given = None;
            } else {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.frame.decode_blocks(&mut self.from, one).map_err(io::Error::other)?;
            }
        }
        Ok(0)
    }
}

/// Packs into frames of 1 MiB, each with a checksum.
pub(super) struct ZstdWriter<W> {
    to: W,
    frame: Vec<u8>,
    is_begun: bool,
}

impl<W: Write> ZstdWriter<W> {
    pub(super) fn new(to: W) -> Self {
        ZstdWriter { to, frame: Vec::new(), is_begun: false }
    }

    fn write_frame(&mut self) -> io::Result<()> {
        self.is_begun = true;
        let packed = compress_to_vec(&self.frame[..], CompressionLevel::Fastest);
        self.frame.clear();
        self.to.write_all(&packed)
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.frame.is_empty() || !self.is_begun {
            self.write_frame()?;
        }
        Ok(self.to)
    }
}

impl<W: Write> Write for ZstdWriter<W> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let bytes = from.len().min(FRAME_BYTES - self.frame.len());
        self.frame.extend_from_slice(&from[..bytes]);
        if self.frame.len() == FRAME_BYTES {
            self.write_frame()?;
        }
        Ok(bytes)
    }

    /// What is not a whole frame stays until the end.
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
