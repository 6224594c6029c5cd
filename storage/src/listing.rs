//! From what a user typed to the files it means.

mod glob;
mod remote;
mod stamp;
mod typed;

pub use stamp::Stamp;

use crate::{
    ClientError, Location, LocationError, Storage, WriteError,
    commit::{OWN_FOLDER, Readable, Unreadable, readable},
};
use rsk_proto::Cause;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// One file to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InputFile {
    /// Where it is.
    pub location: Location,
    /// Its length.
    pub bytes: u64,
    /// What tells it from another of the same length in its place.
    pub stamp: Stamp,
}

impl InputFile {
    /// A file of this length, whatever it holds.
    ///
    /// ```
    /// use rsk_storage::InputFile;
    /// assert_eq!(InputFile::new("a.txt", 7).bytes, 7);
    /// ```
    pub fn new(location: impl Into<Location>, bytes: u64) -> Self {
        InputFile { location: location.into(), bytes, stamp: Stamp::default() }
    }
}

/// The input cannot be listed. Each names what was typed, or where it is.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Nothing is there.
    #[error("no input at {0:?}: check the path; a pattern must match at least one file")]
    Missing(String),
    /// The pattern is malformed.
    #[error("cannot understand the pattern {typed:?}: {why}")]
    Pattern {
        /// What was typed.
        typed: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is no path and no URI of a store.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// A web server tells nobody what files it has.
    #[error("{0:?} is a pattern, and a web server does not list its files: name each of them")]
    Unlisted(String),
    /// The store cannot be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The store did not list it.
    #[error("cannot list {0:?}")]
    Store(Location, #[source] Cause),
    /// A device, a pipe or a socket.
    #[error("{0:?} is neither a file nor a folder: copy what comes out of it into a file, and read that")]
    NotAFile(PathBuf),
    /// The log of an output names a file that is not there any more.
    #[error(
        "{0:?} is gone, or has another length, and the log of its folder names it: put it back, or remove the log (the folder \
         _rsk) to read what is left"
    )]
    Gone(Location),
    /// A job has committed, and ended before its files could be seen.
    #[error("{0:?} is committed, but not published yet: a job is doing it now, or rsk clean-output will")]
    Unfinished(Location),
    /// The log of an output cannot be read.
    #[error("cannot read the log of {0:?}")]
    Log(Location, #[source] Box<WriteError>),
    /// It is there, but cannot be looked at.
    #[error("cannot list {0:?}: check that you may read it and the folders above it")]
    Io(PathBuf, #[source] io::Error),
}

impl Storage {
    /// The files that `paths` means: a path, a folder (its files), a pattern, or several of them between commas, each with or
    /// without a scheme of [`Scheme`](crate::Scheme).
    ///
    /// Shape: in the order typed; the files of a folder or a pattern are sorted by path, and each comes once. Files whose
    /// names begin with `.` or `_` are input only where the name is typed as far as that; folders in folders are not. An
    /// empty folder gives no files.
    ///
    /// A pattern has `*`, `?`, `[a-z]`, `[!a-z]` within a name, `**` for any depth of folders, and `{a,b}`, where the comma
    /// belongs to the pattern.
    ///
    /// Errors: nothing is there, or a pattern matches nothing; it cannot be read; its scheme is unknown.
    ///
    /// Cost: one look at each file; of a store, a request for each path and for each thousand files below a folder or below
    /// what stands before a pattern's first special letter.
    ///
    /// ```
    /// use rsk_storage::Storage;
    /// let folder = tempfile::tempdir()?;
    /// for name in ["b.log", "a.txt", "c.txt", "_SUCCESS"] {
    ///     std::fs::write(folder.path().join(name), name)?;
    /// }
    /// let (storage, folder) = (Storage::default(), folder.path().display());
    /// assert_eq!(storage.list(&format!("{folder}"))?.len(), 3);
    /// assert_eq!(storage.list(&format!("file://{folder}/*.{{log,txt}}"))?.len(), 3);
    /// assert_eq!(storage.list(&format!("{folder}/c.txt,{folder}/b.*"))?.len(), 2);
    /// assert!(storage.list("ftp://host/a").unwrap_err().to_string().contains("nobody knows the scheme"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn list(&self, paths: &str) -> Result<Vec<InputFile>, ListError> {
        let mut files = Vec::new();
        let mut is_empty = true;
        for typed in typed::split(paths) {
            is_empty = false;
            match Location::parse(typed)? {
                Location::Local(path) => add_local(typed, &path, &mut files)?,
                Location::Remote(root, path) => files.append(&mut remote::list(self, typed, &root, &path)?),
            }
        }
        if is_empty { Err(ListError::Missing(paths.to_owned())) } else { Ok(files) }
    }
}

fn add_local(typed: &str, path: &Path, files: &mut Vec<InputFile>) -> Result<(), ListError> {
    let pattern = path.to_str().filter(|path| glob::is_pattern(path));
    // A pattern that is no path, as it is too long for one, is still a pattern.
    let there = look(path).or_else(|error| if pattern.is_some() { Ok(None) } else { Err(error) })?;
    if let Some(there) = there {
        return add(path.to_owned(), &there, files);
    }
    let pattern = pattern.ok_or_else(|| ListError::Missing(typed.to_owned()))?;
    let found = glob::find(pattern).map_err(|error| error.of(typed))?;
    if found.is_empty() {
        return Err(ListError::Missing(typed.to_owned()));
    }
    let mut matching = Vec::with_capacity(found.len());
    for (path, there) in found {
        add(path, &there, &mut matching)?;
    }
    matching.sort();
    // Looked at twice, it may have grown meanwhile.
    matching.dedup_by(|a, b| a.location == b.location);
    files.append(&mut matching);
    Ok(())
}

/// So often a log is looked at while somebody writes.
const LOOKS_MAX: usize = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What an output holds by its log, in the order in which jobs wrote it; nothing where it has no log.
///
/// Somebody may write there meanwhile: what does not fit together is looked at again.
fn by_log(storage: &Storage, folder: &Location) -> Result<Option<Vec<InputFile>>, ListError> {
    for _ in 0..LOOKS_MAX {
        match by_log_now(storage, folder) {
            Err(ListError::Gone(_)) => {}
            Err(ListError::Io(_, error)) if error.kind() == io::ErrorKind::NotFound => {}
            listed => return listed,
        }
        thread::sleep(LOOK_AGAIN);
    }
    by_log_now(storage, folder)
}

fn by_log_now(storage: &Storage, folder: &Location) -> Result<Option<Vec<InputFile>>, ListError> {
    let look = || readable(storage, folder).map_err(|error| ListError::Log(folder.clone(), Box::new(error)));
    let found = look()?;
    let asked = found.clone();
    let named = match found {
        None => return Ok(None),
        Some(Ok(named)) => named,
        Some(Err(Unreadable::Gone(name))) => return Err(ListError::Gone(folder.join(&name))),
        Some(Err(Unreadable::Unfinished(name))) => return Err(ListError::Unfinished(folder.join(&name))),
    };
    let files = named
        .into_iter()
        .map(|Readable { at, bytes, tag }| match at.local() {
            Some(path) => match fs::metadata(path) {
                Ok(there) if there.len() == bytes => Ok(file(path.to_owned(), &there)),
                // It is being published or replaced at this moment, or somebody else did something to it.
                Ok(_) => Err(ListError::Gone(at.clone())),
                Err(error) => Err(ListError::Io(path.to_owned(), error)),
            },
            None => Ok(InputFile { location: at, bytes, stamp: Stamp::of_tag(tag) }),
        })
        .collect::<Result<_, _>>()?;
    // A folder that took this one's place has files of the same names.
    if folder.local().is_some() && look()? != asked {
        return Err(ListError::Gone(folder.clone()));
    }
    Ok(Some(files))
}

/// What is at `path`, if something is.
fn look(path: &Path) -> Result<Option<fs::Metadata>, ListError> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(ListError::Io(path.to_owned(), error)),
        },
    }
}

/// Is a name that was not typed one to pass over?
fn is_hidden(name: impl AsRef<std::ffi::OsStr>) -> bool {
    matches!(name.as_ref().as_encoded_bytes(), [b'.' | b'_', ..])
}

fn add(path: PathBuf, there: &fs::Metadata, files: &mut Vec<InputFile>) -> Result<(), ListError> {
    if there.is_file() {
        files.push(file(path, there));
        return Ok(());
    }
    if !there.is_dir() {
        return Err(ListError::NotAFile(path));
    }
    let start = files.len();
    let entries = entries(&path)?;
    if entries.iter().any(|entry| entry.file_name() == OWN_FOLDER)
        && let Some(mut logged) = by_log(&Storage::default(), &path.as_path().into())?
    {
        files.append(&mut logged);
        return Ok(());
    }
    for entry in entries {
        if is_hidden(entry.file_name()) {
            continue;
        }
        let path = path.join(entry.file_name());
        let there = look_at(&entry, &path)?;
        if there.is_file() {
            files.push(file(path, &there));
        } else if !there.is_dir() {
            return Err(ListError::NotAFile(path));
        }
    }
    files[start..].sort();
    Ok(())
}

fn file(path: PathBuf, there: &fs::Metadata) -> InputFile {
    InputFile { location: Location::Local(path), bytes: there.len(), stamp: Stamp::of_local(there) }
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, ListError> {
    let fail = |error| ListError::Io(folder.to_owned(), error);
    fs::read_dir(folder).map_err(fail)?.map(|entry| entry.map_err(fail)).collect()
}

/// What an entry is, or what it links to.
///
/// Cost: a link apart, its path is not walked again.
fn look_at(entry: &fs::DirEntry, path: &Path) -> Result<fs::Metadata, ListError> {
    let there = match entry.metadata() {
        Ok(there) if there.is_symlink() => fs::metadata(path),
        there => there,
    };
    there.map_err(|error| ListError::Io(path.to_owned(), error))
}

#[cfg(test)]
mod tests;
