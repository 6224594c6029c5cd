//! What a file claims about its batches, checked before anything is allocated for it.

use arrow_ipc::{
    Block, Message, MessageHeader, RecordBatch, convert::fb_to_schema, reader::read_footer_length,
    root_as_footer, root_as_message,
};
use arrow_schema::{ArrowError, Schema};
use rsk_proto::to_usize;
use std::io::{self, Read, Seek, SeekFrom};

/// What a file has at its end: its magic, behind the footer's length.
const TAIL_BYTES: u64 = 10;
const CONTINUATION: [u8; 4] = [0xff; 4];

/// What is known of a file before its batches are read.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) schema: Schema,
    /// Where each batch begins; of a stream none.
    pub(super) starts: Vec<u64>,
}

/// The bytes of a file, and what one batch may take.
pub(super) struct Checked<'a, R> {
    pub(super) from: &'a mut R,
    pub(super) bytes: u64,
    pub(super) batch_bytes_max: u64,
    /// A batch takes so much, which is more.
    pub(super) too_large: Option<u64>,
}

fn damaged<T>(what: impl Into<String>) -> Result<T, ArrowError> {
    Err(ArrowError::ParseError(what.into()))
}

impl<R: Read + Seek> Checked<'_, R> {
    fn read(&mut self, at: u64, bytes: u64) -> Result<Vec<u8>, ArrowError> {
        if at.checked_add(bytes).is_none_or(|end| end > self.bytes) {
            return damaged(format!("{bytes} bytes at byte {at} of {} are claimed", self.bytes));
        }
        self.from.seek(SeekFrom::Start(at))?;
        let mut read = vec![0; to_usize(bytes)];
        self.from.read_exact(&mut read)?;
        Ok(read)
    }

    /// Of a file with a footer.
    pub(super) fn file(&mut self) -> Result<Layout, ArrowError> {
        let tail_at = self.bytes.saturating_sub(TAIL_BYTES);
        let tail = self.read(tail_at, TAIL_BYTES)?;
        let footer_bytes = read_footer_length(*tail.first_chunk().ok_or(ArrowError::DivideByZero)?)? as u64;
        let Some(footer_at) = tail_at.checked_sub(footer_bytes) else {
            return damaged(format!("a footer of {footer_bytes} bytes is claimed"));
        };
        let footer = self.read(footer_at, footer_bytes)?;
        let footer = root_as_footer(&footer).map_err(|error| ArrowError::ParseError(error.to_string()))?;
        let Some(schema) = footer.schema() else { return damaged("its footer has no schema") };
        let mut starts = Vec::new();
        for block in footer.dictionaries().into_iter().flatten() {
            self.block(block)?;
        }
        for block in footer.recordBatches().into_iter().flatten() {
            starts.push(self.block(block)?);
        }
        Ok(Layout { schema: fb_to_schema(schema), starts })
    }

    /// One batch of a file. Says where it begins.
    fn block(&mut self, block: &Block) -> Result<u64, ArrowError> {
        let (Ok(at), Ok(head), Ok(body)) = (
            u64::try_from(block.offset()),
            u64::try_from(block.metaDataLength()),
            u64::try_from(block.bodyLength()),
        ) else {
            return damaged("a batch begins before the file, or has less than no bytes");
        };
        let bytes = self.read(at, head)?;
        let bytes = match bytes.strip_prefix(&CONTINUATION) {
            Some(rest) => rest.get(4..),
            None => bytes.get(4..),
        };
        let Some(bytes) = bytes else { return damaged("a batch has no head") };
        let message = root_as_message(bytes).map_err(|error| ArrowError::ParseError(error.to_string()))?;
        self.message(&message, at + head, body)?;
        Ok(at)
    }

    /// Of a stream: that each of its batches is there.
    pub(super) fn stream(&mut self) -> Result<Layout, ArrowError> {
        let (mut at, mut schema) = (0, None);
        while at + 4 <= self.bytes {
            let mut length = self.read(at, 4)?;
            at += 4;
            if length == CONTINUATION {
                length = self.read(at, 4)?;
                at += 4;
            }
            let head = i32::from_le_bytes(*length.first_chunk().ok_or(ArrowError::DivideByZero)?);
            let Ok(head) = u64::try_from(head) else { return damaged(format!("a head of {head} bytes")) };
            if head == 0 {
                break;
            }
            let bytes = self.read(at, head)?;
            at += head;
            let message =
                root_as_message(&bytes).map_err(|error| ArrowError::ParseError(error.to_string()))?;
            let Ok(body) = u64::try_from(message.bodyLength()) else {
                return damaged("a batch of less than no bytes");
            };
            if let Some(found) = message.header_as_schema() {
                schema = Some(fb_to_schema(found));
            }
            self.message(&message, at, body)?;
            at += body;
        }
        match schema {
            Some(schema) => Ok(Layout { schema, starts: Vec::new() }),
            None => damaged("it has no schema"),
        }
    }

    /// A batch, whose body is at `at`.
    fn message(&mut self, message: &Message<'_>, at: u64, body: u64) -> Result<(), ArrowError> {
        if at.checked_add(body).is_none_or(|end| end > self.bytes) {
            return damaged(format!("a batch of {body} bytes at byte {at} of {} is claimed", self.bytes));
        }
        let batch = match message.header_type() {
            MessageHeader::RecordBatch => message.header_as_record_batch(),
            MessageHeader::DictionaryBatch => {
                message.header_as_dictionary_batch().and_then(|batch| batch.data())
            }
            _ => return Ok(()),
        };
        let Some(batch) = batch else { return damaged("a batch has no head") };
        let unpacked = if batch.compression().is_some() { self.unpacked(&batch, at, body)? } else { body };
        if unpacked > self.batch_bytes_max {
            self.too_large = Some(unpacked);
            return damaged(format!("a batch of {unpacked} bytes"));
        }
        Ok(())
    }

    /// How many bytes come out of a packed batch: each of its buffers begins with that.
    fn unpacked(&mut self, batch: &RecordBatch<'_>, at: u64, body: u64) -> Result<u64, ArrowError> {
        let mut all = 0_u64;
        for buffer in batch.buffers().into_iter().flatten() {
            let (Ok(start), Ok(length)) = (u64::try_from(buffer.offset()), u64::try_from(buffer.length()))
            else {
                return damaged("a buffer of less than no bytes");
            };
            if start.checked_add(length).is_none_or(|end| end > body) {
                return damaged("a buffer goes on beyond its batch");
            }
            if length == 0 {
                continue;
            }
            let claimed = self.read(at + start, length.min(8))?;
            let claimed =
                claimed.first_chunk().ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
            // -1: it is not packed.
            let unpacked = u64::try_from(i64::from_le_bytes(*claimed)).unwrap_or(length);
            all = all.saturating_add(unpacked);
        }
        Ok(all)
    }
}
