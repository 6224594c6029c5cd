//! Lines of text files by splits: a line belongs to the split in which it starts.

use crate::{InputFile, Text};
use rsk_proto::{Cause, TaskError};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

const BUFFER_BYTES: usize = 256 << 10;

/// A byte range of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The file.
    pub path: PathBuf,
    /// The first byte.
    pub start: u64,
    /// One beyond the last.
    pub end: u64,
}

/// Input cannot be read as text.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {0:?}")]
    Io(PathBuf, #[source] io::Error),
    /// A line is not UTF-8.
    #[error("{path:?} is not UTF-8 in the line at byte {offset}")]
    Utf8 {
        /// The file.
        path: PathBuf,
        /// Where the line starts.
        offset: u64,
        /// What is wrong.
        source: std::str::Utf8Error,
    },
}

impl From<ReadError> for TaskError {
    fn from(error: ReadError) -> Self {
        TaskError::Input(Cause::of(&error))
    }
}

/// Cuts files into splits: one per block of `block_bytes`, and at least `splits_min` in all where there are bytes to cut.
pub fn plan(files: &[InputFile], block_bytes: u64, splits_min: u64) -> Vec<Split> {
    let total: u64 = files.iter().map(|file| file.bytes).sum();
    let bytes = block_bytes.min(total.div_ceil(splits_min.max(1))).max(1);
    let cut = |file: &InputFile| {
        let (path, length) = (file.path.clone(), file.bytes);
        let splits = length.div_ceil(bytes).max(1);
        (0..splits).map(move |n| Split {
            path: path.clone(),
            start: n * bytes,
            end: ((n + 1) * bytes).min(length),
        })
    };
    files.iter().flat_map(cut).collect()
}

/// The lines that start in `split`, without their `\n` or `\r\n`.
pub fn read_lines(
    split: Split,
) -> Result<impl Iterator<Item = Result<Text, ReadError>> + 'static, ReadError> {
    let Split { path, start, end } = split;
    let mut lines = Lines { at: start, end, line: Vec::new(), file: None, path };
    lines.open().map_err(|error| ReadError::Io(lines.path.clone(), error))?;
    Ok(lines)
}

struct Lines {
    path: PathBuf,
    /// Nothing once an error has been given.
    file: Option<BufReader<File>>,
    at: u64,
    end: u64,
    line: Vec<u8>,
}

impl Lines {
    /// Goes to the first line that starts in the split: unless the byte before is a line's end, a line is under way.
    fn open(&mut self) -> io::Result<()> {
        let mut file = BufReader::with_capacity(BUFFER_BYTES, File::open(&self.path)?);
        if self.at > 0 {
            file.seek(SeekFrom::Start(self.at - 1))?;
            self.at = self.at - 1 + file.skip_until(b'\n')? as u64;
        }
        self.file = Some(file);
        Ok(())
    }

    /// The text of one line's bytes.
    fn text(path: &Path, offset: u64, line: &[u8]) -> Result<Text, ReadError> {
        let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        match std::str::from_utf8(line) {
            Ok(line) => Ok(Text::from(line)),
            Err(source) => Err(ReadError::Utf8 { path: path.to_owned(), offset, source }),
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Text, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let file = self.file.as_mut().filter(|_| self.at < self.end)?;
        let offset = self.at;
        // Most lines lie wholly in the buffer and are not copied before they become text.
        if let Some(end) = memchr::memchr(b'\n', file.buffer()) {
            let line = Self::text(&self.path, offset, &file.buffer()[..=end]);
            file.consume(end + 1);
            self.at += end as u64 + 1;
            return Some(line.inspect_err(|_| self.file = None));
        }
        self.line.clear();
        match file.read_until(b'\n', &mut self.line) {
            Ok(0) => None,
            Ok(bytes) => {
                self.at += bytes as u64;
                Some(Self::text(&self.path, offset, &self.line).inspect_err(|_| self.file = None))
            }
            Err(error) => {
                self.file = None;
                Some(Err(ReadError::Io(self.path.clone(), error)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], splits: u64) -> Result<Vec<Text>, ReadError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let input = InputFile { path: file.path().to_owned(), bytes: bytes.len() as u64 };
        let mut lines = Vec::new();
        for split in plan(&[input], 1 << 20, splits) {
            for line in read_lines(split)? {
                lines.push(line?);
            }
        }
        Ok(lines)
    }

    proptest::proptest! {
        #[test]
        fn splits_together_give_the_lines_of_the_whole(lines in "[a-c\u{e9}\r\n]{0,60}", splits in 1u64..30) {
            assert_eq!(read(lines.as_bytes(), splits).unwrap(), lines.lines().collect::<Vec<_>>());
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_named_with_their_place() {
        let error = read(b"fine\n\xff\xfe\n", 1).unwrap_err();
        assert!(error.to_string().ends_with("in the line at byte 5"), "{error}");
    }
}
