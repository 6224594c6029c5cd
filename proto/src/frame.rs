//! Frames: whole records, about 64 KiB of them, compressed where that pays.
//!
//! Shape: `kind: u8, records: u32, raw length: u32, stored length: u32`, little-endian, then the stored bytes. Records
//! are counted because some take no bytes, such as `()`.

use crate::{Cause, Data, TaskError, decode_record, encode_record};

const FRAME_BYTES: usize = 64 << 10;
const HEAD_BYTES: usize = 13;
const RAW: u8 = 0;
const LZ4: u8 = 1;
/// After a frame that did not shrink by an eighth, so many are stored raw without trying.
const SKIP: u32 = 15;

/// Packs records into frames.
#[derive(Debug, Default)]
pub struct FrameWriter {
    open: Vec<u8>,
    records: u32,
    closed: Vec<u8>,
    skip: u32,
}

impl FrameWriter {
    /// Adds a record; says by how many bytes the buffer grew.
    pub fn write<T: Data>(&mut self, record: &T) -> Result<usize, TaskError> {
        let before = self.open.len();
        encode_record(record, &mut self.open)?;
        let grown = self.open.len() - before;
        self.records += 1;
        if u32::try_from(self.open.len()).is_err() {
            let what = std::any::type_name::<T>().to_owned();
            return Err(TaskError::RecordTooLarge { what, bytes: grown as u64, limit: u64::from(u32::MAX) });
        }
        if self.open.len() >= FRAME_BYTES || self.records == u32::MAX {
            self.close();
        }
        Ok(grown)
    }

    /// All frames so far; none are left here.
    pub fn take(&mut self) -> Vec<u8> {
        self.close();
        std::mem::take(&mut self.closed)
    }

    fn close(&mut self) {
        if self.records == 0 {
            return;
        }
        let raw = self.open.len();
        let packed = if self.skip == 0 { Some(lz4_flex::block::compress(&self.open)) } else { None };
        self.skip = self.skip.saturating_sub(1);
        match packed {
            Some(packed) if packed.len() <= raw - raw / 8 => self.append(LZ4, raw, &packed),
            tried => {
                if tried.is_some() {
                    self.skip = SKIP;
                }
                let open = std::mem::take(&mut self.open);
                self.append(RAW, raw, &open);
                self.open = open;
            }
        }
        self.open.clear();
        self.records = 0;
    }

    fn append(&mut self, kind: u8, raw: usize, stored: &[u8]) {
        let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        self.closed.push(kind);
        self.closed.extend_from_slice(&self.records.to_le_bytes());
        self.closed.extend_from_slice(&length(raw));
        self.closed.extend_from_slice(&length(stored.len()));
        self.closed.extend_from_slice(stored);
    }
}

/// The records of bytes that [`FrameWriter`] made. Bytes that it did not make are an error, never a panic.
#[derive(Debug)]
pub struct FrameReader<T> {
    bytes: Vec<u8>,
    at: usize,
    frame: Vec<u8>,
    frame_at: usize,
    /// Records of the open frame that are still to come.
    left: u32,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T: Data> FrameReader<T> {
    /// The records of these frames.
    pub fn new(bytes: Vec<u8>) -> Self {
        FrameReader { bytes, at: 0, frame: Vec::new(), frame_at: 0, left: 0, of: std::marker::PhantomData }
    }

    fn open_next(&mut self) -> Result<(), Cause> {
        let cut = || Cause::new("a frame is cut short");
        let head = self.bytes.get(self.at..self.at + HEAD_BYTES).ok_or_else(cut)?;
        let number = |from: usize| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&head[from..from + 4]);
            u32::from_le_bytes(bytes) as usize
        };
        let (kind, records, raw, stored) = (head[0], number(1), number(5), number(9));
        let start = self.at + HEAD_BYTES;
        let stored = self.bytes.get(start..start + stored).ok_or_else(cut)?;
        self.at = start + stored.len();
        self.frame_at = 0;
        match kind {
            RAW => stored.clone_into(&mut self.frame),
            // lz4 expands at most 255 times: a length beyond that is a lie, refused before it is reserved.
            LZ4 if raw / 256 <= stored.len() => {
                self.frame.resize(raw, 0);
                let unpacked = lz4_flex::block::decompress_into(stored, &mut self.frame);
                if unpacked.map_err(|error| Cause::of(&error))? != raw {
                    return Err(cut());
                }
            }
            _ => return Err(Cause::new("a frame has an unknown kind or length")),
        }
        self.left = u32::try_from(records).unwrap_or(0);
        Ok(())
    }
}

impl<T> FrameReader<T> {
    /// Nothing comes after an error.
    fn stop(&mut self, cause: Cause) -> Cause {
        (self.at, self.left, self.frame_at) = (self.bytes.len(), 0, self.frame.len());
        cause
    }
}

impl<T: Data> Iterator for FrameReader<T> {
    type Item = Result<T, Cause>;

    fn next(&mut self) -> Option<Result<T, Cause>> {
        while self.left == 0 {
            if self.frame_at != self.frame.len() {
                return Some(Err(self.stop(Cause::new("a frame holds more than its records"))));
            }
            if self.at == self.bytes.len() {
                return None;
            }
            if let Err(cause) = self.open_next() {
                return Some(Err(self.stop(cause)));
            }
        }
        let mut rest = &self.frame[self.frame_at..];
        match decode_record(&mut rest) {
            Ok(record) => {
                self.frame_at = self.frame.len() - rest.len();
                self.left -= 1;
                Some(Ok(record))
            }
            Err(error) => Some(Err(self.stop(Cause::of(&error)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn records_come_back_in_order(records: Vec<(u32, String)>) {
            let mut to = FrameWriter::default();
            for record in &records {
                to.write(record).unwrap();
            }
            let back: Result<Vec<(u32, String)>, _> = FrameReader::new(to.take()).collect();
            assert_eq!(back.unwrap(), records);
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            FrameReader::<(u32, String)>::new(bytes).for_each(drop);
        }
    }

    #[test]
    fn records_without_bytes_are_counted() {
        let mut to = FrameWriter::default();
        (0..70_000).for_each(|_| assert_eq!(to.write(&()).unwrap(), 0));
        assert_eq!(FrameReader::<()>::new(to.take()).count(), 70_000);
    }

    #[test]
    fn many_frames_compressed_and_raw() {
        let mut to = FrameWriter::default();
        let record = |n: u64| {
            (
                n,
                if n < 20_000 {
                    "the same words ".repeat(3)
                } else {
                    format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                },
            )
        };
        for n in 0..40_000 {
            to.write(&record(n)).unwrap();
        }
        let back: Result<Vec<(u64, String)>, _> = FrameReader::new(to.take()).collect();
        assert_eq!(back.unwrap(), (0..40_000).map(record).collect::<Vec<_>>());
    }
}
