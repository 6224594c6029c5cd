//! Why output cannot be written.

use crate::{ClientError, Location, LocationError, SaveMode};
use rsk_proto::{Cause, TaskError};
use std::{io, path::Path};

/// Output cannot be written. Each names its file or folder.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something is there already.
    #[error(
        "output {0:?} exists already: remove it, choose another path, or say by its save mode whether it is to be overwritten or \
         appended to; without _SUCCESS in it, it is what a run left that did not finish"
    )]
    Exists(Location),
    /// Another job writes there.
    #[error("another job is writing output {0:?}: wait until it has ended, or choose another path")]
    Busy(Location),
    /// It is to be overwritten, and nothing tells that a job wrote it.
    #[error(
        "{0:?} is not overwritten: it holds files, and neither _SUCCESS nor a log says that they are a job's output; check the \
         path, or remove it yourself"
    )]
    NotAnOutput(Location),
    /// A file is in the place of an output that is to be overwritten or appended to.
    #[error("cannot {1} output {0:?}, which is no folder: remove it, or choose another path")]
    NotAFolder(Location, SaveMode),
    /// The output folder cannot be made.
    #[error(
        "cannot make the output folder {0:?}: choose a path whose parent is a folder that you may write to"
    )]
    Folder(Location, #[source] io::Error),
    /// The output folder was removed, or replaced, while the job wrote to it.
    #[error(
        "output {0:?} was removed while the job ran: run the job again, and leave its output alone meanwhile"
    )]
    Gone(Location),
    /// Another job, or `rsk clean-output`, took what this one wrote for a leftover.
    #[error(
        "another job took over output {0:?} while this one ran, and removed what it had written: run one of them at a time"
    )]
    Abandoned(Location),
    /// It was committed, and not all of it could be put in its place.
    #[error(
        "output {0:?} is committed, but not all of it is in its place yet: run rsk clean-output on it, which finishes it, and not \
         the job again"
    )]
    Unpublished(Location, #[source] Box<WriteError>),
    /// The store did not answer when it was committed.
    #[error(
        "the store did not say whether output {0:?} is committed: run rsk clean-output on it, which finishes it or removes what \
         was written; look then whether the job is to be run again"
    )]
    Unclear(Location, #[source] Box<WriteError>),
    /// Another attempt's part has been published.
    #[error("another attempt has published {0:?}")]
    Published(Location),
    /// A task runs on another host than the driver, where the path may be another file.
    #[error(
        "output {0:?} is a path of the driver's host, and this task runs on another: write to a store such as hdfs:// or s3://, or \
         say --conf shared_files=on where all hosts share the path"
    )]
    NotShared(Location),
    /// The disk is full.
    #[error("no space left for output {0:?}: free space there or choose another path")]
    Full(Location),
    /// A record's own `Display` or `Serialize` failed.
    #[error("cannot write a record to {0:?}")]
    Record(Location, #[source] Cause),
    /// A file of an output's log is damaged, or of another version.
    #[error("cannot understand {0:?}, of an output's log: {1}")]
    Log(Location, String),
    /// It is no path and no URI of a store.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// Nothing can be written to stores of this scheme.
    #[error("cannot write {0:?}: web servers are only read; give a path or a URI of hdfs, s3, gs or az")]
    ReadOnly(Location),
    /// The store cannot be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The store did not do it.
    #[error("cannot write output {0:?}")]
    Store(Location, #[source] Cause),
    /// Any other failure.
    #[error("cannot write output {0:?}")]
    Io(Location, #[source] io::Error),
}

impl WriteError {
    /// What a format's own writer made of an error of the part that it writes to.
    pub(crate) fn of_part(at: &Location, error: io::Error) -> WriteError {
        match error.downcast::<WriteError>() {
            Ok(error) => error,
            Err(error) => WriteError::at(at, error),
        }
    }

    /// Of a file that cannot be written.
    pub(crate) fn at(at: &Location, error: io::Error) -> WriteError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => WriteError::Full(at.clone()),
            _ => WriteError::Io(at.clone(), error),
        }
    }

    pub(crate) fn of(path: &Path) -> impl Fn(io::Error) -> WriteError + use<'_> {
        |error| WriteError::at(&path.into(), error)
    }

    /// Of a folder that cannot be made.
    pub(crate) fn folder(path: &Path) -> impl Fn(io::Error) -> WriteError + use<'_> {
        |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => WriteError::Full(path.into()),
            _ => WriteError::Folder(path.into(), error),
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
