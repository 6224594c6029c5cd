//! Lines of text files by splits: a line belongs to the split in which it starts.

use crate::{InvalidUtf8, ReadError, Split, Storage, Text, TextOptions, TextPartition, blocks::Blocks};
use memchr::{memchr, memrchr};
use std::str::Utf8Error;

/// The lines that start in the splits of `partition`, without their `\n` or `\r\n`.
///
/// Shape: the lines of the first split, then of the next; a file's last line need not end. After an error comes nothing.
/// Errors: the file is missing, unreadable, shorter than it was listed, or damaged; a line is not UTF-8, or longer than
/// allowed. A zstd file written without checksums can hide a bit that changed. Offsets in errors are those of the line's first byte.
///
/// Cost: UTF-8 is checked a block of about 256 KiB at a time; a line is copied once, when it becomes [`Text`].
///
/// ```
/// use rsk_storage::{Storage, TextOptions, plan, read_lines};
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("a.txt"), "to be\r\nor not")?;
/// let options = TextOptions { splits_min: 2, ..TextOptions::default() };
/// let mut lines = Vec::new();
/// let storage = Storage::default();
/// for partition in plan(&storage.list(&folder.path().display().to_string())?, &options) {
///     for line in read_lines(&storage, partition, &options) {
///         lines.push(line?);
///     }
/// }
/// assert_eq!(lines, ["to be", "or not"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_lines(storage: &Storage, partition: TextPartition, options: &TextOptions) -> Lines {
    Lines {
        storage: storage.clone(),
        splits: partition.splits.into_iter(),
        invalid: options.invalid_utf8,
        record_bytes_max: options.record_bytes_max,
        blocks: None,
        block: String::new(),
        at: 0,
        failure: None,
    }
}

/// The lines of one partition, by [`read_lines`].
pub struct Lines {
    storage: Storage,
    splits: std::vec::IntoIter<Split>,
    invalid: InvalidUtf8,
    record_bytes_max: u64,
    /// The open split.
    blocks: Option<Blocks>,
    block: String,
    /// Where the next line starts in `block`.
    at: usize,
    /// What follows the lines of `block`.
    failure: Option<ReadError>,
}

impl Lines {
    /// Puts the next lines in `block`. False when there are none.
    #[cold]
    fn fill(&mut self) -> Result<bool, ReadError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        loop {
            let Some(blocks) = &mut self.blocks else {
                let Some(split) = self.splits.next() else { return Ok(false) };
                self.blocks = Some(Blocks::open(&self.storage, &split, self.record_bytes_max)?);
                continue;
            };
            self.at = 0;
            let offset = blocks.at();
            let mut block = std::mem::take(&mut self.block).into_bytes();
            if !blocks.next(&mut block)? {
                self.blocks = None;
                continue;
            }
            self.block = match String::from_utf8(block) {
                Ok(block) => block,
                Err(invalid) if self.invalid == InvalidUtf8::Lossy => {
                    String::from_utf8_lossy(invalid.as_bytes()).into_owned()
                }
                Err(invalid) => {
                    let (valid, line, source) = until_invalid(invalid.as_bytes(), invalid.utf8_error());
                    let path = blocks.path().to_owned();
                    self.failure = Some(ReadError::Utf8 { path, offset: offset + line as u64, source });
                    valid
                }
            };
            // A block is empty only if its first line is not UTF-8.
            return match self.failure.take() {
                Some(failure) if self.block.is_empty() => Err(failure),
                failure => {
                    self.failure = failure;
                    Ok(true)
                }
            };
        }
    }

    fn stop(&mut self) {
        self.splits = Vec::new().into_iter();
        self.blocks = None;
        self.failure = None;
        self.block.clear();
        self.at = 0;
    }
}

/// The whole lines before the first that is not UTF-8, where that one starts, and what is wrong in it.
fn until_invalid(block: &[u8], invalid: Utf8Error) -> (String, usize, Utf8Error) {
    let start = memrchr(b'\n', &block[..invalid.valid_up_to()]).map_or(0, |end| end + 1);
    let source = std::str::from_utf8(&block[start..]).err().unwrap_or(invalid);
    (String::from_utf8_lossy(&block[..start]).into_owned(), start, source)
}

impl Iterator for Lines {
    type Item = Result<Text, ReadError>;

    #[inline]
    fn next(&mut self) -> Option<Result<Text, ReadError>> {
        while self.at >= self.block.len() {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.stop();
                    return Some(Err(error));
                }
            }
        }
        let bytes = &self.block.as_bytes()[self.at..];
        let (end, next) = match memchr(b'\n', bytes) {
            Some(end) if end > 0 && bytes[end - 1] == b'\r' => (end - 1, end + 1),
            Some(end) => (end, end + 1),
            None => (bytes.len(), bytes.len()),
        };
        let line = Text::from(&self.block[self.at..self.at + end]);
        self.at += next;
        Some(Ok(line))
    }
}

impl std::iter::FusedIterator for Lines {}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.blocks.as_ref().map(Blocks::path);
        f.debug_struct("Lines").field("path", &path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
