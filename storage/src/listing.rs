//! From what a user typed to the files it means.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// One file to read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InputFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
}

/// The input cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Nothing is there.
    #[error("no input at {0:?}: check the path; a pattern must match at least one file")]
    Missing(String),
    /// The pattern is malformed.
    #[error("cannot understand the pattern {0:?}")]
    Pattern(String, #[source] glob::PatternError),
    /// It is there, but cannot be looked at.
    #[error("cannot list {0:?}")]
    Io(PathBuf, #[source] io::Error),
}

/// The files that `paths` means: a path, a directory (its files), a glob, or several of them between commas, each with
/// or without `file://`.
///
/// Shape: in the order typed, sorted within each; names that begin with `.` or `_` in a directory are not input.
pub fn list(paths: &str) -> Result<Vec<InputFile>, ListError> {
    let mut files = Vec::new();
    for typed in paths.split(',').map(str::trim).filter(|typed| !typed.is_empty()) {
        let local = typed.strip_prefix("file://").unwrap_or(typed);
        if local.contains(['*', '?', '[']) && !Path::new(local).exists() {
            let before = files.len();
            for found in glob::glob(local).map_err(|error| ListError::Pattern(typed.to_owned(), error))? {
                add(
                    &found.map_err(|error| ListError::Io(error.path().to_owned(), error.into()))?,
                    &mut files,
                )?;
            }
            if files.len() == before {
                return Err(ListError::Missing(typed.to_owned()));
            }
        } else if Path::new(local).exists() {
            add(Path::new(local), &mut files)?;
        } else {
            return Err(ListError::Missing(typed.to_owned()));
        }
    }
    if paths.trim().is_empty() { Err(ListError::Missing(paths.to_owned())) } else { Ok(files) }
}

fn add(path: &Path, files: &mut Vec<InputFile>) -> Result<(), ListError> {
    let fail = |error| ListError::Io(path.to_owned(), error);
    let found = fs::metadata(path).map_err(fail)?;
    if !found.is_dir() {
        files.push(InputFile { path: path.to_owned(), bytes: found.len() });
        return Ok(());
    }
    let start = files.len();
    for entry in fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".")
            || entry.file_name().as_encoded_bytes().starts_with(b"_")
        {
            continue;
        }
        let found = fs::metadata(entry.path()).map_err(|error| ListError::Io(entry.path(), error))?;
        if found.is_file() {
            files.push(InputFile { path: entry.path(), bytes: found.len() });
        }
    }
    files[start..].sort_by(|a, b| a.path.cmp(&b.path));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_a_directory_a_glob_and_a_list() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.txt", "a.txt", "_SUCCESS", ".hidden", "c.log"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let at = |name: &str| dir.path().join(name).display().to_string();
        let names = |typed: &str| -> Vec<String> {
            let files = list(typed).unwrap().into_iter();
            files.map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(&at("")), ["a.txt", "b.txt", "c.log"]);
        assert_eq!(names(&format!("file://{}", at("*.txt"))), ["a.txt", "b.txt"]);
        assert_eq!(names(&format!("{}, {}", at("c.log"), at("a.txt"))), ["c.log", "a.txt"]);
        for wrong in [at("none"), at("*.none"), String::new()] {
            assert!(matches!(list(&wrong), Err(ListError::Missing(_))), "{wrong}");
        }
    }
}
