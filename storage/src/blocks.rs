//! Whole lines of one split, about 256 KiB of them at a time.

use crate::{Codec, Location, ReadError, Split, Storage, open::Source};
use memchr::{memchr, memrchr};

const BLOCK_BYTES: u64 = 256 << 10;
/// What is read beyond a split's end at first, for the rest of its last line.
const BEYOND_BYTES: u64 = 4 << 10;

/// The bytes of the lines that start in one split.
///
/// Shape: blocks that end where a line ends, in order; nothing after the last.
pub(crate) struct Blocks {
    source: Source,
    /// The last line starts before it.
    end: u64,
    /// Where what comes next starts: `ahead`, then what has not been read.
    at: u64,
    /// Read, but not given: the start of a line.
    ahead: Vec<u8>,
    is_over: bool,
    record_bytes_max: u64,
}

impl Blocks {
    pub(crate) fn open(storage: &Storage, split: &Split, record_bytes_max: u64) -> Result<Blocks, ReadError> {
        let Split { ref file, start, end } = *split;
        let is_in_middle = start > 0;
        // A line that starts here ends the one before here: its end is looked for from one byte before. Nobody knows the
        // byte before a packed split: its first line, even where one starts, is the last of the split before.
        let at = if is_in_middle && Codec::of_name(file.location.name().as_ref()).is_none() {
            start - 1
        } else {
            start
        };
        let source = Source::open(storage, split, at)?;
        let is_packed = source.is_packed();
        let (at, end) = if is_packed { (0, u64::MAX) } else { (at, end) };
        let is_over = !is_packed && start >= end;
        let mut blocks = Blocks { source, end, at, ahead: Vec::new(), is_over, record_bytes_max };
        if is_in_middle && !is_over {
            blocks.skip_line()?;
        }
        Ok(blocks)
    }

    /// Where the next block starts.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    pub(crate) fn path(&self) -> &Location {
        &self.source.path
    }

    /// Reads on. Where a packed split ends is known only now: a line that starts right there is its last.
    fn read(&mut self, bytes: u64, to: &mut Vec<u8>) -> Result<usize, ReadError> {
        let read = self.source.read(bytes, to)?;
        if let Some(border) = self.source.border() {
            self.end = border + 1;
        }
        Ok(read)
    }

    /// Goes beyond the next line's end, if that is in the split.
    fn skip_line(&mut self) -> Result<(), ReadError> {
        loop {
            let mut bytes = std::mem::take(&mut self.ahead);
            bytes.clear();
            let read = self.read(self.to_read(0), &mut bytes)?;
            let found = memchr(b'\n', &bytes);
            self.at += found.map_or(read, |found| found + 1) as u64;
            self.is_over = read == 0 || self.at >= self.end;
            if let Some(found) = found {
                bytes.drain(..=found);
                self.ahead = bytes;
                return Ok(());
            }
            if self.is_over {
                return Ok(());
            }
        }
    }

    /// The next lines' bytes, in place of what `block` held. False if there are none.
    pub(crate) fn next(&mut self, block: &mut Vec<u8>) -> Result<bool, ReadError> {
        block.clear();
        if self.is_over {
            return Ok(false);
        }
        block.append(&mut self.ahead);
        block.reserve(rsk_proto::to_usize(self.to_read(0)));
        let mut looked = 0;
        loop {
            // The first line's end at or after the split's last byte ends its last line.
            let last = rsk_proto::to_usize(self.end - 1 - self.at);
            let found = block.get(last.max(looked)..).and_then(|beyond| memchr(b'\n', beyond));
            if let Some(found) = found {
                block.truncate(last.max(looked) + found + 1);
                self.is_over = true;
                break;
            }
            if let Some(found) = memrchr(b'\n', &block[looked..]) {
                self.ahead.extend_from_slice(&block[looked + found + 1..]);
                block.truncate(looked + found + 1);
                break;
            }
            looked = block.len();
            if looked as u64 > self.record_bytes_max {
                let what = format!("the line at byte {} of {}", self.at, self.source.path);
                return Err(ReadError::too_large(what, looked, self.record_bytes_max));
            }
            if self.read(self.to_read(looked), block)? == 0 {
                self.is_over = true;
                self.check_end(block.len())?;
                break;
            }
        }
        self.at += block.len() as u64;
        Ok(!block.is_empty())
    }

    /// How much to read after `line` bytes of a line: as much again of a long one, little beyond the split.
    fn to_read(&self, line: usize) -> u64 {
        let line = line as u64;
        let left = self.end.saturating_sub(self.at.saturating_add(line)).saturating_add(BEYOND_BYTES);
        left.min(BLOCK_BYTES).max(line).min((self.record_bytes_max - line).saturating_add(1))
    }

    /// The file ends here: is that where the split expects it to?
    fn check_end(&self, block: usize) -> Result<(), ReadError> {
        let bytes = self.at + block as u64;
        if self.source.is_packed() || bytes >= self.end {
            return Ok(());
        }
        Err(ReadError::Shrunk { path: self.source.path.clone(), listed: self.end, bytes })
    }
}
