//! Lines of one split as bytes, for formats that make a record of each.

use crate::{Location, ReadError, Split, Storage, blocks::Blocks};
use memchr::memchr;

/// What a file of UTF-8 may begin with, which is no part of its first line.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The lines that start in one split, in order.
pub(crate) struct RawLines {
    blocks: Blocks,
    block: Vec<u8>,
    /// Where `block` starts.
    start: u64,
    /// Where the next line starts in `block`.
    at: usize,
}

/// A line without its `\n` or `\r\n`.
#[derive(Clone, Copy)]
pub(crate) struct RawLine<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where it starts: in the file, or in what comes out of the split if it is packed.
    pub(crate) offset: u64,
}

impl RawLines {
    pub(crate) fn open(
        storage: &Storage,
        split: &Split,
        record_bytes_max: u64,
    ) -> Result<RawLines, ReadError> {
        let is_first = split.start == 0;
        let mut blocks = Blocks::open(storage, split, record_bytes_max)?;
        let mut block = Vec::new();
        let start = blocks.at();
        blocks.next(&mut block)?;
        let at = if is_first && block.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Ok(RawLines { blocks, block, start, at })
    }

    pub(crate) fn path(&self) -> &Location {
        self.blocks.path()
    }

    pub(crate) fn next(&mut self) -> Result<Option<RawLine<'_>>, ReadError> {
        if self.at >= self.block.len() {
            (self.at, self.start) = (0, self.blocks.at());
            if !self.blocks.next(&mut self.block)? {
                return Ok(None);
            }
        }
        let (offset, rest) = (self.start + self.at as u64, &self.block[self.at..]);
        let (line, next) = memchr(b'\n', rest).map_or((rest, rest.len()), |end| (&rest[..end], end + 1));
        self.at += next;
        Ok(Some(RawLine { bytes: line.strip_suffix(b"\r").unwrap_or(line), offset }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], start: u64) -> Vec<(u64, Vec<u8>)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let length = bytes.len() as u64;
        let split = Split { file: crate::InputFile::new(file.path(), length), start, end: length };
        let mut lines = RawLines::open(&Storage::default(), &split, 1 << 20).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push((line.offset, line.bytes.to_vec()));
        }
        all
    }

    #[test]
    fn lines_know_where_they_start() {
        let all = |lines: &[(u64, &str)]| {
            lines.iter().map(|(at, line)| (*at, line.as_bytes().to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(lines(b"a\r\n\nbc", 0), all(&[(0, "a"), (3, ""), (4, "bc")]));
        assert_eq!(lines(b"a\r\n\nbc", 2), all(&[(3, ""), (4, "bc")]));
        assert_eq!(lines(b"", 0), all(&[]));
        assert_eq!(lines("\u{feff}".as_bytes(), 0), all(&[]));
        assert_eq!(lines("\u{feff}a\nb".as_bytes(), 0), all(&[(3, "a"), (5, "b")]));
        assert_eq!(
            lines("a\n\u{feff}b".as_bytes(), 1),
            all(&[(2, "\u{feff}b")]),
            "only a file begins with it"
        );
    }
}
