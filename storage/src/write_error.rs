//! Why output cannot be written.

use rsk_proto::{Cause, TaskError};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Output cannot be written. Each names its file or folder.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something is there already.
    #[error(
        "output {0:?} exists already: remove it, or choose another path; without _SUCCESS in it, it is what a run left that did \
         not finish"
    )]
    Exists(PathBuf),
    /// The output folder cannot be made.
    #[error(
        "cannot make the output folder {0:?}: choose a path whose parent is a folder that you may write to"
    )]
    Folder(PathBuf, #[source] io::Error),
    /// The output folder was removed, or replaced, while the job wrote to it.
    #[error(
        "output {0:?} was removed while the job ran: run the job again, and leave its output alone meanwhile"
    )]
    Gone(PathBuf),
    /// Another attempt's part has been published.
    #[error("another attempt has published {0:?}")]
    Published(PathBuf),
    /// The disk is full.
    #[error("no space left for output {0:?}: free space there or choose another path")]
    Full(PathBuf),
    /// A record's own `Display` or `Serialize` failed.
    #[error("cannot write a record to {0:?}")]
    Record(PathBuf, #[source] Cause),
    /// The path names a file system that this build does not know.
    #[error("cannot write {0:?}: this build writes local files; give a path, with or without file://")]
    Scheme(String),
    /// Any other failure.
    #[error("cannot write output {0:?}")]
    Io(PathBuf, #[source] io::Error),
}

impl WriteError {
    /// What a format's own writer made of an error of the part that it writes to.
    pub(crate) fn of_part(path: &Path, error: io::Error) -> WriteError {
        match error.downcast::<WriteError>() {
            Ok(error) => error,
            Err(error) => WriteError::of(path)(error),
        }
    }

    pub(crate) fn of(path: &Path) -> impl Fn(io::Error) -> WriteError + use<'_> {
        |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => WriteError::Full(path.to_owned()),
            _ => WriteError::Io(path.to_owned(), error),
        }
    }
}

impl From<WriteError> for TaskError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Published(_) => TaskError::CommitDenied,
            _ => TaskError::Output(Cause::of(&error)),
        }
    }
}
