//! Records of a whole file, whose fields may hold the ends of lines.

use super::{CsvOptions, fields::Fields, read::Place};
use crate::{Location, ReadError, Split, Storage, open::Source};
use rsk_proto::Cause;

const BLOCK_BYTES: u64 = 128 << 10;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) struct Whole {
    source: Source,
    /// As many bytes as the file should have, if they are not packed.
    listed: u64,
    record_bytes_max: u64,
    block: Vec<u8>,
    /// Where `block` starts, and how much of it was taken.
    start: u64,
    at: usize,
}

impl Whole {
    pub(super) fn open(storage: &Storage, split: &Split, options: &CsvOptions) -> Result<Whole, ReadError> {
        let source = Source::open(storage, split, 0)?;
        let (listed, record_bytes_max) = (split.end, options.text.record_bytes_max);
        let mut whole = Whole { source, listed, record_bytes_max, block: Vec::new(), start: 0, at: 0 };
        whole.fill()?;
        if whole.block.starts_with(BYTE_ORDER_MARK) {
            whole.at = BYTE_ORDER_MARK.len();
        }
        Ok(whole)
    }

    pub(super) fn path(&self) -> &Location {
        &self.source.path
    }

    /// Reads on where all was taken. False at the end.
    fn fill(&mut self) -> Result<bool, ReadError> {
        if self.at < self.block.len() {
            return Ok(true);
        }
        self.start += self.block.len() as u64;
        self.block.clear();
        self.at = 0;
        if self.source.read(BLOCK_BYTES, &mut self.block)? > 0 {
            return Ok(true);
        }
        if !self.source.is_packed() && self.start < self.listed {
            let path = self.source.path.clone();
            return Err(ReadError::Shrunk { path, listed: self.listed, bytes: self.start });
        }
        Ok(false)
    }

    /// Feeds the next record. Says where it starts.
    pub(super) fn next(&mut self, to: &mut Fields) -> Result<Option<u64>, Place> {
        // Ends of lines are passed over between records.
        while self.fill()? && matches!(self.block[self.at], b'\r' | b'\n') {
            to.feed(&self.block[self.at..=self.at]);
            self.at += 1;
        }
        let offset = self.start + self.at as u64;
        while self.fill()? {
            let (taken, is_whole) = to.feed(&self.block[self.at..]);
            self.at += taken;
            if is_whole {
                return Ok(Some(offset));
            }
            if to.bytes() as u64 > self.record_bytes_max {
                let what = format!("the record at byte {offset} of {}", self.source.path);
                return Err(ReadError::too_large(what, to.bytes(), self.record_bytes_max).into());
            }
        }
        // The last line need not end.
        if to.feed(b"\n").1 {
            return Ok(Some(offset));
        }
        if to.is_open() {
            let why = "a quote that begins in it is open where the file ends";
            return Err(Place::At(offset, Cause::new(why)));
        }
        Ok(None)
    }
}
