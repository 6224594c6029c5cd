//! Records held encoded, one after the other, with a number each to sort instead of them.

use super::prefix_of_bytes;
use crate::spill::SpillFile;
use rsk_proto::{CodecError, Data, TaskError, decode_record, encode_record};
use std::cmp::Ordering;

/// Records lie in pieces of memory of this size; a larger one has a piece of its own.
const CHUNK_BYTES: usize = 256 << 10;

/// Where a record is. Ordered as records came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    chunk: u32,
    at: u32,
}

/// A record's place, with the first bytes of its key.
type Entry = (u64, Place);

/// Pairs whose keys are text or bytes. A sort moves 16 bytes a record, and records neither own memory nor give it back
/// one by one in an order that no cache foresees.
pub(super) struct Packed {
    /// Each record behind its length.
    chunks: Vec<Vec<u8>>,
    entries: Vec<Entry>,
    is_descending: bool,
    record: Vec<u8>,
}

/// The lengths of so many records are read at once: they lie anywhere, and the processor fetches them from memory
/// together and not one after the other.
const AHEAD: usize = 32;

/// The bytes before a record that say how long it is.
const LENGTH_BYTES: usize = size_of::<u32>();

impl Packed {
    pub(super) fn new(is_descending: bool) -> Self {
        Packed { chunks: Vec::new(), entries: Vec::new(), is_descending, record: Vec::new() }
    }

    /// Adds a record whose key has these bytes.
    ///
    /// Errors: a record that cannot be encoded, or takes 4 GiB.
    pub(super) fn push<T: Data>(&mut self, key: &[u8], record: &T) -> Result<(), TaskError> {
        self.record.clear();
        encode_record(record, &mut self.record)?;
        let too_large = |bytes: usize| {
            let what = format!("a record of type {}", std::any::type_name::<T>());
            TaskError::RecordTooLarge { what, bytes: bytes as u64, limit: u64::from(u32::MAX) }
        };
        let needed = LENGTH_BYTES + self.record.len();
        let length = u32::try_from(self.record.len()).map_err(|_| too_large(needed))?;
        if self.chunks.last().is_none_or(|chunk| chunk.capacity() - chunk.len() < needed) {
            self.chunks.push(Vec::with_capacity(needed.max(CHUNK_BYTES)));
        }
        let number = u32::try_from(self.chunks.len() - 1).map_err(|_| too_large(needed))?;
        if let Some(chunk) = self.chunks.last_mut() {
            let at = u32::try_from(chunk.len()).map_err(|_| too_large(needed))?;
            chunk.extend_from_slice(&length.to_le_bytes());
            chunk.extend_from_slice(&self.record);
            let flip = if self.is_descending { u64::MAX } else { 0 };
            self.entries.push((prefix_of_bytes(key) ^ flip, Place { chunk: number, at }));
        }
        Ok(())
    }

    /// What it holds of memory.
    pub(super) fn held_bytes(&self) -> u64 {
        let chunks: usize = self.chunks.iter().map(Vec::capacity).sum();
        (chunks + self.entries.capacity() * size_of::<Entry>()) as u64
    }

    /// Equal keys stay in the order in which they came: that of their places.
    pub(super) fn sort(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| self.compare_keys(a.1, b.1)).then_with(|| a.1.cmp(&b.1))
        });
        self.entries = entries;
    }

    fn compare_keys(&self, a: Place, b: Place) -> Ordering {
        let (a, b) = if self.is_descending { (b, a) } else { (a, b) };
        leading_bytes(self.encoded(a)).cmp(leading_bytes(self.encoded(b)))
    }

    #[inline]
    fn length(&self, place: Place) -> u32 {
        let from = &self.chunks[place.chunk as usize][place.at as usize..];
        from.first_chunk().map_or(0, |length| u32::from_le_bytes(*length))
    }

    #[inline]
    fn bytes(&self, place: Place, length: u32) -> &[u8] {
        let start = place.at as usize + LENGTH_BYTES;
        &self.chunks[place.chunk as usize][start..start + length as usize]
    }

    fn encoded(&self, place: Place) -> &[u8] {
        self.bytes(place, self.length(place))
    }

    /// Writes the records to an open run, and lets go of their memory.
    pub(super) fn spill<T: Data>(&mut self, file: &mut SpillFile) -> Result<(), TaskError> {
        for (_, place) in &self.entries {
            file.write_encoded::<T>(self.encoded(*place))?;
        }
        *self = Packed::new(self.is_descending);
        Ok(())
    }

    /// The records in the order of their entries. Their memory goes with the iterator.
    pub(super) fn into_records<T: Data>(mut self) -> impl Iterator<Item = Result<T, CodecError>> {
        let entries = std::mem::take(&mut self.entries);
        let mut lengths = [0; AHEAD];
        (0..entries.len()).map(move |at| {
            if at.is_multiple_of(AHEAD) {
                for (length, (_, place)) in lengths.iter_mut().zip(&entries[at..]) {
                    *length = self.length(*place);
                }
            }
            decode_record(&mut self.bytes(entries[at].1, lengths[at % AHEAD]))
        })
    }
}

/// The text or the bytes that an encoded record begins with: a number says how many there are.
#[inline]
fn leading_bytes(mut record: &[u8]) -> &[u8] {
    let length = decode_record(&mut record).map_or(0, rsk_proto::to_usize);
    record.get(..length).unwrap_or(record)
}
