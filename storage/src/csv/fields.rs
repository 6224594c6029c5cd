//! From bytes to the fields of one record.

use super::CsvOptions;
use crate::InvalidUtf8;
use csv::{ByteRecord, StringRecord};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use std::str::Utf8Error;

const FIELDS: usize = 16;
const BYTES: usize = 256;

/// The record that is being read.
pub(super) struct Fields {
    core: Reader,
    invalid: InvalidUtf8,
    trim: bool,
    /// The fields, one behind the other, and where each ends; of both, as much as is filled.
    bytes: Vec<u8>,
    filled: usize,
    ends: Vec<usize>,
    ended: usize,
}

impl Fields {
    /// Of lines only `\n` ends one: what else is in them is in a field.
    pub(super) fn new(options: &CsvOptions) -> Fields {
        let mut core = ReaderBuilder::new();
        core.delimiter(options.delimiter).comment(options.comment).escape(options.escape);
        core.quote(options.quote.unwrap_or(b'"')).quoting(options.quote.is_some());
        core.double_quote(options.escape.is_none());
        if !options.multi_line {
            core.terminator(Terminator::Any(b'\n'));
        }
        let (bytes, ends) = (vec![0; BYTES], vec![0; FIELDS]);
        let mut core = core.build();
        // It takes a byte order mark from what it reads first, which need not be the beginning of a file.
        core.read_record(b"\n", &mut [0], &mut [0]);
        let (invalid, trim) = (options.text.invalid_utf8, options.trim);
        Fields { core, invalid, trim, bytes, filled: 0, ends, ended: 0 }
    }

    /// Takes bytes, some at least. Says how many, and whether they end a record.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut taken = 0;
        // No bytes would mean the end.
        while taken < bytes.len() {
            let (result, read) = self.read(&bytes[taken..]);
            taken += read;
            match result {
                ReadRecordResult::Record => return (taken, true),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => break,
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {}
            }
        }
        (taken, false)
    }

    /// Nothing follows, and no record was ended: is there the beginning of one?
    pub(super) fn is_open(&mut self) -> bool {
        loop {
            match self.read(&[]).0 {
                ReadRecordResult::Record => return true,
                ReadRecordResult::End | ReadRecordResult::InputEmpty => return false,
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {}
            }
        }
    }

    fn read(&mut self, bytes: &[u8]) -> (ReadRecordResult, usize) {
        let (to, ends) = (&mut self.bytes[self.filled..], &mut self.ends[self.ended..]);
        let (result, read, filled, ended) = self.core.read_record(bytes, to, ends);
        self.filled += filled;
        self.ended += ended;
        if self.filled == self.bytes.len() {
            self.bytes.resize(2 * self.filled, 0);
        }
        if self.ended == self.ends.len() {
            self.ends.resize(2 * self.ended, 0);
        }
        (result, read)
    }

    /// How many bytes the record takes so far.
    pub(super) fn bytes(&self) -> usize {
        self.filled + self.ended * size_of::<usize>()
    }

    /// The record that has ended, in place of what `to` held.
    pub(super) fn take(&mut self, to: &mut StringRecord) -> Result<(), Utf8Error> {
        let mut record = std::mem::take(to).into_byte_record();
        record.clear();
        let mut start = 0;
        for end in &self.ends[..self.ended] {
            record.push_field(&self.bytes[start..*end]);
            start = *end;
        }
        (self.filled, self.ended) = (0, 0);
        *to = match StringRecord::from_byte_record(record) {
            Ok(record) => record,
            Err(invalid) => self.mend(&invalid.into_byte_record())?,
        };
        if self.trim {
            to.trim();
        }
        Ok(())
    }

    #[cold]
    fn mend(&self, record: &ByteRecord) -> Result<StringRecord, Utf8Error> {
        if self.invalid == InvalidUtf8::Lossy {
            return Ok(record.iter().map(String::from_utf8_lossy).collect());
        }
        record.iter().map(std::str::from_utf8).collect()
    }
}
