//! Files that are brought beside a program.

use anyhow::{Result, bail};
use rsk_proto::in_sandbox;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Each `FILE` or `NAME=FILE`.
///
/// Errors: one is no file, or cannot have its name; two have one name.
pub(super) fn parse(typed: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let mut all = BTreeMap::new();
    for typed in typed {
        let last = || Path::new(typed).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (name, path) = typed
            .split_once('=')
            .map_or_else(|| (last(), typed.as_str()), |(name, path)| (name.to_owned(), path));
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("--files {typed:?} is no file: FILE or NAME=FILE, with commas between several");
        }
        if let Err(error) = in_sandbox(&name) {
            bail!("--files {typed:?}: {error}");
        }
        if all.insert(name.clone(), path).is_some() {
            bail!("--files has two files {name}: give one another name, NAME=FILE");
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_taken_apart_and_what_is_wrong_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("words.txt");
        std::fs::write(&file, "x").unwrap();
        let path = file.to_str().unwrap();
        let all = parse(&[path.to_owned(), format!("data/in.txt={path}")]).unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["data/in.txt", "words.txt"]);
        let taken = format!("stdout={path}");
        for wrong in [&["no/such/file"][..], &["="], &[path, path], &["x=no/such/file"], &[&taken]] {
            let wrong: Vec<_> = wrong.iter().map(|one| (*one).to_owned()).collect();
            assert!(parse(&wrong).unwrap_err().to_string().starts_with("--files "), "{wrong:?}");
        }
    }
}
