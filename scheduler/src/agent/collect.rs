//! What is deleted, and when: an executor's sandbox when it ends, a framework's files when it has ended, logs of those
//! that have ended when they are too old or too many.

use super::work::{Work, make_folder};
use rsk_proto::{Cause, ExecutorKey, FrameworkId};
use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

/// The files of a sandbox that outlive it.
pub(crate) const LOGS: [&str; 2] = ["stdout", "stderr"];

static TRASH: AtomicU64 = AtomicU64::new(0);

fn unless_missing<T: Default>(result: io::Result<T>) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        other => other,
    }
}

/// Keeps the logs of an executor that has ended, and deletes the rest of its sandbox. May be done again.
pub(crate) fn end_executor(work: &Work, key: ExecutorKey) -> io::Result<()> {
    let (sandbox, kept) = (work.sandbox(key), work.kept_logs(key));
    for name in LOGS {
        let path = sandbox.join(name);
        // Whatever the program put in its place is not followed, and not kept.
        if unless_missing(fs::symlink_metadata(&path).map(Some))?
            .is_some_and(|log| log.is_file() && log.len() > 0)
        {
            make_folder(&kept)?;
            fs::rename(&path, kept.join(name))?;
        }
    }
    delete(work, &sandbox)
}

/// Deletes all files of a framework but the logs. May be done again.
pub(crate) fn end_framework(work: &Work, id: FrameworkId) -> Result<(), Cause> {
    let folder = work.framework(id);
    let end = || {
        let sandboxes = unless_missing(names(&folder.join("executors")))?;
        for executor in sandboxes.iter().filter_map(|name| name.strip_prefix("executor-")?.parse().ok()) {
            end_executor(work, ExecutorKey { framework: id, executor: rsk_proto::ExecutorId(executor) })?;
        }
        delete(work, &folder)
    };
    end().map_err(|error| Cause::of(&error).within(format!("cannot delete {}", folder.display())))
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    names.collect()
}

/// Out of the way first, which is one step, and then gone.
fn delete(work: &Work, folder: &Path) -> io::Result<()> {
    let aside = loop {
        let number = TRASH.fetch_add(1, Ordering::Relaxed);
        let aside = work.trash().join(number.to_string());
        if !aside.exists() {
            break aside;
        }
    };
    match fs::rename(folder, &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    }
    fs::remove_dir_all(&aside)
}

/// Deletes what an earlier start did not get to delete.
pub(crate) fn empty_trash(work: &Work) -> io::Result<()> {
    for name in names(&work.trash())? {
        fs::remove_dir_all(work.trash().join(name))?;
    }
    Ok(())
}

/// Deletes logs of executors that ended longer ago than `kept`, and the oldest of the others beyond `bytes_max`.
pub(crate) fn trim_logs(work: &Work, bytes_max: u64, kept: Duration, now: SystemTime) -> io::Result<()> {
    let mut all: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for framework in names(&work.logs())? {
        let framework = work.logs().join(framework);
        for executor in names(&framework)? {
            let folder = framework.join(executor);
            let (mut written, mut bytes) = (SystemTime::UNIX_EPOCH, 0);
            for name in names(&folder)? {
                let log = fs::metadata(folder.join(name))?;
                written = written.max(log.modified()?);
                bytes += log.blocks() * 512;
            }
            all.push((written, bytes, folder));
        }
    }
    all.sort();
    let mut sum: u64 = all.iter().map(|(_, bytes, _)| bytes).sum();
    for (written, bytes, folder) in all {
        let is_old = now.duration_since(written).is_ok_and(|age| age > kept);
        if sum <= bytes_max && !is_old {
            continue;
        }
        delete(work, &folder)?;
        sum -= bytes;
        if let Some(framework) =
            folder.parent().filter(|framework| names(framework).is_ok_and(|it| it.is_empty()))
        {
            fs::remove_dir(framework)?;
        }
    }
    Ok(())
}

/// Gives the disk back what lies before the last `bytes_max` bytes of a log that is still being written. Offsets stay what
/// they are, and nothing that the program writes meanwhile is lost. A file system that cannot do it keeps all, which is
/// an error.
pub(crate) fn shorten(log: &File, bytes_max: u64) -> io::Result<()> {
    let file = log.metadata()?;
    let beyond = file.len().saturating_sub(bytes_max) / 4096 * 4096;
    // A quarter more than the bound, so that it is not done for each line.
    if beyond == 0 || file.blocks() * 512 <= bytes_max + bytes_max / 4 {
        return Ok(());
    }
    let flags = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(log, flags, 0, beyond)?;
    Ok(())
}

/// Where what is kept of a log begins.
pub(crate) fn first_kept(log: &File) -> io::Result<u64> {
    match rustix::fs::seek(log, rustix::fs::SeekFrom::Data(0)) {
        Ok(offset) => Ok(offset),
        Err(rustix::io::Errno::NXIO) => Ok(log.metadata()?.len()),
        // A file system without holes keeps all.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::OPNOTSUPP) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsk_proto::ExecutorId;
    use std::{io::Write, os::unix::fs::FileExt};

    fn key(executor: u64) -> ExecutorKey {
        ExecutorKey { framework: FrameworkId { registry: 7, number: 1 }, executor: ExecutorId(executor) }
    }

    fn sandbox(work: &Work, executor: u64, bytes: usize) {
        let sandbox = work.sandbox(key(executor));
        make_folder(&sandbox.join("tmp")).unwrap();
        fs::write(sandbox.join("tmp/spill"), "x").unwrap();
        fs::write(sandbox.join("stdout"), vec![b'x'; bytes]).unwrap();
        fs::write(sandbox.join("stderr"), "").unwrap();
    }

    #[test]
    fn only_logs_outlive_a_framework_and_they_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let work = Work::open(folder.path()).unwrap();
        for executor in 1..=3 {
            sandbox(&work, executor, 8192);
        }
        make_folder(&work.shuffles(key(1).framework)).unwrap();
        end_executor(&work, key(1)).unwrap();
        end_executor(&work, key(1)).unwrap();
        assert!(!work.sandbox(key(1)).exists());
        end_framework(&work, key(1).framework).unwrap();
        end_framework(&work, key(1).framework).unwrap();
        assert_eq!(work.known_frameworks().unwrap(), []);
        assert_eq!(names(&work.trash()).unwrap(), [""; 0]);
        for executor in 1..=3 {
            assert_eq!(names(&work.kept_logs(key(executor))).unwrap(), ["stdout"]);
            let log = File::options().write(true).open(work.kept_logs(key(executor)).join("stdout")).unwrap();
            log.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(executor)).unwrap();
        }
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let kept = || (1..=3).filter(|executor| work.kept_logs(key(*executor)).exists()).collect::<Vec<_>>();
        trim_logs(&work, 16384, Duration::from_mins(1), at(4)).unwrap();
        assert_eq!(kept(), [2, 3], "the oldest goes first");
        trim_logs(&work, 16384, Duration::from_mins(1), at(63)).unwrap();
        assert_eq!(kept(), [3], "what is too old goes");
        trim_logs(&work, 0, Duration::from_mins(1), at(4)).unwrap();
        assert_eq!(names(&work.logs()).unwrap(), [""; 0]);
    }

    #[test]
    fn what_a_program_puts_in_place_of_its_log_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let work = Work::open(folder.path()).unwrap();
        sandbox(&work, 1, 10);
        let log = work.sandbox(key(1)).join("stdout");
        fs::remove_file(&log).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &log).unwrap();
        end_executor(&work, key(1)).unwrap();
        assert!(!work.kept_logs(key(1)).exists());
    }

    #[test]
    fn a_long_log_loses_its_beginning_and_keeps_its_offsets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stdout");
        let mut log = File::options().create(true).append(true).read(true).open(&path).unwrap();
        log.write_all(&vec![b'a'; 1 << 20]).unwrap();
        log.write_all(b"the end").unwrap();
        shorten(&log, 8192).unwrap();
        assert_eq!(log.metadata().unwrap().len(), (1 << 20) + 7);
        assert!(log.metadata().unwrap().blocks() * 512 <= 16384);
        let first = first_kept(&log).unwrap();
        assert!(first > (1 << 20) - 16384 && first <= (1 << 20) - 8192 + 7, "{first}");
        let mut end = [0; 7];
        log.read_exact_at(&mut end, 1 << 20).unwrap();
        assert_eq!(&end, b"the end");
    }
}
