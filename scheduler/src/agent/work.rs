//! The agent's work folder: where everything lies, whose it is, and which start of the agent this is.
//!
//! Shape: `lock`, `agent.json`, `port.json`, `blobs/HASH`, `checkpoints/APP.EXECUTOR.json`, `frameworks/APP/shuffles/…`,
//! `frameworks/APP/executors/EXECUTOR/…`, `logs/APP/EXECUTOR/{stdout,stderr}` of those that have ended, and `trash/`.

use super::AgentError;
use rsk_proto::{AgentId, ExecutorKey, FrameworkId, Incarnation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The folder, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct Work {
    root: PathBuf,
    _lock: File,
}

/// Who the agent is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) id: Option<AgentId>,
    pub(crate) incarnation: Incarnation,
}

impl Work {
    /// Makes the folder if need be, and takes it for this process alone.
    pub(crate) fn open(root: &Path) -> Result<Self, AgentError> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |cause| AgentError::Work { path, cause }
        };
        make_folder(root).map_err(fail(root))?;
        let root = root.canonicalize().map_err(fail(root))?;
        let path = root.join("lock");
        let lock =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut lock = lock.map_err(fail(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let mut process = String::new();
                lock.read_to_string(&mut process).map_err(fail(&path))?;
                return Err(AgentError::Locked { path: root, process });
            }
            Err(fs::TryLockError::Error(cause)) => return Err(AgentError::Work { path, cause }),
        }
        lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id())).map_err(fail(&path))?;
        let work = Work { root, _lock: lock };
        for path in [work.blobs(), work.checkpoints(), work.frameworks(), work.logs(), work.trash()] {
            make_folder(&path).map_err(fail(&path))?;
        }
        Ok(work)
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    pub(crate) fn frameworks(&self) -> PathBuf {
        self.root.join("frameworks")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub(crate) fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }

    pub(crate) fn framework(&self, id: FrameworkId) -> PathBuf {
        self.frameworks().join(id.to_string())
    }

    pub(crate) fn shuffles(&self, id: FrameworkId) -> PathBuf {
        self.framework(id).join("shuffles")
    }

    pub(crate) fn sandbox(&self, key: ExecutorKey) -> PathBuf {
        self.framework(key.framework).join("executors").join(key.executor.to_string())
    }

    /// Where the logs of an executor are kept after its framework has ended.
    pub(crate) fn kept_logs(&self, key: ExecutorKey) -> PathBuf {
        self.logs().join(key.framework.to_string()).join(key.executor.to_string())
    }

    /// The frameworks that have files here.
    pub(crate) fn known_frameworks(&self) -> Result<Vec<FrameworkId>, AgentError> {
        let path = self.frameworks();
        let fail = |cause| AgentError::Work { path: path.clone(), cause };
        let names = fs::read_dir(&path).map_err(fail)?;
        let names = names.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>();
        let names = names.map_err(fail)?;
        Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
    }

    /// Reads who the agent was, and writes down that this is another start of it.
    ///
    /// A damaged file makes a new agent: its master will tell what is to become of the executors.
    pub(crate) fn begin(&self) -> Result<Identity, AgentError> {
        let path = self.root.join("agent.json");
        let fail = |cause| AgentError::Work { path: path.clone(), cause };
        let mut identity = match read_json::<Identity>(&path) {
            Ok(identity) => identity.unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                tracing::warn!(%error, path = %path.display(), "the agent's name is unreadable: it asks for another");
                Identity::default()
            }
            Err(cause) => return Err(fail(cause)),
        };
        identity.incarnation.0 += 1;
        write_json_for_good(&path, &identity).map_err(fail)?;
        Ok(identity)
    }

    /// Where the start before this one listened. A damaged file is as good as none.
    pub(crate) fn port(&self) -> Option<u16> {
        read_json(&self.root.join("port.json")).ok().flatten()
    }

    pub(crate) fn save_port(&self, port: u16) -> Result<(), AgentError> {
        let path = self.root.join("port.json");
        write_json(&path, &port).map_err(|cause| AgentError::Work { path, cause })
    }

    pub(crate) fn save_identity(&self, identity: Identity) -> io::Result<()> {
        write_json_for_good(&self.root.join("agent.json"), &identity)
    }
}

/// Makes a folder that nobody else may look into: orders hold secrets.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// What a file holds; `None` if there is no file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file that is there as a whole or not at all. After a power cut it may be damaged.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    write_aside(path, value)?;
    fs::rename(aside(path), path)
}

/// The same, also after a power cut. Waits for the disk.
fn write_json_for_good<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    write_aside(path, value)?.sync_data()?;
    fs::rename(aside(path), path)?;
    File::open(path.parent().unwrap_or_else(|| Path::new("/")))?.sync_all()
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn write_aside<T: Serialize>(path: &Path, value: &T) -> io::Result<File> {
    let bytes = serde_json::to_vec(value).map_err(io::Error::other)?;
    let mut file = OpenOptions::new();
    let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(aside(path))?;
    file.write_all(&bytes)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_folder_has_one_agent_which_counts_its_starts() {
        let folder = tempfile::tempdir().unwrap();
        let work = Work::open(folder.path()).unwrap();
        assert_eq!(work.begin().unwrap(), Identity { id: None, incarnation: Incarnation(1) });
        let error = Work::open(folder.path()).unwrap_err();
        let process = std::process::id().to_string();
        assert!(error.to_string().contains(&process) && error.to_string().contains("--work-dir"), "{error}");
        let id = AgentId { registry: 7, number: 3 };
        work.save_identity(Identity { id: Some(id), incarnation: Incarnation(1) }).unwrap();
        drop(work);
        let work = Work::open(folder.path()).unwrap();
        assert_eq!(work.begin().unwrap(), Identity { id: Some(id), incarnation: Incarnation(2) });
        fs::write(folder.path().join("agent.json"), "{").unwrap();
        assert_eq!(work.begin().unwrap(), Identity { id: None, incarnation: Incarnation(1) });
    }
}
