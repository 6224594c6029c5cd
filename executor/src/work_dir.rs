//! The folder of one executor's own files: map outputs, spills, cached blocks. It goes with the executor.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

const PREFIX: &str = "rsk-";
const LOCK: &str = "lock";

/// A work directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} work directory {path:?}: choose one that can be written with --conf work_dir=DIR")]
pub struct WorkDirError {
    /// The folder.
    pub path: PathBuf,
    /// What was tried.
    pub doing: &'static str,
    /// Why it failed.
    pub source: io::Error,
}

/// A folder under a parent that several programs may share, locked while it is in use, removed when dropped.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    shuffle: PathBuf,
    /// Held by the owner; an executor process that only uses the folder has none.
    lock: Option<File>,
}

impl WorkDir {
    /// Makes a folder under `parent`, after removing those that killed programs left there.
    pub fn create(parent: &Path) -> Result<WorkDir, WorkDirError> {
        let fail = |doing| move |source| WorkDirError { path: parent.to_owned(), doing, source };
        fs::create_dir_all(parent).map_err(fail("create"))?;
        sweep(parent);
        // Until it is whole it goes again by itself: on a full disk not even an empty folder stays.
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent).map_err(fail("write to"))?;
        let path = folder.path().to_owned();
        // Locked before it has its name: another program's sweep never finds it free.
        let unnamed = path.join("lock.new");
        let lock = File::create(&unnamed).map_err(fail("write to"))?;
        lock.try_lock().map_err(|error| fail("lock")(io::Error::from(error)))?;
        fs::rename(&unnamed, path.join(LOCK)).map_err(fail("write to"))?;
        for name in ["shuffle", "spill", "block", "result"] {
            fs::create_dir(path.join(name)).map_err(fail("write to"))?;
        }
        let path = folder.keep();
        Ok(WorkDir { shuffle: path.join("shuffle"), path, lock: Some(lock) })
    }

    /// The folder of another process, which keeps it and removes it.
    pub fn of_another(path: PathBuf) -> WorkDir {
        WorkDir { shuffle: path.join("shuffle"), path, lock: None }
    }

    /// Folders in the sandbox that an agent gave the executor, with map outputs where the agent serves them from. The
    /// agent removes both.
    pub fn in_sandbox(sandbox: &Path, shuffle: &Path) -> Result<WorkDir, WorkDirError> {
        let path = sandbox.join("work");
        let folders = ["spill", "block", "result"].map(|name| path.join(name));
        for folder in folders.iter().map(PathBuf::as_path).chain([shuffle]) {
            fs::create_dir_all(folder).map_err(|source| WorkDirError {
                path: folder.to_owned(),
                doing: "create",
                source,
            })?;
        }
        Ok(WorkDir { path, shuffle: shuffle.to_owned(), lock: None })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Map outputs: one folder a shuffle.
    pub fn shuffle(&self) -> PathBuf {
        self.shuffle.clone()
    }

    /// Runs that did not fit in memory; each is removed by whoever wrote it.
    pub fn spill(&self) -> PathBuf {
        self.path.join("spill")
    }

    /// Cached blocks on disk.
    pub fn block(&self) -> PathBuf {
        self.path.join("block")
    }

    /// Task results too large to travel inside a message.
    pub fn result(&self) -> PathBuf {
        self.path.join("result")
    }

    /// Removes everything now, for a process that is about to exit without unwinding. Once is enough.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, path = %self.path.display(), "cannot remove the work directory");
        }
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if self.lock.is_some() {
            self.remove();
        }
    }
}

/// Removes folders whose program is gone: their lock is free. A folder without a lock file is being made.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() && fs::remove_dir_all(entry.path()).is_ok() {
            tracing::info!(path = %entry.path().display(), "removed what a killed program left");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_owner_and_a_dead_ones_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join("rsk-dead");
        fs::create_dir(&left).unwrap();
        File::create(left.join(LOCK)).unwrap();
        let first = WorkDir::create(parent.path()).unwrap();
        assert!(!left.exists());
        let second = WorkDir::create(parent.path()).unwrap();
        assert!(first.path().exists(), "a folder in use is left alone");
        let paths = [first.path().to_owned(), second.path().to_owned()];
        drop((first, second));
        assert!(paths.iter().all(|path| !path.exists()));
    }

    #[test]
    fn folders_made_at_once_do_not_sweep_one_another() {
        let parent = tempfile::tempdir().unwrap();
        std::thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    for _ in 0..100 {
                        let made = WorkDir::create(parent.path()).unwrap();
                        assert!(made.shuffle().exists());
                    }
                });
            }
        });
    }

    #[test]
    fn an_unwritable_parent_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = WorkDir::create(&file.path().join("under")).unwrap_err().to_string();
        assert!(error.contains("work_dir=DIR"), "{error}");
    }
}
