//! One part of an output: what one task attempt writes.

use crate::{Codec, CodecWriter, WriteError, commit};
use rsk_proto::{Cause, PartitionId, TaskId};
use serde::{Deserialize, Serialize};
use std::{
    fmt::{self, Write as _},
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

const BUFFER_BYTES: usize = 128 << 10;

/// A part, written and closed, that only the driver may publish, by [`crate::OutputCommit::commit_part`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFile {
    pub(crate) aside: PathBuf,
    pub(crate) name: String,
}

/// Writes one part aside. Dropped unfinished, it removes its file.
///
/// ```
/// use rsk_proto::{PartitionId, TaskId};
/// use rsk_storage::{OutputCommit, PartWriter};
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("out");
/// let output = OutputCommit::prepare(&folder)?;
/// let mut part = PartWriter::create(&folder, PartitionId(0), TaskId(7))?;
/// part.write_line("to be")?;
/// part.write_record(b"or not")?;
/// output.commit_part(&part.finish()?)?;
/// output.commit()?;
/// assert_eq!(std::fs::read_to_string(folder.join("part-00000"))?, "to be\nor not");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PartWriter {
    /// Nothing once it is finished.
    to: Option<Sink>,
    buffer: Buffer,
    /// Nothing once it is finished.
    part: Option<PartFile>,
}

/// The file, and what packs it.
#[derive(Debug)]
enum Sink {
    Plain(File),
    Packed(Box<CodecWriter<File>>),
}

/// Bytes that take formatted text as it is.
#[derive(Debug, Default)]
struct Buffer(Vec<u8>);

impl fmt::Write for Buffer {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl PartWriter {
    /// A part of the output in `folder`, which [`crate::OutputCommit::prepare`] made; the attempt is in its name, so
    /// that attempts never mix.
    pub fn create(folder: &Path, partition: PartitionId, task: TaskId) -> Result<PartWriter, WriteError> {
        PartWriter::create_packed(folder, partition, task, None)
    }

    /// [`create`](PartWriter::create), packed by a codec, after which the part's name ends.
    ///
    /// ```
    /// use rsk_proto::{PartitionId, TaskId};
    /// use rsk_storage::{Codec, OutputCommit, PartWriter};
    /// let folder = tempfile::tempdir()?;
    /// let folder = folder.path().join("out");
    /// let output = OutputCommit::prepare(&folder)?;
    /// let mut part = PartWriter::create_packed(&folder, PartitionId(0), TaskId(7), Some(Codec::Gzip))?;
    /// part.write_line("to be")?;
    /// output.commit_part(&part.finish()?)?;
    /// output.commit()?;
    /// assert!(std::fs::read(folder.join("part-00000.gz"))?.starts_with(b"\x1f\x8b"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_packed(
        folder: &Path,
        partition: PartitionId,
        task: TaskId,
        codec: Option<Codec>,
    ) -> Result<PartWriter, WriteError> {
        PartWriter::create_named(folder, partition, task, "", codec)
    }

    /// [`create_packed`](PartWriter::create_packed), whose name ends in a dot and `format`, before what the codec adds.
    ///
    /// ```
    /// use rsk_proto::{PartitionId, TaskId};
    /// use rsk_storage::{Codec, OutputCommit, PartWriter};
    /// let folder = tempfile::tempdir()?;
    /// let folder = folder.path().join("out");
    /// let output = OutputCommit::prepare(&folder)?;
    /// let part = PartWriter::create_named(&folder, PartitionId(3), TaskId(7), "json", Some(Codec::Gzip))?;
    /// output.commit_part(&part.finish()?)?;
    /// assert!(folder.join("part-00003.json.gz").exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_named(
        folder: &Path,
        partition: PartitionId,
        task: TaskId,
        format: &str,
        codec: Option<Codec>,
    ) -> Result<PartWriter, WriteError> {
        let mut name = format!("part-{:05}", partition.0);
        if !format.is_empty() {
            name.push('.');
            name.push_str(format);
        }
        if let Some(codec) = codec {
            name.push('.');
            name.push_str(codec.extension());
        }
        let aside = commit::aside(folder).join(format!("{name}-{task}"));
        let to = File::create(&aside).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => WriteError::Gone(folder.to_owned()),
            _ => WriteError::of(&aside)(error),
        })?;
        let to = Some(match codec {
            None => Sink::Plain(to),
            Some(codec) => Sink::Packed(Box::new(codec.writer(to))),
        });
        Ok(PartWriter { to, buffer: Buffer::default(), part: Some(PartFile { aside, name }) })
    }

    /// Appends a line: `line` as it displays itself, and a line's end.
    ///
    /// Cost: text is copied once, into a buffer of 128 KiB.
    #[inline]
    pub fn write_line(&mut self, line: impl fmt::Display) -> Result<(), WriteError> {
        if write!(self.buffer, "{line}").is_err() {
            let cause = Cause::new("its Display returned an error");
            return Err(WriteError::Record(self.path().to_owned(), cause));
        }
        self.buffer.0.push(b'\n');
        self.flush_if_full()
    }

    /// Appends these bytes and nothing else.
    #[inline]
    pub fn write_record(&mut self, record: &[u8]) -> Result<(), WriteError> {
        self.buffer.0.extend_from_slice(record);
        self.flush_if_full()
    }

    /// Appends what `write` appends to the buffer, all of it or nothing.
    pub(crate) fn write_with(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), Cause>,
    ) -> Result<(), WriteError> {
        let before = self.buffer.0.len();
        if let Err(cause) = write(&mut self.buffer.0) {
            self.buffer.0.truncate(before);
            return Err(WriteError::Record(self.path().to_owned(), cause));
        }
        self.flush_if_full()
    }

    #[inline]
    fn flush_if_full(&mut self) -> Result<(), WriteError> {
        if self.buffer.0.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    #[cold]
    fn flush(&mut self) -> Result<(), WriteError> {
        let written = match &mut self.to {
            Some(Sink::Plain(to)) => to.write_all(&self.buffer.0),
            Some(Sink::Packed(to)) => to.write_all(&self.buffer.0),
            None => Ok(()),
        };
        self.buffer.0.clear();
        written.map_err(|error| WriteError::of(self.path())(error))
    }

    /// Closes the part.
    pub fn finish(mut self) -> Result<PartFile, WriteError> {
        self.flush()?;
        if let Some(Sink::Packed(to)) = self.to.take() {
            to.finish().map_err(|error| WriteError::of(self.path())(error))?;
        }
        let gone = || WriteError::Gone(PathBuf::new());
        self.part.take().ok_or_else(gone)
    }

    /// The file that is written.
    pub(crate) fn path(&self) -> &Path {
        self.part.as_ref().map_or(Path::new(""), |part| &part.aside)
    }
}

/// Its errors hold a [`WriteError`].
impl io::Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_record(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    /// All is written when the part is finished.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PartWriter {
    fn drop(&mut self) {
        if let Some(part) = self.part.take() {
            fs::remove_file(part.aside).unwrap_or(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(folder: &Path) -> Result<PartWriter, WriteError> {
        PartWriter::create(folder, PartitionId(3), TaskId(9))
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(commit::aside(folder.path())).unwrap();
        let aside = commit::aside(folder.path()).join(format!("part-00003-{}", TaskId(9)));
        std::os::unix::fs::symlink("/dev/full", &aside).unwrap();
        let mut part = writer(folder.path()).unwrap();
        part.write_line("it fits into the buffer").unwrap();
        let error = part.finish().unwrap_err();
        assert!(matches!(&error, WriteError::Full(path) if *path == aside), "{error}");
        assert!(!aside.exists() && Path::new("/dev/full").exists(), "an unfinished part is removed");
        std::os::unix::fs::symlink("/dev/full", &aside).unwrap();
        let mut part = writer(folder.path()).unwrap();
        let full = (0..10_000).find_map(|_| part.write_record(&[0; 100]).err()).unwrap();
        assert!(matches!(full, WriteError::Full(_)), "{full}");
    }

    #[test]
    fn an_output_that_is_gone_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(writer(&folder.path().join("none")), Err(WriteError::Gone(_))));
    }

    #[test]
    fn a_display_that_fails_is_an_error_of_the_record() {
        struct Broken;
        impl fmt::Display for Broken {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Err(fmt::Error)
            }
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(commit::aside(folder.path())).unwrap();
        let error = writer(folder.path()).unwrap().write_line(Broken).unwrap_err();
        assert!(matches!(error, WriteError::Record(..)), "{error}");
    }
}
