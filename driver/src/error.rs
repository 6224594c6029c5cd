//! What a user's program gets when something cannot be done.

use rsk_executor::WorkDirError;
use rsk_proto::{CodecError, PartitionId, TaskError};
use std::{error::Error as _, fmt};

/// The result of whatever a context or an RDD does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a job, or the making of an RDD or a context, failed.
///
/// `Debug` prints the chain of causes for people, because that is what a `main` that returns it shows. `?` takes the common
/// errors of the standard library, and others when they are boxed:
///
/// ```
/// fn limit(typed: &str) -> rsk::Result<u64> {
///     let factor: u64 = std::fs::read_to_string("/proc/self/oom_score_adj")?.trim().parse()?;
///     let typed: u64 = typed.parse()?;
///     typed.checked_mul(factor + 1).ok_or_else(|| rsk::Error::App("it is too large".into()))
/// }
/// assert_eq!(limit("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
#[derive(thiserror::Error)]
pub enum Error {
    /// The master string means nothing.
    #[error(
        "unknown master {0:?}: use local, local[K] or local[*], K from 1 to 4096, or HOST:PORT of a cluster's \
         master; it comes before the program's own arguments"
    )]
    Master(String),
    /// A setting is misspelled or has a value it cannot have.
    #[error("cannot use --conf {setting}: {why}")]
    Config {
        /// What was typed.
        setting: String,
        /// What is wrong with it, and what would be right.
        why: String,
    },
    /// A flag of the command line that means nothing.
    #[error("cannot use {flag}: {why}")]
    Flag {
        /// What was typed.
        flag: String,
        /// What would be right.
        why: String,
    },
    /// An argument that no RDD can be made of.
    #[error("{0}")]
    Argument(String),
    /// Input is not there.
    #[error(transparent)]
    List(#[from] rsk_storage::ListError),
    /// A setting of storage is wrong.
    #[error(transparent)]
    Storage(#[from] rsk_storage::StorageConfigError),
    /// Output cannot be written.
    #[error(transparent)]
    Write(#[from] rsk_storage::WriteError),
    /// The executor's folder cannot be used.
    #[error(transparent)]
    WorkDir(#[from] WorkDirError),
    /// A thread for tasks cannot be started.
    #[error("cannot start a thread for tasks")]
    Slot(#[source] std::io::Error),
    /// A task or a result cannot be encoded or decoded.
    #[error("cannot exchange data with the executors")]
    Codec(#[from] CodecError),
    /// The master of a cluster cannot be reached, or refuses.
    #[error("cannot run on the cluster")]
    Cluster(#[source] rsk_proto::rpc::RpcError),
    /// The driver of a cluster's application cannot do its part.
    #[error("the driver cannot {doing}")]
    Driver {
        /// What it cannot do.
        doing: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// A cluster on this machine cannot be started.
    #[error("cannot start a local cluster by {rsk:?}")]
    LocalCluster {
        /// The binary.
        rsk: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A cluster on this machine needs the binary `rsk`.
    #[error(
        "local-cluster needs the binary rsk, which is neither beside this program nor on the path: build it with \
         cargo build --release -p rsk-cli, or name it in RSK_BIN"
    )]
    NoBinary,
    /// This program's own file cannot be read, to be brought to the cluster.
    #[error("cannot read this program's own file")]
    Program {
        /// Why not.
        source: std::io::Error,
    },
    /// A file that the program is started with cannot be read.
    #[error("cannot read the file {name} of --files")]
    File {
        /// Its name.
        name: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The program was not started with such a file.
    #[error(
        "there is no file {name:?} here: bring it with rsk submit --files, or --conf files=…; this process has {known:?}"
    )]
    NoFile {
        /// What was asked for.
        name: String,
        /// What is there, with commas.
        known: String,
    },
    /// One partition could not be computed.
    #[error("{partition} of {stage} failed{}", times(*attempts))]
    Task {
        /// The stage, as progress bars name it.
        stage: String,
        /// The partition.
        partition: PartitionId,
        /// How often it was tried.
        attempts: u32,
        /// Why the last try failed.
        source: TaskError,
    },
    /// A map output kept getting lost.
    #[error(
        "map outputs were lost or damaged {stages} times in a row: check the disk under --conf work_dir=DIR"
    )]
    OutputsLost {
        /// How often the same output was lost.
        stages: u32,
    },
    /// Output of a stage that may give other records each time was lost after results had been handed out: going on
    /// could mix two versions of the data.
    #[error(
        "{stage} may give other records when it is run again, and its output was lost after results had been handed \
         out: run the job again, or checkpoint the RDD first"
    )]
    Indeterminate {
        /// The stage.
        stage: String,
    },
    /// The job was told to stop.
    #[error("the job was cancelled: {0}")]
    Cancelled(String),
    /// A result that was spooled to disk cannot be read back.
    #[error("cannot read back the result {path:?}")]
    Result {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The action has no answer for an RDD without records.
    #[error("the RDD is empty: {0} needs at least one record")]
    Empty(&'static str),
    /// This process was started as an executor and has become a driver instead.
    #[error(
        "this program was started as an executor: call rsk::executor_if_asked() first in its main, or use rsk::run"
    )]
    ExecutorNotAsked,
    /// An action was called by code that a task runs.
    #[error(
        "an action was called inside a task, which would wait for its own slot: call it before, and hand its answer to \
         the closure by `with` or a broadcast"
    )]
    InsideTask,
    /// A sum that its type has no room for.
    #[error("the sum is beyond {0}: map the numbers to f64 first, or aggregate them into a wider type")]
    Overflow(&'static str),
    /// The context's slots are gone.
    #[error("the context has stopped")]
    Stopped,
    /// What the user's own program returned.
    #[error(transparent)]
    App(#[from] Box<dyn std::error::Error + Send + Sync>),
}

fn times(attempts: u32) -> String {
    if attempts == 1 { String::new() } else { format!(" {attempts} times") }
}

/// Errors of the standard library that programs meet, so that `?` takes them; others are boxed first.
macro_rules! app {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Error::App(Box::new(error))
            }
        }
    )*};
}

app!(
    std::io::Error,
    fmt::Error,
    std::num::ParseIntError,
    std::num::ParseFloatError,
    std::num::TryFromIntError,
    std::str::ParseBoolError,
    std::str::Utf8Error,
    std::string::FromUtf8Error,
    std::char::ParseCharError,
    std::env::VarError,
    std::net::AddrParseError,
    std::time::SystemTimeError,
);

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let causes = std::iter::successors(self.source(), |error| (*error).source());
        causes.into_iter().try_for_each(|cause| write!(f, "\n  because {cause}"))
    }
}

impl From<rsk_proto::rpc::RpcError> for Error {
    fn from(error: rsk_proto::rpc::RpcError) -> Self {
        Error::Cluster(error)
    }
}
