//! The bytes of one file, wherever it is: never those of another that took its place.

mod remote;

use crate::{InputFile, Location, ReadError, Stamp, Storage};
use remote::Remote;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

/// Reads a file as it was listed.
///
/// Shape: its bytes up to the length that it had; what was appended since is not seen.
///
/// Errors: each is a [`ReadError`] inside of an [`io::Error`], which [`ReadError::of`] takes out again. The file is gone,
/// shorter, or another than the one that was listed.
#[derive(Debug)]
pub(crate) struct Reader {
    file: InputFile,
    at: u64,
    from: From,
}

#[derive(Debug)]
enum From {
    Local(File),
    Remote(Box<Remote>),
}

impl Storage {
    /// The one file that is at a place.
    ///
    /// ```
    /// use rsk_storage::{Location, Storage};
    /// let file = tempfile::NamedTempFile::new()?;
    /// assert_eq!(Storage::default().find(&Location::from(file.path()))?.bytes, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn find(&self, location: &Location) -> Result<InputFile, ReadError> {
        match location {
            Location::Local(path) => {
                let there = path.metadata().map_err(|error| ReadError::Io(location.clone(), error))?;
                Ok(InputFile {
                    location: location.clone(),
                    bytes: there.len(),
                    stamp: Stamp::of_local(&there),
                })
            }
            Location::Remote(root, path) => remote::find(self, location, root, path),
        }
    }

    /// Opens a file at `at`. What is `wanted` will probably be read all and in order, and what is around it in parts, if at all.
    pub(crate) fn open(&self, file: &InputFile, at: u64, wanted: Range<u64>) -> Result<Reader, ReadError> {
        let from = match &file.location {
            Location::Local(path) => {
                let fail = |error| ReadError::Io(file.location.clone(), error);
                let mut opened = File::open(path).map_err(fail)?;
                check(&opened, file)?;
                if at > 0 {
                    opened.seek(SeekFrom::Start(at)).map_err(fail)?;
                }
                From::Local(opened)
            }
            Location::Remote(root, path) => {
                From::Remote(Box::new(Remote::open(self, root, path, file, at, wanted)?))
            }
        };
        Ok(Reader { file: file.clone(), at, from })
    }
}

impl Reader {
    /// The file.
    pub(crate) fn file(&self) -> &InputFile {
        &self.file
    }

    /// An error of reading it.
    pub(crate) fn fail(&self, error: io::Error) -> ReadError {
        ReadError::of(&self.file.location, error)
    }

    fn left(&self) -> u64 {
        self.file.bytes.saturating_sub(self.at)
    }
}

/// Is an open file the one that was listed, or that one grown?
fn check(opened: &File, file: &InputFile) -> Result<(), ReadError> {
    let path = &file.location;
    let there = opened.metadata().map_err(|error| ReadError::Io(path.clone(), error))?;
    if there.len() < file.bytes {
        return Err(ReadError::Shrunk { path: path.clone(), listed: file.bytes, bytes: there.len() });
    }
    let is_same = if there.len() > file.bytes {
        file.stamp.may_grow_to(&there)
    } else {
        file.stamp.is(&Stamp::of_local(&there))
    };
    if is_same { Ok(()) } else { Err(ReadError::Replaced(path.clone())) }
}

impl Read for Reader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let wanted = rsk_proto::to_usize(self.left()).min(to.len());
        if wanted == 0 {
            return Ok(0);
        }
        let to = &mut to[..wanted];
        let read = match &mut self.from {
            From::Local(from) => {
                let read = from.read(to)?;
                // Asked after it was read, so that no byte of a later content is taken for one of the listed.
                check(from, &self.file).map_err(ReadError::into_io)?;
                read
            }
            From::Remote(from) => from.read(self.at, to).map_err(ReadError::into_io)?,
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(target) => Some(target),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.bytes.checked_add_signed(by),
        };
        let target = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        if let From::Local(from) = &mut self.from {
            from.seek(SeekFrom::Start(target))?;
        }
        self.at = target;
        Ok(target)
    }
}
