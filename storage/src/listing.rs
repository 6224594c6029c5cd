//! From what a user typed to the files it means.

mod glob;
mod typed;

use crate::WriteError;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// One file to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
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
    /// The path names a file system that this build does not know.
    #[error("cannot read {0:?}: this build reads local files; give a path, with or without file://")]
    Scheme(String),
    /// A device, a pipe or a socket.
    #[error("{0:?} is neither a file nor a folder: copy what comes out of it into a file, and read that")]
    NotAFile(PathBuf),
    /// It is there, but cannot be looked at.
    #[error("cannot list {0:?}: check that you may read it and the folders above it")]
    Io(PathBuf, #[source] io::Error),
}

/// The files that `paths` means: a path, a folder (its files), a pattern, or several of them between commas, each with or
/// without `file:` or `file://`.
///
/// Shape: in the order typed; the files of a folder or a pattern are sorted by path, and each comes once. Files whose
/// names begin with `.` or `_` are input only where the name is typed as far as that; folders in folders are not. An
/// empty folder gives no files.
///
/// A pattern has `*`, `?`, `[a-z]`, `[!a-z]` within a name, `**` for any depth of folders, and `{a,b}`, where the comma
/// belongs to the pattern.
///
/// Errors: nothing is there, or a pattern matches nothing; it cannot be read; it names another file system.
///
/// Cost: one look at each file.
///
/// ```
/// use rsk_storage::list;
/// let folder = tempfile::tempdir()?;
/// for name in ["b.log", "a.txt", "c.txt", "_SUCCESS"] {
///     std::fs::write(folder.path().join(name), name)?;
/// }
/// let folder = folder.path().display();
/// assert_eq!(list(&format!("{folder}"))?.len(), 3);
/// assert_eq!(list(&format!("file://{folder}/*.{{log,txt}}"))?.len(), 3);
/// assert_eq!(list(&format!("{folder}/c.txt,{folder}/b.*"))?.len(), 2);
/// assert!(list("s3://bucket/key").unwrap_err().to_string().contains("this build reads local files"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn list(paths: &str) -> Result<Vec<InputFile>, ListError> {
    let mut files = Vec::new();
    let mut is_empty = true;
    for typed in typed::split(paths) {
        is_empty = false;
        let local = typed::local(typed).ok_or_else(|| ListError::Scheme(typed.to_owned()))?;
        let is_pattern = glob::is_pattern(local);
        // A pattern that is no path, as it is too long for one, is still a pattern.
        let there = look(Path::new(local)).or_else(|error| if is_pattern { Ok(None) } else { Err(error) })?;
        if let Some(there) = there {
            add(PathBuf::from(local), &there, &mut files)?;
        } else if is_pattern {
            let found = glob::find(local).map_err(|error| error.of(typed))?;
            if found.is_empty() {
                return Err(ListError::Missing(typed.to_owned()));
            }
            let mut matching = Vec::with_capacity(found.len());
            for (path, there) in found {
                add(path, &there, &mut matching)?;
            }
            matching.sort_by(|a, b| a.path.cmp(&b.path));
            matching.dedup();
            files.append(&mut matching);
        } else {
            return Err(ListError::Missing(typed.to_owned()));
        }
    }
    if is_empty { Err(ListError::Missing(paths.to_owned())) } else { Ok(files) }
}

/// The folder that a user typed as an output, without its `file:` or `file://`.
///
/// ```
/// use rsk_storage::output_folder;
/// assert_eq!(output_folder("file:///tmp/out")?, std::path::Path::new("/tmp/out"));
/// assert!(output_folder("hdfs://host/out").is_err());
/// # Ok::<(), rsk_storage::WriteError>(())
/// ```
pub fn output_folder(typed: &str) -> Result<PathBuf, WriteError> {
    let local = typed::local(typed.trim()).ok_or_else(|| WriteError::Scheme(typed.to_owned()))?;
    Ok(PathBuf::from(local))
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
fn is_hidden(name: &std::ffi::OsStr) -> bool {
    matches!(name.as_encoded_bytes(), [b'.' | b'_', ..])
}

fn add(path: PathBuf, there: &fs::Metadata, files: &mut Vec<InputFile>) -> Result<(), ListError> {
    if there.is_file() {
        files.push(InputFile { path, bytes: there.len() });
        return Ok(());
    }
    if !there.is_dir() {
        return Err(ListError::NotAFile(path));
    }
    let start = files.len();
    for entry in entries(&path)? {
        if is_hidden(&entry.file_name()) {
            continue;
        }
        let path = path.join(entry.file_name());
        let there = look_at(&entry, &path)?;
        if there.is_file() {
            files.push(InputFile { path, bytes: there.len() });
        } else if !there.is_dir() {
            return Err(ListError::NotAFile(path));
        }
    }
    files[start..].sort_by(|a, b| a.path.cmp(&b.path));
    Ok(())
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
