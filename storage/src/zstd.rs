//! A zstd file of any number of frames, each checked against its length and checksum where it has them.

use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};
use std::io::{self, BufRead, Read};

/// What comes out of a zstd file.
///
/// Bounds: one window, at most 128 MiB, beside one block.
pub(crate) struct ZstdReader<R> {
    from: R,
    frame: FrameDecoder,
    /// Bytes given of the open frame; nothing between frames.
    given: Option<u64>,
}

impl<R: BufRead> ZstdReader<R> {
    pub(crate) fn new(from: R) -> Self {
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
