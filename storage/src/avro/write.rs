//! Writes an Avro file.

use super::{AvroCodec, AvroError, AvroSchema, SYNC_BYTES, datum::write_long, header::Header, ser};
use serde::Serialize;
use std::{
    fmt,
    io::{self, Write},
};

/// What a block holds before it is packed.
const BLOCK_BYTES: usize = 64 << 10;
/// Records may take no bytes.
const BLOCK_RECORDS: u32 = 1 << 20;

/// Writes records by a schema so that [`super::AvroReader`] and whatever else reads Avro read them. The same records under the
/// same marker are the same bytes.
///
/// Fields are found by name, in any order (a tuple's in order); one that is left out, or `None`, is null where the schema has it.
/// In a union the branch is chosen that a value fits best, or that a variant names.
///
/// Bounds: a block of 64 KiB, or a record, and what packs it.
///
/// See [`super::AvroReader`] for an example.
pub struct AvroWriter<W> {
    to: W,
    header: Header,
    block_bytes: usize,
    block: Vec<u8>,
    records: u32,
}

impl<W: Write> AvroWriter<W> {
    /// Begins a file.
    ///
    /// `sync` marks the places where readers may begin: 16 bytes that occur nowhere else in the file.
    pub fn new(
        to: W,
        schema: &AvroSchema,
        codec: AvroCodec,
        sync: [u8; SYNC_BYTES],
    ) -> Result<Self, AvroError> {
        AvroWriter::with_size(to, schema, codec, sync, BLOCK_BYTES)
    }

    /// [`new`](AvroWriter::new), with blocks of `block_bytes`.
    pub fn with_size(
        mut to: W,
        schema: &AvroSchema,
        codec: AvroCodec,
        sync: [u8; SYNC_BYTES],
        block_bytes: usize,
    ) -> Result<Self, AvroError> {
        let header = Header { schema: schema.clone(), codec, sync };
        let mut head = Vec::new();
        header.write(&mut head);
        to.write_all(&head)?;
        Ok(AvroWriter { to, header, block_bytes, block: Vec::new(), records: 0 })
    }

    /// Appends a record.
    ///
    /// Errors: it is none of the schema's, and nothing of it is written; those of what is written to.
    pub fn write<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), AvroError> {
        let before = self.block.len();
        if let Err(error) = record.serialize(ser::Writer::new(&self.header.schema, &mut self.block)) {
            self.block.truncate(before);
            return Err(error);
        }
        self.records += 1;
        if self.block.len() >= self.block_bytes || self.records >= BLOCK_RECORDS {
            self.write_block()?;
        }
        Ok(())
    }

    fn write_block(&mut self) -> io::Result<()> {
        if self.records == 0 {
            return Ok(());
        }
        let packed = self.header.codec.pack(&self.block)?;
        let mut head = Vec::new();
        write_long(self.records.into(), &mut head);
        write_long(i64::try_from(packed.len()).unwrap_or(i64::MAX), &mut head);
        self.records = 0;
        self.block.clear();
        self.to.write_all(&head)?;
        self.to.write_all(&packed)?;
        self.to.write_all(&self.header.sync)
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<W, AvroError> {
        self.write_block()?;
        Ok(self.to)
    }

    /// What it writes to.
    pub(super) fn to(&self) -> &W {
        &self.to
    }
}

impl<W> fmt::Debug for AvroWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AvroWriter").field("header", &self.header).finish_non_exhaustive()
    }
}
