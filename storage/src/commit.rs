//! Output that is all there or not there: parts are written aside, and appear when the job has them all.

use rsk_proto::{Cause, PartitionId, TaskError, TaskId};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Output cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something is there already.
    #[error("output {0:?} exists already: remove it, or choose another path")]
    Exists(PathBuf),
    /// The disk is full.
    #[error("no space left for output {0:?}: free space there or choose another path")]
    Full(PathBuf),
    /// Any other failure.
    #[error("cannot write output {0:?}")]
    Io(PathBuf, #[source] io::Error),
}

impl WriteError {
    fn of(path: &Path) -> impl Fn(io::Error) -> WriteError + use<'_> {
        |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => WriteError::Full(path.to_owned()),
            _ => WriteError::Io(path.to_owned(), error),
        }
    }
}

impl From<WriteError> for TaskError {
    fn from(error: WriteError) -> Self {
        TaskError::Output(Cause::of(&error))
    }
}

/// The output directory of one job. Dropped before [`OutputCommit::commit`], it leaves nothing.
#[derive(Debug)]
pub struct OutputCommit {
    folder: PathBuf,
    is_committed: bool,
}

/// A part, written and closed, that only the driver may publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFile {
    aside: PathBuf,
    name: String,
}

fn aside(folder: &Path) -> PathBuf {
    folder.join("_temporary")
}

impl OutputCommit {
    /// Makes the directory, which must not exist.
    pub fn prepare(folder: &Path) -> Result<OutputCommit, WriteError> {
        if folder.exists() {
            return Err(WriteError::Exists(folder.to_owned()));
        }
        fs::create_dir_all(aside(folder)).map_err(WriteError::of(folder))?;
        Ok(OutputCommit { folder: folder.to_owned(), is_committed: false })
    }

    /// Publishes one part: for one attempt of each partition.
    pub fn commit_part(&self, part: &PartFile) -> Result<(), WriteError> {
        let target = self.folder.join(&part.name);
        fs::rename(&part.aside, &target).map_err(WriteError::of(&target))
    }

    /// Says that all parts are there.
    pub fn commit(mut self) -> Result<(), WriteError> {
        let fail = WriteError::of(&self.folder);
        fs::remove_dir_all(aside(&self.folder)).map_err(&fail)?;
        File::create(self.folder.join("_SUCCESS")).map_err(&fail)?;
        self.is_committed = true;
        Ok(())
    }
}

impl Drop for OutputCommit {
    fn drop(&mut self) {
        if !self.is_committed {
            fs::remove_dir_all(&self.folder).unwrap_or(());
        }
    }
}

/// Writes one part aside. Dropped unfinished, it removes its file.
#[derive(Debug)]
pub struct PartWriter {
    to: BufWriter<File>,
    part: Option<PartFile>,
}

impl PartWriter {
    /// A part of the output in `folder`; the attempt is in the name, so that attempts never mix.
    pub fn create(folder: &Path, partition: PartitionId, task: TaskId) -> Result<PartWriter, WriteError> {
        let name = format!("part-{:05}", partition.0);
        let path = aside(folder).join(format!("{name}-{task}"));
        let file = File::create(&path).map_err(WriteError::of(&path))?;
        Ok(PartWriter {
            to: BufWriter::with_capacity(128 << 10, file),
            part: Some(PartFile { aside: path, name }),
        })
    }

    /// Appends a line.
    pub fn write_line(&mut self, line: impl std::fmt::Display) -> Result<(), WriteError> {
        let written = writeln!(self.to, "{line}");
        written.map_err(|error| self.fail(error))
    }

    /// Closes the part.
    pub fn finish(mut self) -> Result<PartFile, WriteError> {
        let flushed = self.to.flush();
        flushed.map_err(|error| self.fail(error))?;
        self.part.take().ok_or_else(|| WriteError::Io(PathBuf::new(), io::ErrorKind::NotFound.into()))
    }

    fn fail(&self, error: io::Error) -> WriteError {
        let path = self.part.as_ref().map(|part| part.aside.clone()).unwrap_or_default();
        WriteError::of(&path)(error)
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

    #[test]
    fn all_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let write = || {
            let mut part = PartWriter::create(&out, PartitionId(3), TaskId(9)).unwrap();
            part.write_line("a line").unwrap();
            part.finish().unwrap()
        };
        let output = OutputCommit::prepare(&out).unwrap();
        output.commit_part(&write()).unwrap();
        drop(output);
        assert!(!out.exists(), "an aborted output leaves nothing");
        let output = OutputCommit::prepare(&out).unwrap();
        output.commit_part(&write()).unwrap();
        assert!(!out.join("_SUCCESS").exists());
        output.commit().unwrap();
        assert_eq!(fs::read_to_string(out.join("part-00003")).unwrap(), "a line\n");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
        assert!(matches!(OutputCommit::prepare(&out), Err(WriteError::Exists(_))));
    }
}
