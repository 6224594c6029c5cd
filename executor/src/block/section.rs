//! A block as bytes: on disk, or on its way to another executor.
//!
//! Shape: magic and version, then sections of a length, a CRC32C and one frame each, then a section of length 0. The
//! checksum covers the block's name, the section's number, its length and its bytes: a flipped bit, a section out of
//! place and bytes of another block are all seen before a record of the section is handed out.
//! Bump the version when this or the frame format changes. The bytes do not outlive their executor.

use rsk_proto::{BlockId, Cause, Data, FrameWriter, TaskError, to_usize};
use std::io::{self, Read, Write};

const MAGIC: [u8; 8] = *b"rskblk\x00\x02";
const HEAD_BYTES: usize = 12;
/// What one section takes in memory, about.
pub(crate) const SECTION_BYTES: usize = 64 << 10;

fn checksum(id: BlockId, number: u64, bytes: &[u8]) -> u32 {
    let mut head = [0; 36];
    head[..8].copy_from_slice(&id.rdd.0.to_le_bytes());
    head[8..12].copy_from_slice(&id.partition.0.to_le_bytes());
    head[12..20].copy_from_slice(&id.epoch.0.to_le_bytes());
    head[20..28].copy_from_slice(&number.to_le_bytes());
    head[28..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&head), bytes)
}

/// Records of one block, one frame at a time.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    frames: FrameWriter,
    open: usize,
}

impl Sections {
    /// Adds a record; answers a section when one is full.
    pub(crate) fn write<T: Data>(&mut self, record: &T) -> Result<Option<Vec<u8>>, TaskError> {
        self.open += self.frames.write(record)?;
        Ok((self.open >= SECTION_BYTES).then(|| self.take()))
    }

    /// What is left; empty if nothing is.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.open = 0;
        self.frames.take()
    }
}

type Failed = Box<dyn Fn(&io::Error) -> TaskError + Send>;

/// Writes one block.
pub(crate) struct SectionWriter {
    id: BlockId,
    to: Box<dyn Write + Send>,
    failed: Failed,
    sections: Sections,
    number: u64,
    bytes: u64,
}

impl SectionWriter {
    /// A writer of this block; `failed` says what it means when `to` takes no more.
    pub(crate) fn new(
        id: BlockId,
        to: impl Write + Send + 'static,
        failed: impl Fn(&io::Error) -> TaskError + Send + 'static,
    ) -> Result<Self, TaskError> {
        let (to, failed, sections) = (Box::new(to), Box::new(failed), Sections::default());
        let mut writer = SectionWriter { id, to, failed, sections, number: 0, bytes: 0 };
        writer.append(&MAGIC)?;
        Ok(writer)
    }

    /// Adds a record.
    pub(crate) fn write<T: Data>(&mut self, record: &T) -> Result<(), TaskError> {
        match self.sections.write(record)? {
            Some(section) => self.section(&section),
            None => Ok(()),
        }
    }

    /// Adds a section that [`Sections`] made.
    pub(crate) fn section(&mut self, section: &[u8]) -> Result<(), TaskError> {
        let crc = checksum(self.id, self.number, section);
        self.number += 1;
        self.append(&(section.len() as u64).to_le_bytes())?;
        self.append(&crc.to_le_bytes())?;
        self.append(section)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), TaskError> {
        self.bytes += bytes.len() as u64;
        self.to.write_all(bytes).map_err(|error| (self.failed)(&error))
    }

    /// The block is complete; answers its length.
    pub(crate) fn end(&mut self) -> Result<u64, TaskError> {
        let last = self.sections.take();
        if !last.is_empty() {
            self.section(&last)?;
        }
        self.section(&[])?;
        self.to.flush().map_err(|error| (self.failed)(&error))?;
        Ok(self.bytes)
    }
}

/// The sections of a block, checked one by one.
#[derive(Debug)]
pub(crate) struct SectionReader<R> {
    id: BlockId,
    from: R,
    number: u64,
    section_bytes_max: u64,
}

impl<R: Read> SectionReader<R> {
    /// Begins to read a block, whose sections have at most so many bytes.
    pub(crate) fn new(id: BlockId, from: R, section_bytes_max: u64) -> Result<Self, Cause> {
        let mut reader = SectionReader { id, from, number: 0, section_bytes_max };
        if reader.take(MAGIC.len() as u64)? != MAGIC {
            return Err(Cause::new("it is no block of this version"));
        }
        Ok(reader)
    }

    /// The next section; nothing after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Cause> {
        let head = self.take(HEAD_BYTES as u64)?;
        let wrong = || Cause::new("a section has no head");
        let (length, crc) = head.split_first_chunk::<8>().ok_or_else(wrong)?;
        let crc = crc.try_into().map_err(|_| wrong())?;
        let length = u64::from_le_bytes(*length);
        if length > self.section_bytes_max {
            return Err(Cause::new(format!("a section of {length} bytes is announced")));
        }
        let section = self.take(length)?;
        if checksum(self.id, self.number, &section) != u32::from_le_bytes(crc) {
            return Err(Cause::new(format!("the checksum of its section {} does not match", self.number)));
        }
        self.number += 1;
        if !section.is_empty() {
            return Ok(Some(section));
        }
        let beyond = self.from.read(&mut [0]).map_err(|error| Cause::of(&error))?;
        if beyond > 0 { Err(Cause::new("it goes on after its end")) } else { Ok(None) }
    }

    /// The next so many bytes: reserves little more than there are.
    fn take(&mut self, bytes: u64) -> Result<Vec<u8>, Cause> {
        let mut taken = Vec::with_capacity(to_usize(bytes).min(2 * SECTION_BYTES));
        let got = (&mut self.from).take(bytes).read_to_end(&mut taken).map_err(|error| Cause::of(&error))?;
        if got as u64 == bytes { Ok(taken) } else { Err(Cause::new("it is cut short")) }
    }
}
