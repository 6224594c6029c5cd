//! A file's bytes, unpacked if they are packed.

use crate::{Codec, CodecReader, Location, ReadError, Split, Storage, reader::Reader};
use std::io::{self, BufReader, Cursor, Read};

const PACKED_BYTES: usize = 128 << 10;
/// What is read beyond a split, where there is so much: most lines end within it.
const BEYOND_BYTES: u64 = 64 << 10;
/// The longest magic.
const START_BYTES: u64 = 10;

/// A packed file: its first bytes, which were looked at, and the rest.
type Packed = BufReader<io::Chain<Cursor<Vec<u8>>, Reader>>;

/// What comes out of one split of a file.
pub(crate) struct Source {
    pub(crate) path: Location,
    from: From,
}

enum From {
    Plain(io::Chain<Cursor<Vec<u8>>, Reader>),
    Packed(Box<CodecReader<Packed>>),
}

impl Source {
    /// Opens a file for a split of it; one that is packed and cannot be split is one split. Of plain bytes the first is
    /// that at `at`, and the last is not the split's.
    ///
    /// A packed file of no bytes is empty.
    pub(crate) fn open(storage: &Storage, split: &Split, at: u64) -> Result<Source, ReadError> {
        let Split { file, start: _, end } = split;
        let path = file.location.clone();
        // The rest of the last line is wanted, too.
        let mut file = storage.open(file, at, at..end.saturating_add(BEYOND_BYTES).min(file.bytes))?;
        let named = Codec::of_name(path.name().as_ref());
        let (mut first, mut codec) = (Vec::new(), named);
        if at == 0 {
            let read = (&mut file).take(START_BYTES).read_to_end(&mut first);
            read.map_err(|error| ReadError::of(&path, error))?;
            codec = match Codec::of_file(path.name().as_ref(), &first) {
                // What is not named after its codec was cut into splits as if it were plain.
                Ok(Some(found)) if named.is_none() => {
                    return Err(ReadError::Unnamed { path, codec: found });
                }
                Ok(_) if first.is_empty() => None,
                Ok(codec) => codec,
                Err(named) => return Err(ReadError::Format { path, format: named.name() }),
            };
        }
        let bytes = Cursor::new(first).chain(file);
        let packed = |bytes| BufReader::with_capacity(PACKED_BYTES, bytes);
        let from = match codec {
            None => From::Plain(bytes),
            Some(Codec::Bzip2) => From::Packed(Box::new(CodecReader::bzip2_split(packed(bytes), at, *end))),
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
                from.take(bytes).read_to_end(to).map_err(|error| ReadError::of(&self.path, error))
            }
            From::Packed(from) => {
                from.take(bytes).read_to_end(to).map_err(|error| ReadError::unpacking(&self.path, error))
            }
        }
    }
}
