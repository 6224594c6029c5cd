//! Looks at an output, and does what the core says.

use super::{
    core::{Others, Seen, Step, Thing, is_ours_alone, is_own},
    crash::{Role, point},
    entry::{Entry, LOG, OWN, PENDING, SUCCESS, Success, claim_path, entry_path, number_of, pending_path},
    store::{CommitStore, Listed},
};
use crate::{Location, WriteError};
use std::{fmt, sync::Arc};

/// What is left to do gets less each time, unless others keep committing: then they do it.
const ROUNDS_MAX: usize = 1000;

/// An output, and the store that it is in.
#[derive(Clone)]
pub(super) struct Shell {
    pub(super) store: Arc<dyn CommitStore>,
    pub(super) out: Location,
}

impl Shell {
    /// Looks at all of it.
    ///
    /// Cost: a listing, and a read each entry.
    pub(super) fn look(&self) -> Result<Seen, WriteError> {
        let mut seen = Seen { thing: self.store.look(&self.out)?, ..Seen::default() };
        if seen.thing != Thing::Folder {
            return Ok(seen);
        }
        for Listed { path, bytes, tag } in self.store.list(&self.out)? {
            if let Some(number) = number_of(&path) {
                // One that is gone by now was of no use any more.
                if let Some(entry) = self.entry(&path)? {
                    seen.entries.insert(number, entry);
                }
            } else if path == SUCCESS {
                seen.success = self.store.read(&self.out.join(SUCCESS))?.map(|bytes| Success::decode(&bytes));
            } else if let Some(rest) = path.strip_prefix(PENDING).and_then(|rest| rest.strip_prefix('/')) {
                seen.pending.extend(rest.split_once('/').map(|(job, _)| job.to_owned()));
            }
            if path == SUCCESS {
                continue;
            }
            if let Some(tag) = tag {
                seen.tags.insert(path.clone(), tag);
            }
            if is_own(&path) {
                seen.own.insert(path);
            } else {
                seen.files.insert(path, bytes);
            }
        }
        // A job may have been killed when its folder was empty yet.
        seen.pending.extend(self.store.beside(&self.out.join(PENDING), "")?);
        Ok(seen)
    }

    fn entry(&self, path: &str) -> Result<Option<Entry>, WriteError> {
        let at = self.out.join(path);
        let Some(bytes) = self.store.read(&at)? else { return Ok(None) };
        Entry::decode(&bytes).map(Some).map_err(|why| WriteError::Log(at, why))
    }

    /// Does what is to be done, until nothing is.
    pub(super) fn mend(&self, me: Option<&str>, others: Others) -> Result<Seen, WriteError> {
        self.mend_and(me, others, |_| {})
    }

    /// [`mend`](Shell::mend) that says what it has done.
    pub(super) fn mend_and(
        &self,
        me: Option<&str>,
        others: Others,
        mut told: impl FnMut(&Step),
    ) -> Result<Seen, WriteError> {
        for _ in 0..ROUNDS_MAX {
            let seen = self.look()?;
            let steps = seen.mend(me, others);
            if steps.is_empty() {
                return Ok(seen);
            }
            tracing::debug!(out = %self.out, ?steps, "an output is mended");
            for step in steps {
                told(&step);
                self.take(step, &seen)?;
            }
        }
        Err(WriteError::Busy(self.out.clone()))
    }

    fn take(&self, step: Step, seen: &Seen) -> Result<(), WriteError> {
        let (store, out) = (&self.store, &self.out);
        match step {
            Step::Fence(number, jobs) => {
                let entry = Entry { abandoned: jobs, ..Entry::of("") };
                // If the number is taken, what is seen next is another output.
                store.put_new(&out.join(&entry_path(number)), &entry.encode(out)?)?;
                point(Role::Commit, "jobs are fenced off");
            }
            Step::Publish(part) => {
                store.publish(out, &part)?;
                point(Role::Commit, "a part is published");
            }
            Step::Delete(name) => {
                store.delete(&out.join(&name))?;
                point(Role::Commit, "a file that was replaced is deleted");
                // Folders below the output go with the last of their files.
                let mut path = &*name;
                while let Some((folder, _)) = path.rsplit_once('/') {
                    if !store.delete_empty(&out.join(folder))? {
                        break;
                    }
                    path = folder;
                }
            }
            Step::Succeed(success) => {
                store.put(&out.join(SUCCESS), &success.encode(out)?)?;
                point(Role::Commit, "_SUCCESS names the job");
            }
            Step::Forget(job) => self.forget(&job)?,
            Step::Sweep(path) => {
                store.delete(&out.join(&path))?;
                point(Role::Commit, "what was half written is swept");
            }
            Step::Trim(below) => {
                for number in seen.entries.keys().filter(|number| **number < below) {
                    store.delete(&out.join(&entry_path(*number)))?;
                    point(Role::Commit, "an entry is trimmed");
                }
            }
            Step::Close => {
                // What came since stays: another job may have begun.
                for path in seen.own.iter().filter(|path| is_ours_alone(path)) {
                    store.delete(&out.join(path))?;
                }
                for folder in [LOG, PENDING, OWN] {
                    store.delete_empty(&out.join(folder))?;
                }
            }
        }
        Ok(())
    }

    /// Removes what a job has pending. Its claim goes last: while it is there, what is left can be found.
    pub(super) fn forget(&self, job: &str) -> Result<(), WriteError> {
        for upload in self.store.uploads(&self.out)? {
            if upload.path.contains(job) && !upload.path.contains('/') {
                self.store.abort(&self.out.join(&upload.path), &upload.id)?;
                point(Role::Commit, "an upload is aborted");
            }
        }
        let folder = self.out.join(&pending_path(job));
        let claim = claim_path(job);
        for Listed { path, .. } in self.store.list(&folder)? {
            if !claim.ends_with(&format!("/{path}")) {
                self.store.delete(&folder.join(&path))?;
                point(Role::Commit, "what was pending is removed");
            }
        }
        self.store.delete_folder(&folder)?;
        point(Role::Commit, "a claim is removed");
        self.store.delete_empty(&self.out.join(PENDING))?;
        Ok(())
    }
}

impl fmt::Debug for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}", self.out, self.store)
    }
}
