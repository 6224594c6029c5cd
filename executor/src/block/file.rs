//! A block on disk.
//!
//! Shape: magic and version, then sections of a length, a CRC32C and one frame each, then a section of length 0. The
//! checksum covers the block's name, the section's number, its length and its bytes: a flipped bit, a section out of
//! place and a file of another block are all seen before a record of the section is handed out.
//! Bump the version when this or the frame format changes. The files do not outlive their executor.

use rsk_proto::{BlockId, Cause, Data, FrameWriter, TaskError, to_usize};
use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

const MAGIC: [u8; 8] = *b"rskblk\x00\x01";
const HEAD_BYTES: usize = 12;
/// What one section takes in memory, about.
pub(crate) const SECTION_BYTES: usize = 64 << 10;

fn checksum(id: BlockId, number: u64, bytes: &[u8]) -> u32 {
    let mut head = [0; 28];
    head[..8].copy_from_slice(&id.rdd.0.to_le_bytes());
    head[8..12].copy_from_slice(&id.partition.0.to_le_bytes());
    head[12..20].copy_from_slice(&number.to_le_bytes());
    head[20..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
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

/// A block on its way to disk, beside its place: removed unless it is finished.
#[derive(Debug)]
pub(crate) struct BlockWriter {
    id: BlockId,
    file: BufWriter<File>,
    aside: PathBuf,
    sections: Sections,
    number: u64,
    bytes: u64,
    is_finished: bool,
}

impl BlockWriter {
    /// A writer of what will be at `path`.
    pub(crate) fn create(id: BlockId, path: &Path) -> Result<BlockWriter, TaskError> {
        let aside = path.with_extension("part");
        let file = File::create(&aside).map_err(|error| TaskError::io(&aside, "create", &error))?;
        let file = BufWriter::with_capacity(SECTION_BYTES, file);
        let sections = Sections::default();
        let mut writer = BlockWriter { id, file, aside, sections, number: 0, bytes: 0, is_finished: false };
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
        self.file.write_all(bytes).map_err(|error| TaskError::io(&self.aside, "write", &error))
    }

    /// Publishes the block; answers its length.
    pub(crate) fn finish(mut self, path: &Path) -> Result<u64, TaskError> {
        let last = self.sections.take();
        if !last.is_empty() {
            self.section(&last)?;
        }
        self.section(&[])?;
        self.file.flush().map_err(|error| TaskError::io(&self.aside, "write", &error))?;
        fs::rename(&self.aside, path).map_err(|error| TaskError::io(path, "publish", &error))?;
        self.is_finished = true;
        Ok(self.bytes)
    }
}

impl Drop for BlockWriter {
    fn drop(&mut self) {
        if !self.is_finished {
            remove(&self.aside);
        }
    }
}

/// Removes a file that may be gone already.
pub(crate) fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "cannot remove a block");
        }
        _ => {}
    }
}

/// The sections of a block on disk, checked one by one.
#[derive(Debug)]
pub(crate) struct SectionReader {
    id: BlockId,
    file: BufReader<File>,
    number: u64,
    left: u64,
}

impl SectionReader {
    /// Opens a block of `bytes` bytes.
    pub(crate) fn open(id: BlockId, path: &Path, bytes: u64) -> Result<SectionReader, Cause> {
        let file = File::open(path).map_err(|error| Cause::of(&error))?;
        let length = file.metadata().map_err(|error| Cause::of(&error))?.len();
        if length != bytes {
            return Err(Cause::new(format!("it has {length} bytes, but {bytes} were written")));
        }
        let file = BufReader::with_capacity(SECTION_BYTES, file);
        let mut reader = SectionReader { id, file, number: 0, left: bytes };
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
        let section = self.take(u64::from_le_bytes(*length))?;
        if checksum(self.id, self.number, &section) != u32::from_le_bytes(crc) {
            return Err(Cause::new(format!("the checksum of its section {} does not match", self.number)));
        }
        self.number += 1;
        match (section.is_empty(), self.left) {
            (false, _) => Ok(Some(section)),
            (true, 0) => Ok(None),
            (true, _) => Err(Cause::new("it goes on after its end")),
        }
    }

    /// The next so many bytes: never reserves more than the file has.
    fn take(&mut self, bytes: u64) -> Result<Vec<u8>, Cause> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| Cause::new("it is cut short"))?;
        let mut taken = vec![0; to_usize(bytes)];
        self.file.read_exact(&mut taken).map_err(|error| Cause::of(&error))?;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsk_proto::{FrameReader, PartitionId, RddId};

    const ID: BlockId = BlockId { rdd: RddId(4), partition: PartitionId(7) };

    fn write(path: &Path, records: &[(u32, String)]) -> u64 {
        let mut writer = BlockWriter::create(ID, path).unwrap();
        for record in records {
            writer.write(record).unwrap();
        }
        writer.finish(path).unwrap()
    }

    fn read(id: BlockId, path: &Path, bytes: u64) -> Result<Vec<(u32, String)>, Cause> {
        let mut reader = SectionReader::open(id, path, bytes)?;
        let mut records = Vec::new();
        while let Some(section) = reader.next()? {
            for record in FrameReader::new(section) {
                records.push(record?);
            }
        }
        Ok(records)
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("block");
        let records: Vec<_> = (0..20).map(|n| (n, format!("record {n}"))).collect();
        let bytes = write(&path, &records);
        let whole = fs::read(&path).unwrap();
        assert_eq!(read(ID, &path, bytes).unwrap(), records);
        assert!(read(BlockId { partition: PartitionId(8), ..ID }, &path, bytes).is_err());
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, flipped).unwrap();
            assert!(read(ID, &path, bytes).is_err(), "bit {bit}");
        }
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(read(ID, &path, bytes).is_err(), "cut at {end}");
            assert!(read(ID, &path, end as u64).is_err(), "cut at {end}, and the length with it");
        }
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("block");
        let mut writer = BlockWriter::create(ID, &path).unwrap();
        (0..50_000u64).for_each(|n| writer.write(&n).unwrap());
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
