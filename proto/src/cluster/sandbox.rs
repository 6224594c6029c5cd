//! Where files go in the folder of an executor or of a driver that the cluster runs.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

/// The program in its sandbox.
pub const SANDBOX_PROGRAM: &str = "program";
/// Names that the cluster itself uses there.
const TAKEN: [&str; 5] = [SANDBOX_PROGRAM, "stdout", "stderr", "tmp", "work"];

/// A file cannot have this name in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a file cannot go to {0:?} in the sandbox: give it another name, a relative path that is none of {taken}",
    taken = TAKEN.join(", ")
)]
pub struct SandboxNameError(pub String);

/// Where a file of this name goes: into the sandbox, and to no place that is taken.
///
/// ```
/// # use rsk_proto::in_sandbox;
/// assert_eq!(in_sandbox("data/words.txt")?.to_str(), Some("data/words.txt"));
/// assert!(in_sandbox("../words.txt").is_err() && in_sandbox("stdout").is_err());
/// # Ok::<(), rsk_proto::SandboxNameError>(())
/// ```
pub fn in_sandbox(name: &str) -> Result<&Path, SandboxNameError> {
    let path = Path::new(name);
    let is_inside = !name.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside || TAKEN.iter().any(|taken| path.starts_with(taken)) {
        return Err(SandboxNameError(name.to_owned()));
    }
    Ok(path)
}

/// Files that are brought beside a program cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxFilesError {
    /// There is none.
    #[error("{0:?} is no file: write FILE or NAME=FILE, with commas between several")]
    NoFile(PathBuf),
    /// One cannot have its name.
    #[error(transparent)]
    Name(#[from] SandboxNameError),
    /// Two have one name.
    #[error("there are two files {0}: give one another name, NAME=FILE")]
    Twice(String),
}

/// Files by the names that they are to have in sandboxes, each typed as `FILE` or `NAME=FILE`. Looks whether they are there.
///
/// ```
/// # use rsk_proto::sandbox_files;
/// assert!(sandbox_files(["a=no/such"]).unwrap_err().to_string().contains("is no file"));
/// ```
pub fn sandbox_files<'a>(
    typed: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, PathBuf>, SandboxFilesError> {
    let mut all = BTreeMap::new();
    for typed in typed {
        let last = || Path::new(typed).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (name, path) =
            typed.split_once('=').map_or_else(|| (last(), typed), |(name, path)| (name.to_owned(), path));
        in_sandbox(&name)?;
        let path = PathBuf::from(path);
        if !path.is_file() {
            return Err(SandboxFilesError::NoFile(path));
        }
        if all.insert(name.clone(), path).is_some() {
            return Err(SandboxFilesError::Twice(name));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_in_the_sandbox() {
        for name in ["a", "a/b.txt", "stdout.txt", "programs"] {
            assert_eq!(in_sandbox(name).unwrap(), Path::new(name));
        }
        for name in ["", "/etc/x", "../x", "a/../../x", "stdout", "program", "tmp/x", "./x", "work/spill"] {
            assert!(in_sandbox(name).unwrap_err().to_string().contains("another name"), "{name}");
        }
    }
}
