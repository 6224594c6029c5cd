//! zlib's format: one stream, which ends with its checksum.

use super::damaged;
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, BufRead, Read};

/// Can these bytes begin a zlib stream? None may, and one.
pub(super) fn is_head(start: &[u8]) -> bool {
    match start {
        [method, flags, ..] => method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0,
        [method] => method & 0x0f == 8,
        [] => true,
    }
}

/// What comes out of a zlib stream. Nothing may follow it.
pub(super) struct DeflateReader<R> {
    from: R,
    inflate: Decompress,
    is_over: bool,
}

impl<R: BufRead> DeflateReader<R> {
    pub(super) fn new(from: R) -> Self {
        DeflateReader { from, inflate: Decompress::new(true), is_over: false }
    }
}

impl<R: BufRead> Read for DeflateReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        loop {
            let packed = self.from.fill_buf()?;
            let is_end = packed.is_empty();
            match (self.is_over, is_end) {
                (true, true) => return Ok(0),
                (true, false) => return Err(damaged("something follows the end of a zlib stream")),
                (false, _) => {}
            }
            let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(packed, to, FlushDecompress::None);
            let status = status.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let taken = rsk_proto::to_usize(self.inflate.total_in() - taken);
            let given = rsk_proto::to_usize(self.inflate.total_out() - given);
            self.from.consume(taken);
            self.is_over = status == Status::StreamEnd;
            if given > 0 {
                return Ok(given);
            }
            if !self.is_over && taken == 0 {
                return Err(if is_end {
                    io::ErrorKind::UnexpectedEof.into()
                } else {
                    damaged("a zlib stream does not go on")
                });
            }
        }
    }
}
