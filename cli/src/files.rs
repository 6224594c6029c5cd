//! What people do with files, on this machine and in stores: `rsk ls`, `cat`, `put`, `get`, `rm`, `du`,
//! `clean-output`.

use crate::{print, settings::Settings, table::Table};
use anyhow::{Context as _, Result, anyhow};
use clap::{Args, Subcommand};
use rsk_proto::ByteSize;
use rsk_storage::{BrowseError, Cleaned, Entry, Location, Storage, StorageConfig, clean_output};
use std::{
    fs::File,
    io::{self, BufWriter, ErrorKind, Write},
    time::SystemTime,
};

/// What stands for this process's own input or output.
const STREAM: &str = "-";

/// How stores are reached, where the environment does not say it.
#[derive(Debug, Args)]
pub(crate) struct FilesArgs {
    /// A setting of storage, such as s3.endpoint=URL: those of programs, which `APP --help` lists.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) conf: Vec<String>,
}

/// What people do with files. A URI is a path, hdfs://…, s3://…, gs://…, az://… or https://…
#[derive(Debug, Subcommand)]
pub(crate) enum FilesCommand {
    /// List a folder of this machine or of a store.
    #[command(after_help = "Examples:
  rsk ls s3://bucket/logs
  rsk ls hdfs://host:9000/user/me
  AWS_PROFILE=test rsk ls --conf s3.endpoint=http://127.0.0.1:9000 s3://bucket

S3 takes AWS_… variables and the profiles of ~/.aws; HDFS HADOOP_CONF_DIR and HADOOP_USER_NAME; gs:// GOOGLE_…, az:// AZURE_….")]
    Ls {
        /// The folder.
        uri: String,
        #[command(flatten)]
        args: FilesArgs,
    },
    /// Print files, as they are.
    Cat {
        /// The files.
        #[arg(required = true)]
        uris: Vec<String>,
        #[command(flatten)]
        args: FilesArgs,
    },
    /// Bring a file into a store: all of it, or nothing.
    Put {
        /// A file of this machine; - is what comes in.
        file: String,
        /// Where it goes; with / at its end, into that folder.
        uri: String,
        /// Even if something is there.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        args: FilesArgs,
    },
    /// Bring a file of a store here.
    Get {
        /// The file.
        uri: String,
        /// Where it goes: a file or a folder of this machine; - is what goes out.
        #[arg(default_value = ".")]
        file: String,
        /// Even if something is there.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        args: FilesArgs,
    },
    /// Remove a file, or a folder and all in it.
    Rm {
        /// The file or the folder.
        uri: String,
        /// A folder, and all in it.
        #[arg(short, long)]
        recursive: bool,
        #[command(flatten)]
        args: FilesArgs,
    },
    /// Finish what jobs committed to an output and did not come to do, and remove what others left there.
    ///
    /// Uploads that were not completed are removed, too. Where a job still runs that has not committed, it fails; on local files
    /// it is left alone, and this is refused.
    CleanOutput {
        /// The output's folder.
        uri: String,
        #[command(flatten)]
        args: FilesArgs,
    },
    /// Say how many files are in a folder, and how large they are.
    Du {
        /// The folder.
        uri: String,
        #[command(flatten)]
        args: FilesArgs,
    },
}

impl FilesCommand {
    /// How stores are reached.
    pub(crate) fn args(&self) -> &FilesArgs {
        match self {
            FilesCommand::Ls { args, .. }
            | FilesCommand::Cat { args, .. }
            | FilesCommand::Put { args, .. }
            | FilesCommand::Get { args, .. }
            | FilesCommand::Rm { args, .. }
            | FilesCommand::CleanOutput { args, .. }
            | FilesCommand::Du { args, .. } => args,
        }
    }
}

/// Carries out one of them.
pub(crate) fn files(settings: &Settings, command: &FilesCommand) -> Result<()> {
    let storage = storage(settings, command.args())?;
    match command {
        FilesCommand::Ls { uri, .. } => {
            let entries = storage.entries(&Location::parse(uri)?)?;
            print(&table(&entries).print("nothing is in it"))
        }
        FilesCommand::Cat { uris, .. } => {
            let mut out = BufWriter::new(io::stdout().lock());
            for uri in uris {
                copied(storage.copy_out(&Location::parse(uri)?, &mut out))?;
            }
            copied(out.flush().map_err(|error| BrowseError::Copy(Location::from("stdout"), error)))
        }
        FilesCommand::Put { file, uri, force, .. } => {
            let name = file.rsplit('/').next().unwrap_or(file);
            let to = Location::parse(uri)?;
            let to = if uri.ends_with('/') { to.join(name) } else { to };
            let bytes = if file == STREAM {
                storage.copy_in(&mut io::stdin().lock(), &to, *force)?
            } else {
                let mut from = File::open(file).with_context(|| format!("cannot read {file:?}"))?;
                storage.copy_in(&mut from, &to, *force)?
            };
            print(&format!("{to}: {}\n", ByteSize(bytes)))
        }
        FilesCommand::Get { uri, file, force, .. } => get(&storage, uri, file, *force),
        FilesCommand::Rm { uri, recursive, .. } => {
            let at = Location::parse(uri)?;
            let files = storage.remove(&at, *recursive)?;
            print(&format!("{at}: {files} {} removed\n", if files == 1 { "file" } else { "files" }))
        }
        FilesCommand::CleanOutput { uri, .. } => {
            let out = Location::parse(uri)?;
            let cleaned = clean_output(&storage, &out)?;
            let Cleaned { published, deleted, undone, swept } = cleaned;
            print(&if cleaned != Cleaned::default() {
                format!(
                    "{out}: parts published {published}, replaced files deleted {deleted}, jobs undone {undone}, other \
                     leftovers removed {swept}\n"
                )
            } else if matches!(storage.entries(&out), Err(BrowseError::Missing(_))) {
                format!("{out}: nothing was left, and there is no output: check the path\n")
            } else {
                format!("{out}: nothing was left\n")
            })
        }
        FilesCommand::Du { uri, .. } => {
            let files = storage.files_below(&Location::parse(uri)?)?;
            let bytes = files.iter().filter_map(|file| file.bytes).sum();
            print(&format!("{} in {} files\n", ByteSize(bytes), files.len()))
        }
    }
}

/// A reader that left ends the program as it ends others.
fn copied<T>(outcome: Result<T, BrowseError>) -> Result<()> {
    match outcome {
        Err(BrowseError::Copy(_, error)) if error.kind() == ErrorKind::BrokenPipe => {
            Err(crate::ReaderLeft.into())
        }
        outcome => Ok(outcome.map(drop)?),
    }
}

fn get(storage: &Storage, uri: &str, file: &str, is_forced: bool) -> Result<()> {
    let from = Location::parse(uri)?;
    if file == STREAM {
        let mut out = BufWriter::new(io::stdout().lock());
        copied(storage.copy_out(&from, &mut out))?;
        return copied(out.flush().map_err(|error| BrowseError::Copy(Location::from("stdout"), error)));
    }
    let mut to = std::path::PathBuf::from(file);
    if to.is_dir() {
        to.push(from.name());
    }
    if !is_forced && to.exists() {
        return Err(BrowseError::Exists(to.into()).into());
    }
    // Beside its place until it is whole.
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(".".as_ref());
    let fail = || format!("cannot write {}", to.display());
    let rights = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let aside = tempfile::Builder::new().permissions(rights).tempfile_in(folder);
    let mut aside = aside.with_context(fail)?;
    let bytes = storage.copy_out(&from, &mut aside)?;
    let kept = if is_forced { aside.persist(&to) } else { aside.persist_noclobber(&to) };
    kept.map_err(|error| error.error).with_context(fail)?;
    print(&format!("{}: {}\n", to.display(), ByteSize(bytes)))
}

/// The stores, as the environment, `rsk.toml` and `--conf` say; settings of programs are none of theirs.
fn storage(settings: &Settings, args: &FilesArgs) -> Result<Storage> {
    let is_ours = |key: &str| ["s3.", "hdfs.", "storage."].iter().any(|prefix| key.starts_with(prefix));
    let of_file = settings.conf.iter().filter(|(key, _)| is_ours(key));
    let mut all: Vec<(String, String)> = of_file.map(|(key, value)| (key.clone(), value.clone())).collect();
    for typed in &args.conf {
        let (key, value) = typed.split_once('=').ok_or_else(|| anyhow!("--conf {typed}: write key=value"))?;
        all.push((key.to_owned(), value.to_owned()));
    }
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Storage::new(StorageConfig::collect(variables, &all)?))
}

fn table(entries: &[Entry]) -> Table {
    let mut table = Table::new(&[">SIZE", "CHANGED", "NAME"]);
    for entry in entries {
        let size = entry.bytes.map_or_else(|| "folder".to_owned(), |bytes| ByteSize(bytes).to_string());
        let changed = entry.changed.map_or_else(String::new, utc);
        table.row([size, changed, entry.location.to_string()]);
    }
    table
}

/// `2026-11-25 13:45:07`, in UTC.
fn utc(time: SystemTime) -> String {
    let time: chrono::DateTime<chrono::Utc> = time.into();
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}
