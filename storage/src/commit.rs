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
use core::{Others, Refusal, Seen, Thing, Way};
use entry::{HALF, PENDING, SUCCESS, Success, VERSION};
use shell::{Shell, claim_path, entry_path, pending_path};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
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
    granted: Mutex<BTreeMap<String, Part>>,
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
        if others == Others::Undo {
            sweep_beside(&log.shell)?;
        }
        let seen = log.shell.mend(None, others)?;
        log.way = seen.plan(mode, store.abilities(out, mode)?).map_err(refuse)?;
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
        if granted.contains_key(&part.name) {
            return Err(WriteError::Published(self.typed.join(&part.name)));
        }
        if self.way != Way::Log {
            self.shell.store.publish(&self.base, &part).map_err(|error| self.named(error))?;
            part.aside = None;
            point(Role::Commit, "a part is taken");
        }
        granted.insert(part.name.clone(), part);
        Ok(())
    }

    /// Says that all parts are there: from now on the output is what this job made.
    ///
    /// Errors: another job was faster; the output was removed. What went wrong after the log had the entry is done by
    /// whoever writes there next.
    pub fn commit(mut self) -> Result<(), WriteError> {
        let granted = std::mem::take(self.granted.get_mut().unwrap_or_else(PoisonError::into_inner));
        let parts: Vec<Part> = granted.into_values().collect();
        if !self.is_shared {
            self.sync(&parts)?;
        }
        let done =
            if self.way == Way::Log { self.commit_by_log(&parts) } else { self.commit_by_folder(parts) };
        done.map_err(|error| self.named(error))
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
        // A folder that another job removed may be there again, made by an attempt that did not know: without the claim.
        if is_remote(&out) && store.read(&base.join(&claim_path(&self.job)))?.is_none() {
            return Err(WriteError::Abandoned(self.typed.clone()));
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
        if self.way == Way::Move {
            let moved = store.move_new(&base, &out);
            // An answer may be lost, and the question asked again, when it has its name already.
            if !matches!(moved, Ok(true)) && !self.has_moved() {
                return moved.and(Err(WriteError::Exists(self.typed.clone())));
            }
            self.is_committed = true;
            point(Role::Commit, "the folder has its name");
        } else {
            store.exchange(&base, &out)?;
            self.is_committed = true;
            point(Role::Commit, "the folders have changed names");
            store.delete_folder(&base)?;
            point(Role::Commit, "the folder that was replaced is deleted");
        }
        Ok(())
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
            let at = out.join(&entry_path(seen.next()));
            store.make_folder(&out.join(entry::LOG))?;
            if store.put_new(&at, &entry.encode(&at)?)? {
                self.is_committed = true;
                point(Role::Commit, "the log has the entry");
                self.shell.mend(None, Others::Leave)?;
                return Ok(());
            }
        }
        Err(WriteError::Busy(self.typed.clone()))
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

/// Removes what jobs left beside the output that did not come to give it their folder's name, or to remove the one that
/// they replaced; says how many.
fn sweep_beside(shell: &Shell) -> Result<usize, WriteError> {
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

fn is_remote(out: &Location) -> bool {
    matches!(out, Location::Remote(..))
}

/// The folder that an output is in, and how the names of folders begin that are made beside it.
fn place_beside(out: &Location) -> Option<(Location, String)> {
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

fn beside(out: &Location, job: &str) -> Location {
    place_beside(out).map_or_else(|| out.clone(), |(folder, start)| folder.join(&format!("{start}{job}")))
}

/// Is it the end of a name that this or another process gave to what is half made?
fn is_left(end: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    job::is_name(end)
        || end.split_once('-').is_some_and(|(process, next)| is_number(process) && is_number(next))
}

/// The output itself where what was typed is a link, or leads through `..`: what is there is replaced, and not the link.
fn real(out: &Location, mode: SaveMode) -> Location {
    match out {
        Location::Local(path) if mode != SaveMode::Error => {
            path.canonicalize().map_or_else(|_| out.clone(), Location::Local)
        }
        _ => out.clone(),
    }
}

/// Makes the folders above an output; gives the outermost that was not there.
fn make_parents(store: &dyn CommitStore, out: &Location) -> Result<Option<PathBuf>, WriteError> {
    let Location::Local(path) = out else { return Ok(None) };
    let there = |path: &Path| fs::symlink_metadata(path).is_ok();
    let parents = path.ancestors().skip(1).take_while(|path| !path.as_os_str().is_empty() && !there(path));
    let outermost = parents.last().map(Path::to_owned);
    if let Some(parent) = path.parent().filter(|_| outermost.is_some()) {
        store.make_folder(&parent.into()).inspect_err(|_| remove_empty(out, outermost.as_deref()))?;
    }
    Ok(outermost)
}

/// Removes the folders above an output out to `outermost`, as long as they are empty or not there.
fn remove_empty(out: &Location, outermost: Option<&Path>) {
    let (Some(path), Some(outermost)) = (out.local(), outermost) else { return };
    for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(outermost)) {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
