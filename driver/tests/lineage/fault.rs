//! What goes wrong while a lineage runs: tasks that fail, map outputs that are lost or damaged, processes that die.
//!
//! A fault is a file, and whoever renames it makes it happen: so each happens once, whatever process that is.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};
use tempfile::TempDir;

/// In the order in which they happen; a task forgives three failures. A thread that aborts would take the test with it.
const IN_THREADS: [&str; 4] = ["0-panic", "1-lose", "2-panic", "3-damage"];
const IN_PROCESSES: [&str; 5] = ["0-panic", "1-lose", "2-abort", "3-damage", "4-panic"];

/// A folder for one context, with what is to go wrong in it.
pub(crate) struct Faults(TempDir);

impl Faults {
    pub(crate) fn none() -> Self {
        let dir = tempfile::tempdir().unwrap();
        ["work", "laid", "happened"].iter().for_each(|name| fs::create_dir(dir.path().join(name)).unwrap());
        Faults(dir)
    }

    pub(crate) fn laid(executors: &str) -> Self {
        let none = Faults::none();
        let faults: &[&str] = if executors == "threads" { &IN_THREADS } else { &IN_PROCESSES };
        faults.iter().for_each(|fault| fs::write(none.0.path().join("laid").join(fault), "").unwrap());
        none
    }

    /// What [`inject`] is called with.
    pub(crate) fn folder(&self) -> String {
        self.0.path().display().to_string()
    }

    pub(crate) fn work_dir(&self) -> PathBuf {
        self.0.path().join("work")
    }

    pub(crate) fn happened(&self) -> Vec<String> {
        files(&self.0.path().join("happened")).iter().map(|path| path.display().to_string()).collect()
    }
}

/// Now and then makes one of the faults happen that are left.
pub(crate) fn inject(folder: &str) {
    static PASSED: AtomicU64 = AtomicU64::new(0);
    // Only some of the records that pass are unlucky.
    if !PASSED.fetch_add(1, Relaxed).is_multiple_of(8) {
        return;
    }
    let folder = Path::new(folder);
    let outputs =
        || files(&folder.join("work")).into_iter().filter(|file| file.extension() == Some("data".as_ref()));
    let mut laid = files(&folder.join("laid"));
    laid.sort();
    for fault in laid {
        let name = fault.file_name().unwrap_or_default().to_owned();
        let kind = name.to_string_lossy().into_owned();
        let victim = outputs().next();
        let needs_victim = kind.ends_with("lose") || kind.ends_with("damage");
        if needs_victim && victim.is_none() {
            continue;
        }
        // Another task may have been faster.
        if fs::rename(&fault, folder.join("happened").join(name)).is_err() {
            continue;
        }
        match (kind.split_once('-').map(|(_, kind)| kind), victim) {
            (Some("panic"), _) => panic!("an injected failure"),
            (Some("abort"), _) => std::process::abort(),
            // The shuffle may have ended meanwhile, and its files with it.
            (Some("lose"), Some(victim)) => fs::remove_file(victim).unwrap_or(()),
            (Some("damage"), Some(victim)) => damage(&victim),
            unknown => panic!("no such fault: {unknown:?}"),
        }
        return;
    }
}

fn damage(file: &Path) {
    let Ok(mut bytes) = fs::read(file) else { return };
    bytes.iter_mut().step_by(3).for_each(|byte| *byte ^= 0x55);
    fs::write(file, bytes).unwrap_or(());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
