//! What is written down of an executor, so that the agent's next start finds it again. It outlives the agent, not the
//! machine: after a power cut no process is left to be found.

use super::work::{Work, read_json, write_json};
use rsk_proto::{ExecutorEnd, ExecutorKey, ExecutorSpec};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// An executor as it is written down. Fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) spec: ExecutorSpec,
    /// Its process, once it runs.
    pub(crate) process: Option<ProcessId>,
    /// How it ended, once it has.
    pub(crate) end: Option<ExecutorEnd>,
}

/// Names one process for ever: a number alone is used again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pub(crate) pid: u32,
    /// When it was started, in ticks since the machine was.
    pub(crate) started: u64,
    /// Which start of the machine it belongs to.
    pub(crate) boot: String,
}

impl ProcessId {
    /// The process that has this number now; `None`: there is none, or only its remains.
    pub(crate) fn now(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold blanks and parentheses of its own.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        if matches!(fields.next()?, "Z" | "X") {
            return None;
        }
        let started = fields.nth(18)?.parse().ok()?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(ProcessId { pid, started, boot: boot.trim().to_owned() })
    }

    /// Whether this very process is there.
    pub(crate) fn is_alive(&self) -> bool {
        ProcessId::now(self.pid).as_ref() == Some(self)
    }
}

fn path_of(work: &Work, key: ExecutorKey) -> PathBuf {
    work.checkpoints().join(format!("{}.{}.json", key.framework, key.executor))
}

pub(crate) fn write(work: &Work, checkpoint: &Checkpoint) -> io::Result<()> {
    write_json(&path_of(work, checkpoint.spec.key()), checkpoint)
}

/// Writes the end of an executor down. One that never got so far as to be written down needs no end either: a master
/// that asks again hears that it never was.
pub(crate) fn record(work: &Work, key: ExecutorKey, end: ExecutorEnd) -> io::Result<()> {
    match read_json::<Checkpoint>(&path_of(work, key))? {
        Some(checkpoint) => write(work, &Checkpoint { end: Some(end), ..checkpoint }),
        None => Ok(()),
    }
}

pub(crate) fn forget(work: &Work, key: ExecutorKey) -> io::Result<()> {
    match fs::remove_file(path_of(work, key)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// All that is written down. What cannot be read is laid aside and named in the log: the master will hear nothing of it,
/// and what it still runs is ended as whatever else bears the agent's mark.
pub(crate) fn read_all(work: &Work) -> io::Result<Vec<Checkpoint>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(work.checkpoints())? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match read_json(&path) {
            Ok(checkpoint) => all.extend(checkpoint),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => lay_aside(&path, &error)?,
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

fn lay_aside(path: &Path, error: &io::Error) -> io::Result<()> {
    tracing::error!(%error, path = %path.display(), "what was written down of an executor is damaged");
    fs::rename(path, path.with_extension("damaged"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_is_known_by_more_than_its_number() {
        let us = ProcessId::now(std::process::id()).unwrap();
        assert!(us.is_alive());
        assert!(!ProcessId { started: us.started + 1, ..us.clone() }.is_alive());
        assert!(!ProcessId { boot: "another".to_owned(), ..us.clone() }.is_alive());
        let mut child = Command::new("/bin/sh").args(["-c", "exit 0"]).spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(ProcessId::now(pid), None);
    }

    #[test]
    fn damaged_checkpoints_are_laid_aside() {
        let folder = tempfile::tempdir().unwrap();
        let work = Work::open(folder.path()).unwrap();
        fs::write(work.checkpoints().join("app-00000007-1.executor-1.json"), "{\"spec\":3}").unwrap();
        assert_eq!(read_all(&work).unwrap(), []);
        assert!(work.checkpoints().join("app-00000007-1.executor-1.damaged").exists());
    }
}
