//! Reads one part of an object file.

use super::{CHUNK, END, MAGIC, MARK_BYTES, Mark, TYPE_NAME_BYTES_MAX, VERSION};
use crate::{InputFile, Location, ReadError, Storage, reader::Reader};
use rsk_proto::{Cause, Data, FrameReader, to_usize};
use std::{
    any::type_name,
    io::{self, BufReader, Read},
};

/// The records of a file that [`crate::ObjectPartWriter`] wrote.
///
/// Errors, here or in place of a record, after which nothing comes: the file is missing, is no object file, is of
/// another version, holds records of another type (both are named), is cut short, or has a bit that changed. That the
/// records are complete is known with the `None` at the end.
///
/// Bounds: one chunk of about 64 KiB is in memory, or one record.
///
/// The type is compared by its full name, as the compiler writes it: a program that reads what another wrote names the
/// type in a crate that they share.
///
/// See [`crate::ObjectPartWriter`] for an example.
pub fn read_object_part<T: Data>(storage: &Storage, file: &InputFile) -> Result<ObjectPart<T>, ReadError> {
    let from = BufReader::with_capacity(128 << 10, storage.open(file, 0, 0..file.bytes)?);
    let mut from = Checked { path: file.location.clone(), from, left: file.bytes };
    check_head::<T>(&mut from)?;
    Ok(ObjectPart { from, frames: FrameReader::new(Vec::new()), records: 0, is_over: false })
}

/// The file, which knows how many of its bytes are left.
#[derive(Debug)]
struct Checked {
    path: Location,
    from: BufReader<Reader>,
    left: u64,
}

impl Checked {
    fn damaged(&self, what: impl Into<String>) -> ReadError {
        ReadError::Damaged(self.path.clone(), Cause::new(what))
    }

    fn fill(&mut self, to: &mut [u8], what: &str) -> Result<(), ReadError> {
        self.left = self
            .left
            .checked_sub(to.len() as u64)
            .ok_or_else(|| self.damaged(format!("it ends in {what}")))?;
        self.from.read_exact(to).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(format!("it ends in {what}")),
            _ => ReadError::of(&self.path, error),
        })
    }

    fn number(&mut self, what: &str) -> Result<u32, ReadError> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes, what)?;
        Ok(u32::from_le_bytes(bytes))
    }
}

fn check_head<T>(from: &mut Checked) -> Result<(), ReadError> {
    const HEAD: &str = "its head";
    let mut magic = [0; MAGIC.len()];
    from.fill(&mut magic, HEAD)?;
    if magic != MAGIC {
        return Err(ReadError::Format { path: from.path.clone(), format: "an object file of rsk" });
    }
    let version = from.number(HEAD)?;
    if version != VERSION {
        return Err(ReadError::Version { path: from.path.clone(), found: version, known: VERSION });
    }
    let length = from.number(HEAD)?;
    if length as usize > TYPE_NAME_BYTES_MAX {
        return Err(from.damaged("the name of its type is too long"));
    }
    let mut name = vec![0; length as usize];
    from.fill(&mut name, HEAD)?;
    let sums = [&MAGIC[..], &version.to_le_bytes(), &length.to_le_bytes(), &name];
    let sum = sums.iter().fold(0, |sum, bytes| crc32c::crc32c_append(sum, bytes));
    if from.number(HEAD)? != sum {
        return Err(from.damaged("its head does not match its checksum"));
    }
    if name == type_name::<T>().as_bytes() {
        return Ok(());
    }
    let (found, asked) = (String::from_utf8_lossy(&name).into_owned(), type_name::<T>().to_owned());
    Err(ReadError::Type { path: from.path.clone(), found, asked })
}

/// The records of one part, by [`read_object_part`].
#[derive(Debug)]
pub struct ObjectPart<T> {
    from: Checked,
    frames: FrameReader<T>,
    /// Given so far.
    records: u64,
    is_over: bool,
}

impl<T: Data> ObjectPart<T> {
    /// Opens the next chunk. False at the end, which must be where it says.
    fn open_chunk(&mut self) -> Result<bool, ReadError> {
        let mut mark = [0; MARK_BYTES];
        self.from.fill(&mut mark, "a chunk's head")?;
        match Mark::decode(&mark) {
            Some(Mark { tag: CHUNK, number, checksum }) => {
                if number > self.from.left {
                    return Err(self.from.damaged("it ends in a chunk"));
                }
                let mut chunk = vec![0; to_usize(number)];
                self.from.fill(&mut chunk, "a chunk")?;
                if crc32c::crc32c(&chunk) != checksum {
                    return Err(self.from.damaged("a chunk does not match its checksum"));
                }
                self.frames = FrameReader::new(chunk);
                Ok(true)
            }
            Some(Mark { tag: END, number, .. }) if number != self.records => {
                Err(self.from.damaged(format!("it holds {} records, and should hold {number}", self.records)))
            }
            Some(Mark { tag: END, .. }) if self.from.left > 0 => {
                Err(self.from.damaged("something follows its end"))
            }
            Some(Mark { tag: END, .. }) => Ok(false),
            Some(Mark { tag, .. }) => Err(self.from.damaged(format!("a chunk is of the unknown kind {tag}"))),
            None => Err(self.from.damaged("a chunk's head does not match its checksum")),
        }
    }

    fn next_record(&mut self) -> Result<Option<T>, ReadError> {
        loop {
            if let Some(record) = self.frames.next() {
                self.records += 1;
                return record.map(Some).map_err(|cause| ReadError::Damaged(self.from.path.clone(), cause));
            }
            if !self.open_chunk()? {
                return Ok(None);
            }
        }
    }

    /// The file.
    pub fn path(&self) -> &Location {
        &self.from.path
    }
}

impl<T: Data> Iterator for ObjectPart<T> {
    type Item = Result<T, ReadError>;

    fn next(&mut self) -> Option<Result<T, ReadError>> {
        if self.is_over {
            return None;
        }
        let next = self.next_record().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

impl<T: Data> std::iter::FusedIterator for ObjectPart<T> {}
