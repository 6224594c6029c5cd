//! Records of a line each.

use super::{CsvOptions, fields::Fields, read::Place};
use crate::{Location, ReadError, Split, Storage, raw_lines::RawLines};
use rsk_proto::Cause;

pub(super) struct Lines {
    lines: RawLines,
    comment: Option<u8>,
}

impl Lines {
    pub(super) fn open(storage: &Storage, split: &Split, options: &CsvOptions) -> Result<Lines, ReadError> {
        let lines = RawLines::open(storage, split, options.text.record_bytes_max)?;
        Ok(Lines { lines, comment: options.comment })
    }

    pub(super) fn path(&self) -> &Location {
        self.lines.path()
    }

    /// Feeds the next record. Says where it starts.
    pub(super) fn next(&mut self, to: &mut Fields) -> Result<Option<u64>, Place> {
        loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            if line.bytes.is_empty() || line.bytes.first().copied() == self.comment {
                continue;
            }
            to.feed(line.bytes);
            if to.feed(b"\n").1 {
                return Ok(Some(line.offset));
            }
            let why = "a quote is open where the line ends: ask for multi_line if fields may hold the ends of lines";
            return Err(Place::At(line.offset, Cause::new(why)));
        }
    }
}
