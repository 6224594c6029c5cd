//! A file's bytes, unpacked if its name says that they are packed.

use crate::{ReadError, zstd::ZstdReader};
use flate2::bufread::MultiGzDecoder;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

const PACKED_BYTES: usize = 128 << 10;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// How a file's bytes are packed, as the end of its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    pub(crate) fn of(path: &Path) -> Packing {
        match path.extension() {
            Some(end) if end.eq_ignore_ascii_case("gz") => Packing::Gzip,
            Some(end) if end.eq_ignore_ascii_case("zst") => Packing::Zstd,
            _ => Packing::Plain,
        }
    }
}

/// What comes out of one file.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    from: Box<dyn Read>,
    is_packed: bool,
}

impl Source {
    /// Opens a file that had `listed` bytes, and goes to `start`, which must be 0 for a packed one.
    ///
    /// A packed file of no bytes is empty.
    pub(crate) fn open(path: PathBuf, start: u64, listed: u64) -> Result<Source, ReadError> {
        let fail = |error| ReadError::Io(path.clone(), error);
        let mut file = File::open(&path).map_err(fail)?;
        let bytes = file.metadata().map_err(fail)?.len();
        if bytes < listed {
            return Err(ReadError::Shrunk { path, listed, bytes });
        }
        if start > 0 {
            file.seek(SeekFrom::Start(start)).map_err(fail)?;
        }
        let packing = Packing::of(&path);
        let from: Box<dyn Read> = match packing {
            Packing::Plain => Box::new(file),
            Packing::Gzip => match begins_with(file, GZIP_MAGIC).map_err(fail)? {
                Start::Empty => Box::new(io::empty()),
                Start::Right(file) => Box::new(MultiGzDecoder::new(file)),
                Start::Wrong => return Err(ReadError::Format { path, format: "gzip" }),
            },
            Packing::Zstd => match begins_with(file, ZSTD_MAGIC).map_err(fail)? {
                Start::Empty => Box::new(io::empty()),
                Start::Right(file) => Box::new(ZstdReader::new(file)),
                Start::Wrong => return Err(ReadError::Format { path, format: "zstd" }),
            },
        };
        Ok(Source { path, from, is_packed: packing != Packing::Plain })
    }

    /// Is a place in it not a place in the file?
    pub(crate) fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// Appends up to `bytes` bytes; fewer only at the end. Says how many.
    pub(crate) fn read(&mut self, bytes: u64, to: &mut Vec<u8>) -> Result<usize, ReadError> {
        let read = (&mut self.from).take(bytes).read_to_end(to);
        read.map_err(|error| {
            if self.is_packed {
                ReadError::unpacking(&self.path, error)
            } else {
                ReadError::Io(self.path.clone(), error)
            }
        })
    }
}

enum Start {
    Empty,
    Right(BufReader<File>),
    Wrong,
}

fn begins_with(file: File, magic: &[u8]) -> io::Result<Start> {
    let mut file = BufReader::with_capacity(PACKED_BYTES, file);
    let start = file.fill_buf()?;
    Ok(match start {
        [] => Start::Empty,
        // A file cut within its magic is damaged, which its decoder will say.
        _ if start.starts_with(magic) || magic.starts_with(start) => Start::Right(file),
        // zstd's skippable frames may come first.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] if magic == ZSTD_MAGIC => Start::Right(file),
        _ => Start::Wrong,
    })
}
