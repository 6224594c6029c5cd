//! Finishes what was committed, and removes what was not.

use super::{
    core::Others,
    job,
    place::{is_remote, sweep_beside},
    shell::Shell,
    store,
};
use crate::{Location, Storage, WriteError};

/// What [`clean_output`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleaned {
    /// Parts of committed jobs that were put in their places.
    pub published: usize,
    /// Files that a committed job had replaced.
    pub deleted: usize,
    /// Jobs whose work was removed, because they had not committed; where they still run they fail.
    pub undone: usize,
    /// Uploads, and folders beside the output, that nobody would have come back to.
    pub swept: usize,
}

/// Finishes what jobs committed to an output and did not come to do, and removes what others left there. It may be called
/// at any time, and again: a job that runs and has not committed fails, and in a store says why; on this host it is left
/// alone, and the call refused.
///
/// Cost: a listing of the output, and a read each entry of its log.
///
/// Errors: a job of this host is writing there; the store fails.
///
/// ```
/// use rsk_storage::{CommitLog, SaveMode, Storage, clean_output};
/// let folder = tempfile::tempdir()?;
/// let out = folder.path().join("out").as_path().into();
/// let storage = Storage::default();
/// CommitLog::open(&storage, &out, SaveMode::Error)?.commit()?;
/// assert_eq!(clean_output(&storage, &out)?, Default::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn clean_output(storage: &Storage, out: &Location) -> Result<Cleaned, WriteError> {
    let shell = Shell { store: store(storage, out)?, out: out.clone() };
    let thing = shell.store.look(out)?;
    let is_above = match out {
        Location::Local(path) => {
            path.parent().is_none_or(|parent| parent.as_os_str().is_empty() || parent.is_dir())
        }
        Location::Remote(..) => true,
    };
    if !is_above {
        return Ok(Cleaned::default());
    }
    let held = shell.store.hold(out, thing)?.ok_or_else(|| WriteError::Busy(out.clone()))?;
    let mut cleaned = Cleaned { swept: sweep_beside(&shell)?, ..Cleaned::default() };
    // Those that are there before it is looked: jobs that claim the output since have none of them.
    let uploads = if is_remote(out) { shell.store.uploads(out)? } else { Vec::new() };
    let seen = shell.mend_and(None, Others::Undo, |step| cleaned.count(step))?;
    // What was committed is complete by now, and what was undone has no uploads.
    let left = if uploads.is_empty() { Vec::new() } else { shell.store.uploads(out)? };
    for upload in uploads.into_iter().filter(|upload| left.contains(upload)) {
        if job_of_part(&upload.path).is_some_and(|job| !seen.pending.contains(job)) {
            shell.store.abort(&out.join(&upload.path), &upload.id)?;
            cleaned.swept += 1;
        }
    }
    drop(held);
    Ok(cleaned)
}

/// Whose part it is: `part-00000-JOB`, with what a format adds.
fn job_of_part(path: &str) -> Option<&str> {
    let (partition, rest) = path.strip_prefix("part-")?.split_once('-')?;
    let job = rest.split('.').next()?;
    let is_number = !partition.is_empty() && partition.bytes().all(|digit| digit.is_ascii_digit());
    (is_number && job::is_name(job) && !path.contains('/')).then_some(job)
}

impl Cleaned {
    fn count(&mut self, step: &super::core::Step) {
        use super::core::Step;
        match step {
            Step::Publish(_) => self.published += 1,
            Step::Delete(_) => self.deleted += 1,
            Step::Fence(_, jobs) => self.undone += jobs.len(),
            Step::Sweep(_) => self.swept += 1,
            Step::Succeed(_) | Step::Forget(_) | Step::Trim(_) | Step::Close => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_this_output_alone_are_known() {
        let job = job::unique_name();
        assert_eq!(job_of_part(&format!("part-00007-{job}.json.gz")), Some(&*job));
        assert_eq!(job_of_part(&format!("part-100000-{job}")), Some(&*job));
        for other in
            [format!("nested/part-00007-{job}"), format!("part-x-{job}"), "part-00007-b".to_owned(), job]
        {
            assert_eq!(job_of_part(&other), None, "{other}");
        }
    }
}
