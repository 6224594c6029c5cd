//! One part of an output: what one task attempt writes.

use crate::{
    Codec, CodecWriter, Location, Storage, WriteError,
    commit::{Aside, Part, PartAttempt, Pieces, Role, point},
};
use rsk_proto::Cause;
use serde::{Deserialize, Serialize};
use std::{
    fmt::{self, Write as _},
    fs::{self, File},
    io::{self, Write as _},
    mem,
};

const BUFFER_BYTES: usize = 128 << 10;

/// A part, written and closed, that only the driver may take, by [`crate::CommitLog::grant`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFile {
    pub(crate) part: Part,
}

impl PartFile {
    /// The name that it will have in the output.
    pub fn name(&self) -> &str {
        &self.part.name
    }

    /// How long it is.
    pub fn bytes(&self) -> u64 {
        self.part.bytes
    }
}

/// Writes one part aside. Dropped unfinished, it removes its file.
///
/// ```
/// use rsk_proto::{PartitionId, TaskId};
/// use rsk_storage::{CommitLog, PartWriter, SaveMode, Storage};
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("out");
/// let storage = Storage::default();
/// let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error)?;
/// let mut part = PartWriter::create(output.target().attempt(&storage, PartitionId(0), TaskId(7)))?;
/// part.write_line("to be")?;
/// part.write_record(b"or not")?;
/// output.grant(&part.finish()?)?;
/// output.commit()?;
/// assert_eq!(std::fs::read_to_string(folder.join("part-00000"))?, "to be\nor not");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PartWriter {
    /// Nothing once it is finished.
    to: Option<Sink>,
    buffer: Buffer,
    at: Location,
    name: String,
    aside: String,
    job: String,
    storage: Storage,
    is_synced: bool,
}

/// The file, and what packs it.
#[derive(Debug)]
enum Sink {
    Plain(Counted),
    Packed(Box<CodecWriter<Counted>>),
}

/// A file of this host, or of a store.
#[derive(Debug)]
enum To {
    File(File),
    Pieces(Box<Pieces>),
}

/// Counts what it writes.
#[derive(Debug)]
struct Counted {
    to: To,
    bytes: u64,
    checksum: u32,
}

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.to {
            To::File(to) => to.write(bytes)?,
            To::Pieces(to) => to.write(bytes)?,
        };
        self.bytes += written as u64;
        self.checksum = crc32c::crc32c_append(self.checksum, bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
    /// A part of an output; the attempt is in the name of what it writes, so that attempts never mix.
    pub fn create(attempt: PartAttempt) -> Result<PartWriter, WriteError> {
        PartWriter::create_named(attempt, "", None)
    }

    /// [`create`](PartWriter::create), whose name ends in a dot and `format`, if it is one, and in what the codec adds, which packs
    /// it.
    ///
    /// ```
    /// use rsk_proto::{PartitionId, TaskId};
    /// use rsk_storage::{Codec, CommitLog, PartWriter, SaveMode, Storage};
    /// let folder = tempfile::tempdir()?;
    /// let folder = folder.path().join("out");
    /// let storage = Storage::default();
    /// let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error)?;
    /// let attempt = output.target().attempt(&storage, PartitionId(0), TaskId(7));
    /// let mut part = PartWriter::create_named(attempt, "json", Some(Codec::Gzip))?;
    /// part.write_line("to be")?;
    /// output.grant(&part.finish()?)?;
    /// output.commit()?;
    /// assert!(std::fs::read(folder.join("part-00000.json.gz"))?.starts_with(b"\x1f\x8b"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_named(
        attempt: PartAttempt,
        format: &str,
        codec: Option<Codec>,
    ) -> Result<PartWriter, WriteError> {
        let (name, aside) = attempt.paths(format, codec);
        let PartAttempt { storage, target, .. } = attempt;
        let at = target.base.join(&aside);
        let to = match &at {
            Location::Local(_) if !target.is_reached() => {
                return Err(WriteError::NotShared(target.out));
            }
            Location::Local(path) => To::File(File::create(path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => WriteError::Gone(target.out.clone()),
                _ => WriteError::of(path)(error),
            })?),
            Location::Remote(root, _) => {
                To::Pieces(Box::new(Pieces::create(&storage, root, &target.base.join(&name), &at)?))
            }
        };
        point(Role::Part, "a part is begun");
        let to = Counted { to, bytes: 0, checksum: 0 };
        let to = Some(match codec {
            None => Sink::Plain(to),
            Some(codec) => Sink::Packed(Box::new(codec.writer(to))),
        });
        Ok(PartWriter {
            to,
            buffer: Buffer::default(),
            at,
            name,
            aside,
            is_synced: target.is_shared(),
            job: target.job,
            storage,
        })
    }

    /// Appends a line: `line` as it displays itself, and a line's end.
    ///
    /// Cost: text is copied once, into a buffer of 128 KiB.
    #[inline]
    pub fn write_line(&mut self, line: impl fmt::Display) -> Result<(), WriteError> {
        if write!(self.buffer, "{line}").is_err() {
            let cause = Cause::new("its Display returned an error");
            return Err(WriteError::Record(self.at.clone(), cause));
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
            return Err(WriteError::Record(self.at.clone(), cause));
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
        written.map_err(|error| self.failed(error))
    }

    /// What a format's own writer, or the file, could not do.
    pub(crate) fn failed(&self, error: io::Error) -> WriteError {
        WriteError::of_part(&self.at, error)
    }

    pub(crate) fn bad_record(&self, cause: Cause) -> WriteError {
        WriteError::Record(self.at.clone(), cause)
    }

    /// Closes the part.
    pub fn finish(mut self) -> Result<PartFile, WriteError> {
        self.flush()?;
        let closed = match self.to.take() {
            Some(Sink::Plain(to)) => Ok(to),
            Some(Sink::Packed(to)) => to.finish(),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        let written = closed.map_err(|error| self.failed(error));
        let (name, file) = (mem::take(&mut self.name), mem::take(&mut self.aside));
        let finished = written.and_then(|Counted { to, bytes, checksum }| {
            let aside = match to {
                To::File(to) if self.is_synced => to.sync_all().map(|()| Aside::File(file.clone())),
                To::File(_) => Ok(Aside::File(file.clone())),
                To::Pieces(to) => Ok(to.finish(&file)?),
            };
            let aside = aside.map_err(|error| self.failed(error))?;
            Ok(Part { name, bytes, checksum: Some(checksum), aside: Some(aside) })
        });
        let part = finished.inspect_err(|_| self.remove())?;
        point(Role::Part, "a part is written");
        if let (Location::Remote(root, _), Some(Aside::Upload { .. })) = (&self.at, &part.aside) {
            let at = Location::Remote(root.clone(), format!("{}.json", remote_path(&self.at)).into());
            Pieces::record(&self.storage, root, &at, &self.job, &part)?;
            point(Role::Part, "a part's record is written");
        }
        Ok(PartFile { part })
    }

    /// What is written.
    pub(crate) fn location(&self) -> &Location {
        &self.at
    }

    fn remove(&self) {
        if let Some(path) = self.at.local() {
            fs::remove_file(path).unwrap_or(());
        }
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
        if self.to.take().is_some() {
            self.remove();
        }
    }
}

fn remote_path(at: &Location) -> &str {
    match at {
        Location::Remote(_, path) => path,
        Location::Local(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommitLog, PartTarget, SaveMode};
    use rsk_proto::{PartitionId, TaskId};
    use std::path::Path;

    fn output(folder: &Path) -> CommitLog {
        CommitLog::open(&Storage::default(), &folder.join("out").as_path().into(), SaveMode::Error).unwrap()
    }

    fn attempt(target: &PartTarget) -> PartAttempt {
        target.attempt(&Storage::default(), PartitionId(3), TaskId(9))
    }

    fn writer(output: &CommitLog) -> Result<PartWriter, WriteError> {
        PartWriter::create(attempt(&output.target()))
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let output = output(folder.path());
        let target = output.target();
        let aside = target.base.join(&attempt(&target).paths("", None).1);
        std::os::unix::fs::symlink("/dev/full", aside.local().unwrap()).unwrap();
        let mut part = writer(&output).unwrap();
        part.write_line("it fits into the buffer").unwrap();
        let error = part.finish().unwrap_err();
        assert!(matches!(&error, WriteError::Full(path) if *path == aside), "{error}");
        let path = aside.local().unwrap();
        assert!(!path.exists() && Path::new("/dev/full").exists(), "an unfinished part is removed");
        std::os::unix::fs::symlink("/dev/full", path).unwrap();
        let mut part = writer(&output).unwrap();
        let full = (0..10_000).find_map(|_| part.write_record(&[0; 100]).err()).unwrap();
        assert!(matches!(full, WriteError::Full(_)), "{full}");
    }

    #[test]
    fn a_file_of_another_host_is_refused_unless_hosts_share_it() {
        let folder = tempfile::tempdir().unwrap();
        let output = output(folder.path());
        let elsewhere = PartTarget { host: Some("another".to_owned()), ..output.target() };
        let error = PartWriter::create(attempt(&elsewhere)).unwrap_err();
        assert!(error.to_string().contains("shared_files=on"), "{error}");
        let output = output.shared();
        let part = writer(&output).unwrap();
        output.grant(&part.finish().unwrap()).unwrap();
        output.commit().unwrap();
    }

    #[test]
    fn an_output_that_is_gone_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let output = output(folder.path());
        fs::remove_dir_all(output.target().base.local().unwrap()).unwrap();
        let gone = writer(&output).unwrap_err();
        assert!(
            matches!(&gone, WriteError::Gone(at) if *at == Location::Local(folder.path().join("out"))),
            "{gone}"
        );
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
        let output = output(folder.path());
        let error = writer(&output).unwrap().write_line(Broken).unwrap_err();
        assert!(matches!(error, WriteError::Record(..)), "{error}");
    }
}
