//! Output that is all there or not there.
//!
//! What an output holds is what its log says: entries `_rsk/log/N.json`, each made where nothing was, each naming files that
//! come and files that go. Attempts leave their parts aside, the driver takes one a partition, and writing the entry
//! commits the job. Until then anybody may undo what it left; after that anybody may finish it. `core` decides, `shell` does.

mod clean;
mod core;
mod crash;
mod entry;
mod job;
mod local;
mod mode;
mod pieces;
mod place;
mod remote;
mod shell;
mod store;
#[cfg(any(test, feature = "testing"))]
mod suite;
mod target;

pub use clean::{Cleaned, clean_output};
pub(crate) use core::Unreadable;
pub(crate) use crash::{Role, point};
pub(crate) use entry::{Aside, OWN as OWN_FOLDER, Part};
pub use job::unique_name;
pub use mode::SaveMode;
pub(crate) use pieces::Pieces;
#[cfg(any(test, feature = "testing"))]
pub use suite::commit_store;
pub use target::{PartAttempt, PartTarget};

use crate::{Location, PartFile, Scheme, Storage, WriteError};
use core::{Abilities, Others, Refusal, Seen, Thing, Way};
use entry::{Entry, PENDING, SUCCESS, Success, VERSION, claim_path, entry_path, pending_path};
use place::{beside, is_remote, make_parents, place_beside, real, remove_empty, sweep_beside};
use shell::Shell;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use store::{CommitStore, Held};

/// So often somebody else may commit first.
const TRIES_MAX: usize = 1000;

/// The output of one job. Dropped before [`CommitLog::commit`], it leaves nothing of its own.
///
/// Shape: `open (grant)* commit`. Until `commit`, readers and other programs see what was there before.
///
/// | what was there, and the mode | how | how other programs see it change |
/// |---|---|---|
/// | nothing, on local files and HDFS | a folder beside it takes its name | in one step |
/// | an output of local files, overwritten | the two change names | in one step, where the file system can exchange |
/// | all else | by the log; names carry the job's | complete when `_SUCCESS` names the job |
///
/// Bounds: what is committed on this host is on its disk when `commit` returns. On this host one job at a time writes to an
/// output, others are refused. In a store several may append at a time; a job with another mode ends those that have not
/// committed, which then fail.
///
/// ```
/// use rsk_storage::{CommitLog, SaveMode, Storage, WriteError};
/// let folder = tempfile::tempdir()?;
/// let folder = folder.path().join("a/b/out");
/// let storage = Storage::default();
/// let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error)?;
/// assert!(!folder.exists());
/// output.commit()?;
/// assert!(folder.join("_SUCCESS").exists());
/// let again = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error);
/// assert!(matches!(again, Err(WriteError::Exists(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CommitLog {
    /// Of the output itself.
    shell: Shell,
    typed: Location,
    /// Where parts are put together.
    base: Location,
    job: String,
    mode: SaveMode,
    way: Way,
    /// The number of the entry of a folder that is made beside.
    number: u64,
    /// The outermost folder that was made for it.
    outermost: Option<PathBuf>,
    /// By the lengths of names, too: numbers of partitions may have more digits than others.
    granted: Mutex<BTreeMap<(usize, String), Part>>,
    is_shared: bool,
    /// Is there something to undo?
    is_begun: bool,
    is_committed: bool,
    held: Option<Held>,
}

/// The store of an output.
fn store(storage: &Storage, out: &Location) -> Result<Arc<dyn CommitStore>, WriteError> {
    match out {
        Location::Local(_) => Ok(Arc::new(local::Local)),
        Location::Remote(root, _) if matches!(root.scheme, Scheme::Http | Scheme::Https) => {
            Err(WriteError::ReadOnly(out.clone()))
        }
        Location::Remote(root, _) => Ok(Arc::new(remote::Remote::new(storage, root)?)),
    }
}

/// A file of an output, as its log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Readable {
    /// Where its bytes are now.
    pub(crate) at: Location,
    pub(crate) bytes: u64,
    /// The store's tag, where it has one.
    pub(crate) tag: Option<String>,
}

/// What an output holds by its log; nothing where it has none.
pub(crate) fn readable(
    storage: &Storage,
    out: &Location,
) -> Result<Option<Result<Vec<Readable>, Unreadable>>, WriteError> {
    let shell = Shell { store: store(storage, out)?, out: out.clone() };
    let seen = shell.look()?;
    let Some(found) = seen.readable() else { return Ok(None) };
    Ok(Some(found.map(|found| {
        let files = found.into_iter().map(|(part, path)| Readable {
            at: out.join(path),
            bytes: part.bytes,
            tag: seen.tags.get(path).cloned(),
        });
        files.collect()
    })))
}

impl CommitLog {
    /// Claims an output, after finishing or undoing what earlier jobs left there.
    ///
    /// Errors: something is there and the mode is [`SaveMode::Error`]; a job of this host is writing there; a parent is no
    /// folder, or not writable.
    pub fn open(storage: &Storage, out: &Location, mode: SaveMode) -> Result<CommitLog, WriteError> {
        let typed = out.clone();
        let store = store(storage, out)?;
        let out = &real(out, mode);
        let refuse = |refusal| match refusal {
            Refusal::Exists => WriteError::Exists(typed.clone()),
            Refusal::NotAFolder => WriteError::NotAFolder(typed.clone(), mode),
            Refusal::NotAnOutput => WriteError::NotAnOutput(typed.clone()),
        };
        let thing = store.look(out)?;
        if thing != Thing::Folder || mode == SaveMode::Error {
            let seen = Seen { thing, ..Seen::default() };
            seen.plan(mode, store.abilities(out, SaveMode::Error)?).map_err(refuse)?;
        }
        let outermost = make_parents(&*store, out)?;
        let abandon = |error| {
            remove_empty(out, outermost.as_deref());
            error
        };
        let held = store.hold(out, thing).map_err(abandon)?.ok_or_else(|| WriteError::Busy(typed.clone()))?;
        let shell = Shell { store, out: out.clone() };
        let mut log = CommitLog {
            base: out.clone(),
            job: job::unique_name(),
            mode,
            way: Way::Log,
            number: 0,
            outermost,
            granted: Mutex::default(),
            is_shared: false,
            is_begun: false,
            is_committed: false,
            held: Some(held),
            shell,
            typed: typed.clone(),
        };
        let store = Arc::clone(&log.shell.store);
        // What others left on this host is theirs no more: the output is held. Elsewhere they may still run: who appends
        // lets them, who wants all of the output does not.
        let others = if is_remote(out) && mode == SaveMode::Append { Others::Leave } else { Others::Undo };
        if mode == SaveMode::Overwrite && thing == Thing::Folder {
            // What is refused is not touched.
            log.shell.look()?.plan(mode, Abilities::NONE).map_err(refuse)?;
        }
        if others == Others::Undo {
            sweep_beside(&log.shell)?;
        }
        let seen = log.shell.mend(None, others)?;
        // Nothing lies beside what is outermost.
        let can = if place_beside(out).is_some() { store.abilities(out, mode)? } else { Abilities::NONE };
        log.way = seen.plan(mode, can).map_err(refuse)?;
        log.number = seen.next();
        if log.way != Way::Log {
            log.base = beside(out, &log.job);
        }
        // From here on, what was made is removed again unless all goes well.
        log.is_begun = true;
        store.make_folder(&log.base.join(&pending_path(&log.job)))?;
        point(Role::Commit, "a folder for what is pending is made");
        if log.way == Way::Log || is_remote(out) {
            // With nothing in it: that it is there says all.
            store.put(&log.base.join(&claim_path(&log.job)), b"")?;
            point(Role::Commit, "the output is claimed");
        }
        Ok(log)
    }

    /// Says that the output's local paths are the same files on all hosts. Otherwise attempts on other hosts are refused.
    ///
    /// Cost: attempts make what they write durable each by itself.
    ///
    /// ```
    /// use rsk_storage::{CommitLog, SaveMode, Storage};
    /// let folder = tempfile::tempdir()?;
    /// let out = folder.path().join("out").as_path().into();
    /// let output = CommitLog::open(&Storage::default(), &out, SaveMode::Error)?.shared();
    /// output.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shared(mut self) -> CommitLog {
        self.is_shared = true;
        self
    }

    /// What attempts are to know.
    pub fn target(&self) -> PartTarget {
        PartTarget {
            out: self.typed.clone(),
            base: self.base.clone(),
            job: self.job.clone(),
            is_named: self.way == Way::Log,
            host: (!self.is_shared).then(job::host),
        }
    }

    /// The name that the output has for this job: `_SUCCESS` holds it.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// Takes one attempt's part.
    ///
    /// Errors: another attempt of the same partition was taken before: that one stays.
    pub fn grant(&self, part: &PartFile) -> Result<(), WriteError> {
        let mut part = part.part.clone();
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (part.name.len(), part.name.clone());
        if granted.contains_key(&key) {
            return Err(WriteError::Published(self.typed.join(&part.name)));
        }
        if self.way != Way::Log {
            self.shell.store.publish(&self.base, &part).map_err(|error| self.named(error))?;
            part.aside = None;
            point(Role::Commit, "a part is taken");
        }
        granted.insert(key, part);
        Ok(())
    }

    /// Says that all parts are there: from now on the output is what this job made.
    ///
    /// Errors: another job was faster; the output was removed. Two say what not to do: [`WriteError::Unpublished`], when the
    /// output is committed and not all is in its place yet, and [`WriteError::Unclear`], when nobody can know.
    pub fn commit(mut self) -> Result<(), WriteError> {
        let granted = std::mem::take(self.granted.get_mut().unwrap_or_else(PoisonError::into_inner));
        let parts: Vec<Part> = granted.into_values().collect();
        if !self.is_shared {
            self.sync(&parts)?;
        }
        let done =
            if self.way == Way::Log { self.commit_by_log(&parts) } else { self.commit_by_folder(parts) };
        match done {
            Err(error) if self.is_committed => {
                Err(WriteError::Unpublished(self.typed.clone(), Box::new(self.named(error))))
            }
            done => done.map_err(|error| self.named(error)),
        }
    }

    /// Errors name the output, and not the folder beside it.
    fn named(&self, error: WriteError) -> WriteError {
        match error {
            WriteError::Gone(at) if at == self.base || at == self.shell.out => {
                WriteError::Gone(self.typed.clone())
            }
            error => error,
        }
    }

    fn sync(&self, parts: &[Part]) -> Result<(), WriteError> {
        let place = |part: &Part| match &part.aside {
            None => Some(self.base.join(&part.name)),
            Some(Aside::File(path)) => Some(self.base.join(path)),
            Some(Aside::Upload { .. }) => None,
        };
        let files: Vec<Location> = parts.iter().filter_map(place).collect();
        let synced = self.shell.store.sync(&self.base, &files);
        point(Role::Commit, "parts are durable");
        match synced {
            Err(WriteError::Io(_, error)) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(WriteError::Gone(self.typed.clone()))
            }
            synced => synced,
        }
    }

    fn commit_by_folder(&mut self, parts: Vec<Part>) -> Result<(), WriteError> {
        let Shell { store, out } = self.shell.clone();
        let base = self.base.clone();
        if store.look(&base)? != Thing::Folder {
            return Err(WriteError::Gone(base));
        }
        store.delete_folder(&base.join(PENDING))?;
        point(Role::Commit, "what was pending is removed");
        let entry = Seen::default().entry(&self.job, self.mode, self.way, parts);
        store.make_folder(&base.join(entry::LOG))?;
        store.put_new(&base.join(&entry_path(self.number)), &entry.encode(&out)?)?;
        point(Role::Commit, "the folder's log has its entry");
        let success = Success { version: VERSION, job: self.job.clone(), entry: self.number };
        store.put(&base.join(SUCCESS), &success.encode(&out)?)?;
        point(Role::Commit, "the folder is complete");
        self.check_whole(&entry)?;
        if self.way == Way::Move {
            let moved = store.move_new(&base, &out);
            // An answer may be lost, and the question asked again, when it has its name already.
            if !matches!(moved, Ok(true)) && !self.has_moved() {
                return moved.and(Err(WriteError::Exists(self.typed.clone())));
            }
            self.is_committed = true;
            point(Role::Commit, "the folder has its name");
            return Ok(());
        }
        let exchanged = store.exchange(&base, &out);
        if exchanged.is_err() && !self.has_moved() {
            return exchanged;
        }
        self.is_committed = true;
        point(Role::Commit, "the folders have changed names");
        let deleted = exchanged.and_then(|()| store.delete_folder(&base));
        if let Err(error) = deleted {
            tracing::warn!(%error, output = %self.typed, "what was replaced is left: rsk clean-output removes it");
        }
        point(Role::Commit, "the folder that was replaced is deleted");
        Ok(())
    }

    /// Is all in the folder that goes into the output? Another job may have removed it, and what was written since have made it
    /// anew.
    fn check_whole(&self, entry: &Entry) -> Result<(), WriteError> {
        let listed = self.shell.store.list(&self.base)?;
        let there: BTreeMap<&str, u64> = listed.iter().map(|file| (&*file.path, file.bytes)).collect();
        let is_there = |part: &Part| there.get(&*part.name) == Some(&part.bytes);
        if entry.added.iter().all(is_there) { Ok(()) } else { Err(WriteError::Gone(self.base.clone())) }
    }

    /// Is what has the output's name this job's?
    fn has_moved(&self) -> bool {
        let Shell { store, out } = &self.shell;
        let entry = store.read(&out.join(&entry_path(self.number))).ok().flatten();
        entry.and_then(|bytes| entry::Entry::decode(&bytes).ok()).is_some_and(|entry| entry.job == self.job)
    }

    fn commit_by_log(&mut self, parts: &[Part]) -> Result<(), WriteError> {
        let Shell { store, out } = self.shell.clone();
        for _ in 0..TRIES_MAX {
            let seen = self.shell.look()?;
            if seen.thing == Thing::Nothing {
                return Err(WriteError::Gone(out));
            }
            if seen.is_abandoned(&self.job) {
                return Err(WriteError::Abandoned(self.typed.clone()));
            }
            // Somebody may have committed since the job began.
            if self.mode == SaveMode::Error && seen.is_taken() {
                return Err(WriteError::Exists(self.typed.clone()));
            }
            let entry = seen.entry(&self.job, self.mode, self.way, parts.to_vec());
            let number = seen.next();
            let at = out.join(&entry_path(number));
            store.make_folder(&out.join(entry::LOG))?;
            if !self.put_entry(&at, &entry.encode(&at)?)? {
                continue;
            }
            self.is_committed = true;
            point(Role::Commit, "the log has the entry");
            if !self.shell.look()?.holds(number, &self.job, parts) {
                self.is_committed = false;
                store.delete(&at)?;
                return Err(WriteError::Abandoned(self.typed.clone()));
            }
            self.shell.mend(None, Others::Leave)?;
            return Ok(());
        }
        Err(WriteError::Busy(self.typed.clone()))
    }

    /// Writes the entry, if its number is free.
    fn put_entry(&mut self, at: &Location, bytes: &[u8]) -> Result<bool, WriteError> {
        let store = &self.shell.store;
        let error = match store.put_new(at, bytes) {
            Err(error) => error,
            put => return put,
        };
        match store.read(at) {
            Ok(Some(found)) if found == bytes => Ok(true),
            Ok(_) if !is_remote(at) => Err(error),
            // It may be on its way still: what it names must stay.
            _ => {
                self.is_begun = false;
                Err(WriteError::Unclear(self.typed.clone(), Box::new(error)))
            }
        }
    }

    fn undo(&self) -> Result<(), WriteError> {
        if self.way == Way::Log {
            self.shell.forget(&self.job)?;
            for folder in [entry::LOG, entry::OWN] {
                self.shell.store.delete_empty(&self.shell.out.join(folder))?;
            }
            return Ok(());
        }
        self.shell.store.delete_folder(&self.base)
    }
}

impl Drop for CommitLog {
    fn drop(&mut self) {
        if self.is_committed {
            return;
        }
        // The job has failed already, and says why.
        if self.is_begun
            && let Err(error) = self.undo()
        {
            tracing::warn!(%error, output = %self.typed, "what a failed job wrote is left: rsk clean-output removes it");
        }
        drop(self.held.take());
        remove_empty(&self.shell.out, self.outermost.as_deref());
    }
}

#[cfg(test)]
mod tests;
