//! Files that a program is started with, and where they are: in the driver, and wherever its tasks run.

use crate::{Error, Result};
use parking_lot::RwLock;
use rsk_proto::{in_sandbox, sandbox_files};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
};

/// Where an executor process of this driver finds what [`HERE`] says: lines of names and paths, in turn.
pub(crate) const OF_CHILD: &str = "RSK_FILES";
/// The folder of an executor that an agent started.
const SANDBOX: &str = "RSK_SANDBOX";

/// The driver's own.
static HERE: RwLock<BTreeMap<String, PathBuf>> = RwLock::new(BTreeMap::new());

/// Where a file is on this machine that the program was started with: `rsk submit --files words.txt,data/in=other.txt`, or
/// `--conf files=…` without `rsk submit`.
///
/// It works in the driver, once there is a context, and in tasks; on `local`, in client mode and in cluster mode. Executors
/// of a cluster get each file once, into their sandbox: what is there is not to be written to.
///
/// Errors: there is no such file.
///
/// ```
/// use rsk::prelude::*;
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("stop.txt"), "the a")?;
/// let mut config = rsk::Config::default();
/// config.set(&format!("files={}", folder.path().join("stop.txt").display()))?;
/// let ctx = rsk::Context::with_config("local", config)?;
/// let words = ctx.parallelize(vec!["the".to_owned(), "tree".to_owned()], 1)?;
/// let kept = words.try_map_partitions(|words| {
///     let stop = std::fs::read_to_string(rsk::file("stop.txt")?)?;
///     Ok::<_, rsk::Error>(words.filter(move |word| !stop.contains(word.as_str())).collect::<Vec<_>>())
/// });
/// assert_eq!(kept.collect()?, ["tree"]);
/// assert!(rsk::file("go.txt").unwrap_err().to_string().contains("--files"));
/// # Ok::<(), rsk::Error>(())
/// ```
pub fn file(name: &str) -> Result<PathBuf> {
    if let Some(path) = HERE.read().get(name) {
        return Ok(path.clone());
    }
    let of_child = std::env::var_os(OF_CHILD).and_then(|text| from_text(&text).remove(name));
    let sandbox = || {
        let path = PathBuf::from(std::env::var_os(SANDBOX)?).join(in_sandbox(name).ok()?);
        path.is_file().then_some(path)
    };
    of_child.or_else(sandbox).ok_or_else(|| Error::NoFile {
        name: name.to_owned(),
        known: HERE.read().keys().cloned().collect::<Vec<_>>().join(", "),
    })
}

/// From now on these are the driver's.
pub(crate) fn are(files: &BTreeMap<String, PathBuf>) {
    HERE.write().extend(files.iter().map(|(name, path)| (name.clone(), path.clone())));
}

/// `FILE,NAME=FILE,…`
///
/// Errors: why they cannot be used.
pub(crate) fn parse(typed: &str) -> Result<BTreeMap<String, PathBuf>, String> {
    let typed = typed.split(',').filter(|typed| !typed.is_empty());
    let all = sandbox_files(typed).map_err(|error| error.to_string())?;
    let absolute = |(name, path): (String, PathBuf)| {
        let path = std::path::absolute(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((name, path))
    };
    all.into_iter().map(absolute).collect()
}

/// For [`OF_CHILD`].
pub(crate) fn to_text(files: &BTreeMap<String, PathBuf>) -> OsString {
    let mut text = Vec::new();
    for (name, path) in files {
        for part in [name.as_bytes(), path.as_os_str().as_bytes()] {
            text.extend_from_slice(part);
            text.push(b'\n');
        }
    }
    OsString::from_vec(text)
}

fn from_text(text: &std::ffi::OsStr) -> BTreeMap<String, PathBuf> {
    let parts: Vec<_> = text.as_bytes().split(|byte| *byte == b'\n').collect();
    let pair = |pair: &[&[u8]]| {
        (String::from_utf8_lossy(pair[0]).into_owned(), PathBuf::from(OsString::from_vec(pair[1].to_vec())))
    };
    parts.chunks_exact(2).map(pair).collect()
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
        let all = parse(&format!("{path},data/in.txt={path}")).unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["data/in.txt", "words.txt"]);
        assert_eq!(from_text(&to_text(&all)), all);
        assert_eq!(parse(""), Ok(BTreeMap::new()));
        for (wrong, says) in [
            ("no/such".to_owned(), "is no file"),
            ("=".to_owned(), "another name"),
            (format!("stdout={path}"), "another name"),
            (format!("{path},{path}"), "two files words.txt"),
        ] {
            assert!(parse(&wrong).unwrap_err().contains(says), "{wrong}");
        }
    }
}
