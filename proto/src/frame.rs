//! Frames: whole records, about 64 KiB of them, compressed where that pays.
//!
//! Shape: `kind: u8, records: u32, raw length: u32, stored length: u32`, little-endian, then the stored bytes. Records
//! are counted because some take no bytes, such as `()`.

use crate::{Cause, Data, TaskError, decode_record, encode_record, to_usize};
use std::io::{self, Cursor, Read, Write};

const FRAME_BYTES: usize = 64 << 10;
const HEAD_BYTES: usize = 13;
const RAW: u8 = 0;
const LZ4: u8 = 1;
/// After a frame that did not shrink by an eighth, so many are stored raw without trying.
const SKIP: u32 = 15;

/// Packs records into frames.
#[derive(Debug)]
pub struct FrameWriter {
    open: Vec<u8>,
    records: u32,
    closed: Vec<u8>,
    skip: u32,
    frame_bytes: usize,
}

impl Default for FrameWriter {
    fn default() -> Self {
        FrameWriter::new(FRAME_BYTES)
    }
}

impl FrameWriter {
    /// A writer of frames that are closed at `frame_bytes`, at most the usual 64 KiB: smaller where many are open.
    pub fn new(frame_bytes: usize) -> Self {
        let frame_bytes = frame_bytes.min(FRAME_BYTES);
        FrameWriter { open: Vec::new(), records: 0, closed: Vec::new(), skip: 0, frame_bytes }
    }

    /// Adds a record; says how many bytes it takes before they are compressed.
    pub fn write<T: Data>(&mut self, record: &T) -> Result<usize, TaskError> {
        let before = self.open.len();
        encode_record(record, &mut self.open)?;
        let grown = self.open.len() - before;
        self.end_record::<T>(grown)?;
        Ok(grown)
    }

    /// Adds a record of type `T` that [`encode_record`] has encoded elsewhere.
    pub fn write_encoded<T>(&mut self, record: &[u8]) -> Result<(), TaskError> {
        self.open.extend_from_slice(record);
        self.end_record::<T>(record.len())
    }

    #[inline]
    fn end_record<T>(&mut self, grown: usize) -> Result<(), TaskError> {
        self.records += 1;
        if u32::try_from(self.open.len()).is_err() {
            let what = std::any::type_name::<T>().to_owned();
            return Err(TaskError::RecordTooLarge { what, bytes: grown as u64, limit: u64::from(u32::MAX) });
        }
        if self.open.len() >= self.frame_bytes || self.records == u32::MAX {
            self.close();
        }
        Ok(())
    }

    /// All frames so far; none are left here.
    pub fn take(&mut self) -> Vec<u8> {
        self.close();
        std::mem::take(&mut self.closed)
    }

    /// Bytes of whole frames.
    pub fn closed_bytes(&self) -> usize {
        self.closed.len()
    }

    /// Bytes of memory behind it.
    pub fn capacity(&self) -> usize {
        self.open.capacity() + self.closed.capacity()
    }

    /// Moves the whole frames to `to`, and keeps their memory for the next; says how many bytes it wrote.
    pub fn drain_to(&mut self, to: &mut impl Write) -> io::Result<u64> {
        to.write_all(&self.closed)?;
        let written = self.closed.len() as u64;
        self.closed.clear();
        Ok(written)
    }

    /// Ends the open frame. The next record starts another.
    pub fn close(&mut self) {
        if self.records == 0 {
            return;
        }
        let start = self.closed.len() + HEAD_BYTES;
        let raw = self.open.len();
        let packed = if self.skip == 0 { self.compress() } else { None };
        self.skip = self.skip.saturating_sub(1);
        let (kind, stored) = match packed {
            Some(packed) if packed <= raw - raw / 8 => (LZ4, packed),
            tried => {
                if tried.is_some() {
                    self.skip = SKIP;
                }
                self.closed.resize(start, 0);
                self.closed.extend_from_slice(&self.open);
                (RAW, raw)
            }
        };
        self.closed.truncate(start + stored);
        let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let head = &mut self.closed[start - HEAD_BYTES..start];
        head[0] = kind;
        head[1..5].copy_from_slice(&self.records.to_le_bytes());
        head[5..9].copy_from_slice(&length(raw));
        head[9..].copy_from_slice(&length(stored));
        self.open.clear();
        self.records = 0;
    }

    /// Compresses the open frame to where it belongs, behind the room for its head; says how long it is there.
    fn compress(&mut self) -> Option<usize> {
        let start = self.closed.len() + HEAD_BYTES;
        self.closed.resize(start + lz4_flex::block::get_maximum_output_size(self.open.len()), 0);
        lz4_flex::block::compress_into(&self.open, &mut self.closed[start..]).ok()
    }
}

/// The records of bytes that [`FrameWriter`] made. Bytes that it did not make are an error, never a panic.
///
/// Bounds: holds one frame, as it is stored and as it was.
#[derive(Debug)]
pub struct FrameReader<T, R = Cursor<Vec<u8>>> {
    from: R,
    stored: Vec<u8>,
    frame: Vec<u8>,
    frame_at: usize,
    /// Records of the open frame that are still to come.
    left: u32,
    is_over: bool,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T: Data> FrameReader<T> {
    /// The records of these frames.
    pub fn new(bytes: Vec<u8>) -> Self {
        FrameReader::over(Cursor::new(bytes))
    }
}

impl<T: Data, R: Read> FrameReader<T, R> {
    /// The records of the frames that `from` gives, one frame at a time.
    pub fn over(from: R) -> Self {
        let (stored, frame, of) = (Vec::new(), Vec::new(), std::marker::PhantomData);
        FrameReader { from, stored, frame, frame_at: 0, left: 0, is_over: false, of }
    }

    /// Opens the next frame; answers false at the end.
    fn open_next(&mut self) -> Result<bool, Cause> {
        let mut head = [0; HEAD_BYTES];
        let got = read_up_to(&mut self.from, &mut head)?;
        if got == 0 {
            return Ok(false);
        }
        if got < HEAD_BYTES {
            return Err(cut());
        }
        let number = |from: usize| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&head[from..from + 4]);
            u32::from_le_bytes(bytes)
        };
        let (kind, records, raw, stored) = (head[0], number(1), number(5) as usize, number(9));
        self.frame_at = 0;
        let to = if kind == RAW { &mut self.frame } else { &mut self.stored };
        to.clear();
        // Grows with what is there, so that a length that is a lie reserves nothing.
        let got =
            (&mut self.from).take(u64::from(stored)).read_to_end(to).map_err(|error| Cause::of(&error))?;
        if got != to_usize(u64::from(stored)) {
            return Err(cut());
        }
        match kind {
            RAW if raw == got => {}
            // lz4 expands at most 255 times: a length beyond that is a lie, refused before it is reserved.
            LZ4 if raw / 256 <= got => {
                self.frame.resize(raw, 0);
                let unpacked = lz4_flex::block::decompress_into(&self.stored, &mut self.frame);
                if unpacked.map_err(|error| Cause::of(&error))? != raw {
                    return Err(cut());
                }
            }
            _ => return Err(Cause::new("a frame has an unknown kind or length")),
        }
        self.left = records;
        Ok(true)
    }

    fn open_with_records(&mut self) -> Result<bool, Cause> {
        while self.left == 0 {
            if self.frame_at != self.frame.len() {
                return Err(Cause::new("a frame holds more than its records"));
            }
            if !self.open_next()? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn cut() -> Cause {
    Cause::new("a frame is cut short")
}

/// Fills `to` as far as `from` goes.
fn read_up_to(from: &mut impl Read, to: &mut [u8]) -> Result<usize, Cause> {
    let mut got = 0;
    while got < to.len() {
        match from.read(&mut to[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Cause::of(&error)),
        }
    }
    Ok(got)
}

impl<T, R> FrameReader<T, R> {
    /// Nothing comes after an error.
    fn stop(&mut self, cause: Cause) -> Cause {
        self.is_over = true;
        cause
    }
}

impl<T: Data, R: Read> Iterator for FrameReader<T, R> {
    type Item = Result<T, Cause>;

    #[inline]
    fn next(&mut self) -> Option<Result<T, Cause>> {
        if self.is_over {
            return None;
        }
        if self.left == 0 {
            match self.open_with_records() {
                Ok(true) => {}
                Ok(false) => {
                    self.is_over = true;
                    return None;
                }
                Err(cause) => return Some(Err(self.stop(cause))),
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
    fn small_frames_drained_now_and_then_are_the_same_records() {
        let (mut to, mut drained) = (FrameWriter::new(100), Vec::new());
        for n in 0..1000u32 {
            to.write(&(n, "text".to_owned())).unwrap();
            if n % 70 == 0 {
                let before = drained.len() as u64;
                assert_eq!(to.drain_to(&mut drained).unwrap(), drained.len() as u64 - before);
            }
        }
        assert!(drained.len() > 1000 && to.capacity() < 2000);
        drained.extend(to.take());
        let back: Result<Vec<(u32, String)>, _> = FrameReader::over(drained.as_slice()).collect();
        assert!(back.unwrap().into_iter().map(|(n, _)| n).eq(0..1000));
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
