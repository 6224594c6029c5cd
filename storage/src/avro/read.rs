//! Reads records from an Avro file, or from one split of it.

use super::{
    AvroError, AvroSchema, SYNC_BYTES,
    datum::Datum,
    de::Value,
    header::{Header, long},
};
use crate::input::Input;
use serde::de::DeserializeOwned;
use std::{
    fmt,
    io::{Read, Seek},
    marker::PhantomData,
    ops::Range,
};

/// Of no bytes, so many records may be in a block, and so many items in one.
const EMPTY_MAX: u64 = 1 << 20;

/// The records of an Avro file whose block follows a sync marker that begins in a split; the header's is the first. Splits that
/// touch give each record once.
///
/// The file's own schema says how its bytes are read, the type what becomes of them: fields are found by name (or in order, by
/// a tuple) and others passed over, numbers become wider or are checked, an `Option` is a union with null, an enum is an enum
/// or, by the names of types, a union. Types that Avro calls logical come as what they are made of.
///
/// Errors, after which nothing comes: the bytes are no such file, packed by an unknown codec, cut short or damaged; a record
/// is not of the type; those of `from`.
///
/// Bounds: a block, packed and unpacked. One that would take more than the limit is an error, whatever length the file claims.
///
/// ```
/// use rsk_storage::{AvroCodec, AvroReader, AvroSchema, AvroWriter};
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Visit { page: String, seconds: Option<f64> }
/// let schema = AvroSchema::parse(r#"{"type": "record", "name": "Visit", "fields": [
///     {"name": "page", "type": "string"}, {"name": "seconds", "type": ["null", "double"]}]}"#)?;
/// let mut file = AvroWriter::new(Vec::new(), &schema, AvroCodec::Snappy, [7; 16])?;
/// file.write(&Visit { page: "/".to_owned(), seconds: Some(1.5) })?;
/// let bytes = file.finish()?;
/// let mut visits = AvroReader::<_, Visit>::new(std::io::Cursor::new(&bytes), 0..u64::MAX, 1 << 20)?;
/// assert_eq!(visits.next().unwrap()?, Visit { page: "/".to_owned(), seconds: Some(1.5) });
/// let mut pages = AvroReader::<_, (u32, f64)>::new(std::io::Cursor::new(&bytes), 0..u64::MAX, 1 << 20)?;
/// assert!(pages.next().unwrap().unwrap_err().to_string().starts_with("page: invalid type"));
/// # Ok::<(), rsk_storage::AvroError>(())
/// ```
pub struct AvroReader<R, T> {
    from: Input<R>,
    header: Header,
    /// The last marker begins before it.
    end: u64,
    /// Where the last one begins that was read.
    marker_at: u64,
    record_bytes_max: u64,
    packed: Vec<u8>,
    block: Vec<u8>,
    /// Where the next record begins in `block`, and how many are left.
    at: usize,
    left: u64,
    /// Where `packed` begins in the file, for who wants to know where a record is.
    block_at: u64,
    is_over: bool,
    of: PhantomData<fn() -> T>,
}

impl<R: Read + Seek, T: DeserializeOwned> AvroReader<R, T> {
    /// `from` is at the file's start.
    pub fn new(from: R, split: Range<u64>, record_bytes_max: u64) -> Result<Self, AvroError> {
        let mut from = Input::new(from);
        let header = Header::read(&mut from)?;
        let mut marker_at = from.at() - SYNC_BYTES as u64;
        let mut is_there = true;
        if split.start > marker_at {
            is_there = from.go_to(split.start, &header.sync)?;
            marker_at = from.at();
            if is_there {
                from.array::<SYNC_BYTES>()?;
            }
        }
        Ok(AvroReader {
            from,
            header,
            end: split.end,
            marker_at,
            record_bytes_max,
            packed: Vec::new(),
            block: Vec::new(),
            at: 0,
            left: 0,
            block_at: 0,
            is_over: !is_there,
            of: PhantomData,
        })
    }
}

impl<R: Read, T: DeserializeOwned> AvroReader<R, T> {
    /// The schema that the file tells.
    pub fn schema(&self) -> &AvroSchema {
        &self.header.schema
    }

    /// Where the block of the record that was read last begins.
    pub(super) fn block_at(&self) -> u64 {
        self.block_at
    }

    fn next_record(&mut self) -> Result<Option<T>, AvroError> {
        while self.left == 0 {
            if self.at < self.block.len() {
                return Err(AvroError::Damaged("a block holds more than its records".to_owned()));
            }
            if self.marker_at >= self.end || self.from.is_at_end()? {
                return Ok(None);
            }
            self.open_block()?;
        }
        self.left -= 1;
        let mut datum = Datum::new(&self.block[self.at..], EMPTY_MAX);
        let record = T::deserialize(Value::new(&self.header.schema, &mut datum))?;
        self.at = self.block.len() - datum.left();
        Ok(Some(record))
    }

    fn open_block(&mut self) -> Result<(), AvroError> {
        self.block_at = self.from.at();
        let (records, bytes) = (long(&mut self.from)?, long(&mut self.from)?);
        let (Ok(records), Ok(bytes)) = (u64::try_from(records), u64::try_from(bytes)) else {
            return Err(AvroError::Damaged(format!("a block of {records} records in {bytes} bytes")));
        };
        if bytes > self.record_bytes_max {
            return Err(AvroError::too_large("a block", bytes, self.record_bytes_max));
        }
        self.from.fill(bytes, &mut self.packed)?;
        if self.from.array::<SYNC_BYTES>()? != self.header.sync {
            return Err(AvroError::Damaged(format!("no sync marker before byte {}", self.from.at())));
        }
        self.header.codec.unpack(&self.packed, self.record_bytes_max, &mut self.block)?;
        if records > (self.block.len() as u64).max(EMPTY_MAX) {
            let what = format!("a block of {records} records in {} bytes", self.block.len());
            return Err(AvroError::Damaged(what));
        }
        self.marker_at = self.from.at() - SYNC_BYTES as u64;
        (self.at, self.left) = (0, records);
        Ok(())
    }
}

impl<R: Read, T: DeserializeOwned> Iterator for AvroReader<R, T> {
    type Item = Result<T, AvroError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.next_record().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

impl<R: Read, T: DeserializeOwned> std::iter::FusedIterator for AvroReader<R, T> {}

impl<R, T> fmt::Debug for AvroReader<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AvroReader").field("header", &self.header).finish_non_exhaustive()
    }
}
