//! Reads pairs from a SequenceFile, or from one split of it.

use super::{Compression, ESCAPE, SYNC_BYTES, SequenceError, Writable, header::Header, vint};
use crate::{Codec, CodecReader, input::Input};
use std::{
    fmt,
    io::{BufReader, Cursor, Read, Seek},
    marker::PhantomData,
    ops::Range,
};

/// The pairs of a SequenceFile whose group begins in a split: with their sync marker, or for the first with what follows the
/// header. Splits that touch give each pair once.
///
/// Errors, after which nothing comes: the bytes are no such file, of other classes, packed by an unknown one, cut short or
/// damaged; those of `from`.
///
/// Bounds: a record; of a file packed by blocks, a block as it is packed, and a record. One that would take more than the
/// limit is an error, whatever length the file claims.
///
/// ```
/// use rsk_storage::{Codec, Compression, SequenceReader, SequenceWriter};
/// let mut file = SequenceWriter::new(Vec::new(), Compression::Blocks(Codec::Deflate), [7; 16])?;
/// file.write(&1_i32, &"one".to_owned())?;
/// file.write(&2, &"two".to_owned())?;
/// let bytes = file.finish()?;
/// let whole = SequenceReader::<_, i32, String>::new(std::io::Cursor::new(&bytes), 0..u64::MAX, 1 << 20)?;
/// let pairs: Result<Vec<_>, _> = whole.collect();
/// assert_eq!(pairs?, [(1, "one".to_owned()), (2, "two".to_owned())]);
/// let other = SequenceReader::<_, i64, String>::new(std::io::Cursor::new(&bytes), 0..u64::MAX, 1 << 20);
/// assert!(other.unwrap_err().to_string().contains("its keys are org.apache.hadoop.io.IntWritable, not"));
/// # Ok::<(), rsk_storage::SequenceError>(())
/// ```
pub struct SequenceReader<R, K, V> {
    from: Input<R>,
    header: Header,
    /// The last group begins before it.
    end: u64,
    record_bytes_max: u64,
    block: Option<Block>,
    key: Vec<u8>,
    value: Vec<u8>,
    is_over: bool,
    of: PhantomData<fn() -> (K, V)>,
}

/// One of the four parts of a block, unpacked as it is read.
type Part = BufReader<CodecReader<Cursor<Vec<u8>>>>;

struct Block {
    left: u64,
    key_lengths: Part,
    keys: Part,
    value_lengths: Part,
    values: Part,
}

impl<R: Read + Seek, K: Writable, V: Writable> SequenceReader<R, K, V> {
    /// `from` is at the file's start.
    pub fn new(from: R, split: Range<u64>, record_bytes_max: u64) -> Result<Self, SequenceError> {
        let mut from = Input::new(from);
        let header = Header::read::<K, V>(&mut from)?;
        let is_over = if split.start > from.at() {
            !from.go_to(split.start, &header.marker())? || from.at() >= split.end
        } else {
            from.at() >= split.end
        };
        Ok(SequenceReader {
            from,
            header,
            end: split.end,
            record_bytes_max,
            block: None,
            key: Vec::new(),
            value: Vec::new(),
            is_over,
            of: PhantomData,
        })
    }
}

impl<R: Read, K: Writable, V: Writable> SequenceReader<R, K, V> {
    fn next_pair(&mut self) -> Result<Option<(K, V)>, SequenceError> {
        let is_there = match self.header.compression {
            Compression::Blocks(codec) => self.fill_of_block(codec)?,
            Compression::Records(codec) => self.fill_of_record(Some(codec))?,
            Compression::None => self.fill_of_record(None)?,
        };
        if !is_there {
            return Ok(None);
        }
        Ok(Some((decode("key", &self.key)?, decode("value", &self.value)?)))
    }

    /// Reads on up to a record's length, over sync markers. Nothing where the split ends.
    fn record_length(&mut self) -> Result<Option<i32>, SequenceError> {
        loop {
            let start = self.from.at();
            if self.from.is_at_end()? {
                return Ok(None);
            }
            let length = self.from.array()?;
            if length != ESCAPE {
                return Ok(Some(i32::from_be_bytes(length)));
            }
            self.check_sync()?;
            if start >= self.end {
                return Ok(None);
            }
        }
    }

    fn check_sync(&mut self) -> Result<(), SequenceError> {
        if self.from.array::<SYNC_BYTES>()? == self.header.sync {
            return Ok(());
        }
        Err(SequenceError::Damaged(format!("no sync marker before byte {}", self.from.at())))
    }

    /// The next key and value, as they are. False where the split ends.
    fn fill_of_record(&mut self, codec: Option<Codec>) -> Result<bool, SequenceError> {
        let Some(length) = self.record_length()? else { return Ok(false) };
        let key_length = self.from.number()?;
        let (Ok(bytes), Ok(key_bytes)) = (u64::try_from(length), u64::try_from(key_length)) else {
            return Err(SequenceError::Damaged(format!(
                "a record of {length} bytes, its key of {key_length}"
            )));
        };
        let Some(value_bytes) = bytes.checked_sub(key_bytes) else {
            return Err(SequenceError::Damaged(format!("a key of {key_bytes} bytes in a record of {bytes}")));
        };
        self.check_size("a record", bytes)?;
        self.from.fill(key_bytes, &mut self.key)?;
        self.from.fill(value_bytes, &mut self.value)?;
        if let Some(codec) = codec {
            let packed = std::mem::take(&mut self.value);
            let limit = self.record_bytes_max;
            codec.reader(&packed[..]).take(limit.saturating_add(1)).read_to_end(&mut self.value)?;
            self.check_size("a value", self.value.len() as u64)?;
        }
        Ok(true)
    }

    fn fill_of_block(&mut self, codec: Codec) -> Result<bool, SequenceError> {
        loop {
            if let Some(block) = &mut self.block {
                if block.left > 0 {
                    block.left -= 1;
                    let limit = self.record_bytes_max;
                    fill_of_part(&mut block.key_lengths, &mut block.keys, &mut self.key, limit)?;
                    fill_of_part(&mut block.value_lengths, &mut block.values, &mut self.value, limit)?;
                    return Ok(true);
                }
                block.check_end()?;
                self.block = None;
            }
            match self.record_length_of_block()? {
                Some(left) => self.block = Some(self.open_block(codec, left)?),
                None => return Ok(false),
            }
        }
    }

    /// A block's number of records, behind its sync marker.
    fn record_length_of_block(&mut self) -> Result<Option<u64>, SequenceError> {
        let start = self.from.at();
        if self.from.is_at_end()? {
            return Ok(None);
        }
        if self.from.array()? != ESCAPE {
            return Err(SequenceError::Damaged(format!("no block at byte {start}")));
        }
        self.check_sync()?;
        if start >= self.end { Ok(None) } else { self.from.count().map(Some) }
    }

    fn open_block(&mut self, codec: Codec, left: u64) -> Result<Block, SequenceError> {
        let mut part = || {
            let bytes = self.from.count()?;
            self.check_size("a part of a block", bytes)?;
            let mut packed = Vec::new();
            self.from.fill(bytes, &mut packed)?;
            Ok::<_, SequenceError>(BufReader::new(codec.reader(Cursor::new(packed))))
        };
        Ok(Block { left, key_lengths: part()?, keys: part()?, value_lengths: part()?, values: part()? })
    }

    fn check_size(&self, what: &'static str, bytes: u64) -> Result<(), SequenceError> {
        let limit = self.record_bytes_max;
        if bytes > limit { Err(SequenceError::too_large(what, bytes, limit)) } else { Ok(()) }
    }
}

impl Block {
    /// Its parts hold no more than its records; that also checks their checksums.
    fn check_end(&mut self) -> Result<(), SequenceError> {
        for part in [&mut self.key_lengths, &mut self.keys, &mut self.value_lengths, &mut self.values] {
            if part.read(&mut [0])? > 0 {
                return Err(SequenceError::Damaged("a block holds more than its records".to_owned()));
            }
        }
        Ok(())
    }
}

/// The next key, or value: its length from one part, its bytes from another.
fn fill_of_part(
    lengths: &mut Part,
    parts: &mut Part,
    to: &mut Vec<u8>,
    limit: u64,
) -> Result<(), SequenceError> {
    let mut byte = [0];
    let length = vint::read(|| lengths.read_exact(&mut byte).map(|()| byte[0]))?;
    let bytes = u64::try_from(length)
        .map_err(|_| SequenceError::Damaged(format!("a key or a value of {length} bytes")))?;
    if bytes > limit {
        return Err(SequenceError::too_large("a key or a value", bytes, limit));
    }
    to.clear();
    if (parts.take(bytes).read_to_end(to)? as u64) < bytes {
        return Err(SequenceError::Damaged("a block holds less than its records".to_owned()));
    }
    Ok(())
}

fn decode<T: Writable>(part: &'static str, bytes: &[u8]) -> Result<T, SequenceError> {
    let mut rest = bytes;
    let read = T::read(&mut rest).and_then(|read| match rest.len() {
        0 => Ok(read),
        more => Err(super::WritableError::Long(more)),
    });
    read.map_err(|source| SequenceError::Writable { part, bytes: bytes.len(), class: T::CLASS, source })
}

impl<R: Read, K: Writable, V: Writable> Iterator for SequenceReader<R, K, V> {
    type Item = Result<(K, V), SequenceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.next_pair().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

impl<R: Read, K: Writable, V: Writable> std::iter::FusedIterator for SequenceReader<R, K, V> {}

impl<R, K, V> fmt::Debug for SequenceReader<R, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequenceReader").field("header", &self.header).finish_non_exhaustive()
    }
}
