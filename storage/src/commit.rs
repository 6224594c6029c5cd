//! Output that is all there or not there: parts are written aside, and appear when the job has them all.

use crate::{PartFile, WriteError};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The output folder of one job. Dropped before [`OutputCommit::commit`], it leaves nothing of its own.
///
/// Shape: `prepare (commit_part)* commit`. Until `commit`, there is no `_SUCCESS`; parts that are not published lie in
/// `_temporary`.
///
/// Bounds: it removes only the parts that it published and the folders that it made, these only when nothing else is in
/// them. The folder is held open, so that another in its place is never taken for it.
///
/// ```
/// use rsk_storage::{OutputCommit, WriteError};
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("a/b/out");
/// let output = OutputCommit::prepare(&folder)?;
/// assert!(matches!(OutputCommit::prepare(&folder), Err(WriteError::Exists(_))));
/// output.commit()?;
/// assert!(folder.join("_SUCCESS").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OutputCommit {
    folder: PathBuf,
    /// The folder itself, whatever is at its path by now.
    made: File,
    /// The outermost folder that was made for it.
    outermost: PathBuf,
    published: Mutex<BTreeSet<String>>,
    is_committed: bool,
}

/// Where parts are written that are not published.
pub(crate) fn aside(folder: &Path) -> PathBuf {
    folder.join("_temporary")
}

impl OutputCommit {
    /// Makes the folder, which must not exist, and its parents, which may.
    ///
    /// Errors: something is there, an empty folder too, so of two jobs with one output the second is refused; a parent
    /// is no folder, or not writable.
    pub fn prepare(folder: &Path) -> Result<OutputCommit, WriteError> {
        let fail = |error: io::Error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => WriteError::Full(folder.to_owned()),
            _ => WriteError::Folder(folder.to_owned(), error),
        };
        let there = |path: &Path| fs::symlink_metadata(path).is_ok();
        if there(folder) {
            return Err(WriteError::Exists(folder.to_owned()));
        }
        let outermost =
            folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !there(path)).last();
        let outermost = outermost.unwrap_or(folder).to_owned();
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent).map_err(|error| {
                remove_empty(folder, &outermost);
                fail(error)
            })?;
        }
        let made = fs::create_dir(folder).and_then(|()| File::open(folder));
        let made = made.map_err(|error| {
            // Another job was faster.
            if error.kind() == io::ErrorKind::AlreadyExists {
                return WriteError::Exists(folder.to_owned());
            }
            remove_empty(folder, &outermost);
            fail(error)
        })?;
        // From here on, what was made is removed again unless all goes well.
        let output = OutputCommit {
            folder: folder.to_owned(),
            made,
            outermost,
            published: Mutex::default(),
            is_committed: false,
        };
        fs::create_dir(aside(folder)).map_err(fail)?;
        Ok(output)
    }

    /// Publishes one part.
    ///
    /// Errors: another attempt of the same partition was published before: that one stays.
    pub fn commit_part(&self, part: &PartFile) -> Result<(), WriteError> {
        let target = self.folder.join(&part.name);
        self.check_ours()?;
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if published.contains(&part.name) {
            return Err(WriteError::Published(target));
        }
        if fs::symlink_metadata(&target).is_ok() {
            return Err(WriteError::Exists(target));
        }
        fs::rename(&part.aside, &target).map_err(WriteError::of(&target))?;
        published.insert(part.name.clone());
        Ok(())
    }

    /// Says that all parts are there.
    pub fn commit(mut self) -> Result<(), WriteError> {
        self.check_ours()?;
        remove_aside(&self.folder).map_err(WriteError::of(&self.folder))?;
        let success = self.folder.join("_SUCCESS");
        File::create_new(&success).map_err(WriteError::of(&success))?;
        self.is_committed = true;
        Ok(())
    }

    fn check_ours(&self) -> Result<(), WriteError> {
        let same = |there: &fs::Metadata, made: &fs::Metadata| {
            (there.dev(), there.ino()) == (made.dev(), made.ino())
        };
        match (fs::metadata(&self.folder), self.made.metadata()) {
            (Ok(there), Ok(made)) if same(&there, &made) => Ok(()),
            _ => Err(WriteError::Gone(self.folder.clone())),
        }
    }
}

/// An attempt that does not know yet that it is superfluous may write a file meanwhile: it is removed with the next try.
fn remove_aside(folder: &Path) -> io::Result<()> {
    let mut tried = Ok(());
    for _ in 0..10 {
        tried = fs::remove_dir_all(aside(folder));
        match &tried {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            _ => break,
        }
    }
    tried
}

/// Removes the folders from `innermost` out to `outermost`, as long as they are empty or not there.
fn remove_empty(innermost: &Path, outermost: &Path) {
    for folder in innermost.ancestors().take_while(|folder| folder.starts_with(outermost)) {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return,
            _ => {}
        }
    }
}

impl Drop for OutputCommit {
    fn drop(&mut self) {
        if self.is_committed || self.check_ours().is_err() {
            return;
        }
        // There is nobody to tell of what cannot be removed: the job has failed already, and says why.
        remove_aside(&self.folder).unwrap_or(());
        for name in self.published.get_mut().unwrap_or_else(PoisonError::into_inner).iter() {
            fs::remove_file(self.folder.join(name)).unwrap_or(());
        }
        remove_empty(&self.folder, &self.outermost);
    }
}

#[cfg(test)]
mod tests;
