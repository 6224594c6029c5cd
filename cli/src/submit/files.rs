//! Files that are brought beside a program.

use anyhow::{Result, anyhow};
use rsk_proto::sandbox_files;
use std::{collections::BTreeMap, path::PathBuf};

/// Each `FILE` or `NAME=FILE`.
///
/// Errors: one is no file, or cannot have its name; two have one name.
pub(super) fn parse(typed: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let all = sandbox_files(typed.iter().map(String::as_str));
    all.map_err(|error| anyhow!("--files {}: {error}", typed.join(",")))
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
