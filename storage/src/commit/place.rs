//! Where an output is, what lies beside it while it is made, and the folders above it.

use super::{
    SaveMode,
    crash::{Role, point},
    entry::HALF,
    job,
    shell::Shell,
    store::CommitStore,
};
use crate::{Location, WriteError};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Removes what jobs left beside the output that did not come to give it their folder's name, or to remove the one that
/// they replaced; says how many.
pub(super) fn sweep_beside(shell: &Shell) -> Result<usize, WriteError> {
    let Shell { store, out } = shell;
    let Some((folder, start)) = place_beside(out) else { return Ok(0) };
    let mut swept = 0;
    for name in store.beside(&folder, &start)? {
        if name.strip_prefix(&start).is_some_and(is_left) {
            store.delete_folder(&folder.join(&name))?;
            point(Role::Commit, "a folder that was left is swept");
            swept += 1;
        }
    }
    Ok(swept)
}

pub(super) fn is_remote(out: &Location) -> bool {
    matches!(out, Location::Remote(..))
}

/// The folder that an output is in, and how the names of folders begin that are made beside it.
pub(super) fn place_beside(out: &Location) -> Option<(Location, String)> {
    let name = out.name();
    let start = format!("{HALF}{name}.");
    match out {
        _ if name.is_empty() => None,
        Location::Local(path) => Some((path.parent()?.into(), start)),
        Location::Remote(root, path) => {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            Some((Location::Remote(root.clone(), folder.into()), start))
        }
    }
}

pub(super) fn beside(out: &Location, job: &str) -> Location {
    place_beside(out).map_or_else(|| out.clone(), |(folder, start)| folder.join(&format!("{start}{job}")))
}

/// Is it the end of a name that this or another process gave to what is half made?
fn is_left(end: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    job::is_name(end)
        || end.split_once('-').is_some_and(|(process, next)| is_number(process) && is_number(next))
}

/// The output itself where what was typed is a link, or leads through `..`: what is there is replaced, and not the link.
pub(super) fn real(out: &Location, mode: SaveMode) -> Location {
    match out {
        Location::Local(path) if mode != SaveMode::Error => {
            path.canonicalize().map_or_else(|_| out.clone(), Location::Local)
        }
        _ => out.clone(),
    }
}

/// Makes the folders above an output; gives the outermost that was not there.
pub(super) fn make_parents(store: &dyn CommitStore, out: &Location) -> Result<Option<PathBuf>, WriteError> {
    let Location::Local(path) = out else { return Ok(None) };
    let there = |path: &Path| fs::symlink_metadata(path).is_ok();
    let parents = path.ancestors().skip(1).take_while(|path| !path.as_os_str().is_empty() && !there(path));
    let outermost = parents.last().map(Path::to_owned);
    if let Some(parent) = path.parent().filter(|_| outermost.is_some()) {
        store.make_folder(&parent.into()).map_err(|error| {
            remove_empty(out, outermost.as_deref());
            match error {
                WriteError::Folder(_, error) => WriteError::Folder(out.clone(), error),
                error => error,
            }
        })?;
    }
    Ok(outermost)
}

/// Removes the folders above an output out to `outermost`, as long as they are empty or not there.
pub(super) fn remove_empty(out: &Location, outermost: Option<&Path>) {
    let (Some(path), Some(outermost)) = (out.local(), outermost) else { return };
    for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(outermost)) {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return,
            _ => {}
        }
    }
}
