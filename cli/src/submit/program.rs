//! The program that somebody names: where it is, and whether it is one.

use anyhow::{Context, Result, anyhow, bail};
use rsk_proto::Cause;
use rsk_scheduler::agent::Needs;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A program that can be started.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Its file name.
    pub(super) name: String,
}

impl Program {
    /// What it needs of a machine that runs it.
    ///
    /// Errors: it is neither a program nor a script.
    pub(super) fn needs(&self) -> Result<Needs> {
        let why = |cause: Cause| anyhow!(cause.chain().collect::<Vec<_>>().join(": "));
        Needs::of(&self.path).map_err(why).with_context(|| format!("cannot start {}", self.path.display()))
    }
}

/// Finds it in the current folder, or else as a shell would.
///
/// Errors: it is not there, no file, or not executable.
pub(super) fn find(typed: &str) -> Result<Program> {
    let mut path = PathBuf::from(typed);
    if !typed.contains('/') && !path.exists() {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let found =
            std::env::split_paths(&folders).map(|folder| folder.join(typed)).find(|path| is_program(path));
        let Some(found) = found else {
            bail!(
                "there is no program {typed:?}, neither here nor in PATH: give its path, such as ./target/release/{typed}"
            )
        };
        path = found;
    }
    let path = std::path::absolute(&path).with_context(|| format!("cannot use {typed:?}"))?;
    let file = fs::metadata(&path).with_context(|| format!("there is no program {typed:?}"))?;
    if !file.is_file() {
        bail!("{typed:?} is no program: it is no file");
    }
    if !is_program(&path) {
        bail!(
            "{typed:?} is not executable: is it the program that you have built? (`chmod +x` makes a script one)"
        );
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Program { path, name })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_and_what_is_none_is_named() {
        assert_eq!(find("sh").unwrap().name, "sh");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.txt");
        fs::write(&file, "x").unwrap();
        for (typed, says) in [
            ("no-such-program", "neither here nor in PATH"),
            ("/no/such/program", "there is no program"),
            (folder.path().to_str().unwrap(), "is no file"),
            (file.to_str().unwrap(), "is not executable"),
        ] {
            let error = find(typed).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
