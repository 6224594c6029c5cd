//! A file's bytes, unpacked if they are packed.

use crate::{Codec, CodecReader, ReadError};
use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom},
    path::PathBuf,
};

const PACKED_BYTES: usize = 128 << 10;
/// The longest magic.
const START_BYTES: u64 = 10;

/// A packed file: its first bytes, which were looked at, and the rest.
type Packed = BufReader<io::Chain<Cursor<Vec<u8>>, File>>;

/// What comes out of one split of a file.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    from: From,
}

enum From {
    Plain(io::Chain<Cursor<Vec<u8>>, File>),
    Packed(Box<CodecReader<Packed>>),
}

impl Source {
    /// Opens a file that had `end` bytes or more, for the split from `start` to `end`; of a packed file that cannot be
    /// split, `start` is 0. Of plain bytes the first is that at `start`, and the last is not `end`.
    ///
    /// A packed file of no bytes is empty.
    pub(crate) fn open(path: PathBuf, start: u64, end: u64) -> Result<Source, ReadError> {
        let fail = |error| ReadError::Io(path.clone(), error);
        let mut file = File::open(&path).map_err(fail)?;
        let bytes = file.metadata().map_err(fail)?.len();
        if bytes < end {
            return Err(ReadError::Shrunk { path, listed: end, bytes });
        }
        let named = Codec::of_name(&path);
        let (mut first, mut codec) = (Vec::new(), named);
        if start == 0 {
            (&mut file).take(START_BYTES).read_to_end(&mut first).map_err(fail)?;
            codec = match Codec::of_file(&path, &first) {
                // What is not named after its codec was cut into splits as if it were plain.
                Ok(Some(found)) if named.is_none() => {
                    return Err(ReadError::Unnamed { path, codec: found });
                }
                Ok(_) if first.is_empty() => None,
                Ok(codec) => codec,
                Err(named) => return Err(ReadError::Format { path, format: named.name() }),
            };
        } else {
            file.seek(SeekFrom::Start(start)).map_err(fail)?;
        }
        let bytes = Cursor::new(first).chain(file);
        let packed = |bytes| BufReader::with_capacity(PACKED_BYTES, bytes);
        let from = match codec {
            None => From::Plain(bytes),
            Some(Codec::Bzip2) => From::Packed(Box::new(CodecReader::bzip2_split(packed(bytes), start, end))),
            Some(codec) => From::Packed(Box::new(codec.reader(packed(bytes)))),
        };
        Ok(Source { path, from })
    }

    /// Is a place in it not a place in the file?
    pub(crate) fn is_packed(&self) -> bool {
        matches!(self.from, From::Packed(_))
    }

    /// Of packed bytes: how many belong to the split. Known before any byte beyond them is given; nothing before, and where
    /// the split is the file.
    pub(crate) fn border(&self) -> Option<u64> {
        match &self.from {
            From::Plain(_) => None,
            From::Packed(from) => from.border(),
        }
    }

    /// Appends up to `bytes` bytes; fewer only at the end. Says how many.
    pub(crate) fn read(&mut self, bytes: u64, to: &mut Vec<u8>) -> Result<usize, ReadError> {
        match &mut self.from {
            From::Plain(from) => {
                from.take(bytes).read_to_end(to).map_err(|error| ReadError::Io(self.path.clone(), error))
            }
            From::Packed(from) => {
                from.take(bytes).read_to_end(to).map_err(|error| ReadError::unpacking(&self.path, error))
            }
        }
    }
}
