//! An executor's share of memory and CPU, held by the kernel's control groups where the agent may make some; else executors
//! run without, which is said once.
//!
//! Shape: one group an executor, beside the agent's own: `rsk-APP-EXECUTOR`. Its memory is a limit, its CPU a weight.

use rsk_proto::{ExecutorEnd, ExecutorKey, Resources};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const ROOT: &str = "/sys/fs/cgroup";
/// The agent's own group below the one that it hands on, where the kernel wants that.
const LEAF: &str = "rsk-agent";

const BUSY: &str = "others run in the agent's group: start it in one of its own, such as a systemd service with \
                    Delegate=cpu memory and DelegateSubgroup=rsk-agent";

/// Where groups can be made.
#[derive(Debug, Clone)]
pub(crate) enum Cgroups {
    /// Nowhere.
    None,
    /// One hierarchy for each kind of resource.
    V1 { cpu: Option<PathBuf>, memory: Option<PathBuf> },
    /// One for all, and what of it is handed on to groups in this folder.
    V2 { folder: PathBuf, cpu: bool, memory: bool },
}

/// The group of one executor.
#[derive(Debug)]
pub(crate) struct Cgroup {
    /// Where what it uses is held; both may be one folder.
    cpu: Option<PathBuf>,
    memory: Option<PathBuf>,
    is_v2: bool,
    limit_bytes: u64,
}

impl Cgroups {
    /// Finds where groups can be made, by making one.
    pub(crate) fn find() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let root = Path::new(ROOT);
        let found = if root.join("cgroup.controllers").exists() { v2(root, &own) } else { v1(root, &own) };
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "no cgroups can be made: executors are not held within their memory and CPU");
            Cgroups::None
        })
    }

    /// Makes the group of an executor. Failing is no reason not to run it.
    pub(crate) fn make(&self, key: ExecutorKey, resources: &Resources) -> Option<Cgroup> {
        let group = self.group(key, resources.memory_bytes)?;
        match group.set_up(resources) {
            Ok(()) => Some(group),
            Err(error) => {
                tracing::warn!(%error, executor = %key, "an executor runs without a cgroup");
                group.remove();
                None
            }
        }
    }

    /// The group that an earlier start of the agent made.
    pub(crate) fn open(&self, key: ExecutorKey, resources: &Resources) -> Option<Cgroup> {
        self.group(key, resources.memory_bytes).filter(|group| group.folders().all(Path::exists))
    }

    fn group(&self, key: ExecutorKey, limit_bytes: u64) -> Option<Cgroup> {
        let name = format!("rsk-{}-{}", key.framework, key.executor);
        let (cpu, memory) = match self {
            Cgroups::None => return None,
            Cgroups::V1 { cpu, memory } => (cpu.as_ref(), memory.as_ref()),
            Cgroups::V2 { folder, cpu, memory } => (cpu.then_some(folder), memory.then_some(folder)),
        };
        let [cpu, memory] = [cpu, memory].map(|folder| folder.map(|folder| folder.join(&name)));
        Some(Cgroup { cpu, memory, is_v2: matches!(self, Cgroups::V2 { .. }), limit_bytes })
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn write(folder: &Path, file: &str, value: &impl ToString) -> io::Result<()> {
    let path = folder.join(file);
    fs::write(&path, value.to_string()).map_err(at(&path))
}

fn try_in(folder: &Path) -> io::Result<()> {
    let trial = folder.join(format!("rsk-trial-{}", std::process::id()));
    fs::create_dir(&trial)?;
    fs::remove_dir(&trial)
}

/// The folder of the agent's own group, as far as it can be seen from here.
fn own_folder(root: &Path, path: &str) -> PathBuf {
    let folder = root.join(path.trim_start_matches('/'));
    if folder.exists() { folder } else { root.to_owned() }
}

fn v1(root: &Path, own: &str) -> io::Result<Cgroups> {
    let find = |kind: &str| {
        let path = own.lines().find_map(|line| {
            let (kinds, path) = line.split_once(':')?.1.split_once(':')?;
            kinds.split(',').any(|each| each == kind).then_some(path)
        });
        let folder = own_folder(&root.join(kind), path.unwrap_or("/"));
        try_in(&folder).map(|()| folder)
    };
    match (find("cpu"), find("memory")) {
        (Err(error), Err(_)) => Err(error),
        (cpu, memory) => Ok(Cgroups::V1 { cpu: cpu.ok(), memory: memory.ok() }),
    }
}

fn v2(root: &Path, own: &str) -> io::Result<Cgroups> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let mut folder = own_folder(root, path);
    // An earlier start has handed on the group above, or whoever starts agents keeps them in a leaf.
    if folder.ends_with(LEAF) {
        folder.pop();
    }
    try_in(&folder)?;
    let controllers = folder.join("cgroup.controllers");
    let there = fs::read_to_string(&controllers).map_err(at(&controllers))?;
    let [cpu, memory] = ["cpu", "memory"].map(|kind| there.split_whitespace().any(|each| each == kind));
    let wanted = match (cpu, memory) {
        (true, true) => "+cpu +memory",
        (true, false) => "+cpu",
        (false, true) => "+memory",
        (false, false) => {
            return Err(at(&controllers)(io::Error::other(
                "neither cpu nor memory is handed on to the agent's group",
            )));
        }
    };
    let enable = || write(&folder, "cgroup.subtree_control", &wanted);
    // A group that has processes of its own hands nothing on: the agent moves into a leaf.
    if enable().is_err() {
        let leaf = folder.join(LEAF);
        match fs::create_dir(&leaf) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => write(&leaf, "cgroup.procs", &std::process::id())?,
        }
        enable().map_err(|error| match error.kind() {
            io::ErrorKind::ResourceBusy => io::Error::new(error.kind(), format!("{error}: {BUSY}")),
            _ => error,
        })?;
    }
    Ok(Cgroups::V2 { folder, cpu, memory })
}

impl Cgroup {
    fn folders(&self) -> impl Iterator<Item = &Path> {
        let cpu = self.cpu.as_deref().filter(|cpu| self.memory.as_deref() != Some(cpu));
        self.memory.as_deref().into_iter().chain(cpu)
    }

    fn set_up(&self, resources: &Resources) -> io::Result<()> {
        for folder in self.folders() {
            match fs::create_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        if let Some(memory) = self.memory.as_ref().filter(|_| self.limit_bytes > 0) {
            let limit = if self.is_v2 { "memory.max" } else { "memory.limit_in_bytes" };
            write(memory, limit, &self.limit_bytes)?;
        }
        if let Some(cpu) = &self.cpu {
            let shares = (resources.cpus_milli * 1024 / 1000).clamp(2, 262_144);
            if self.is_v2 {
                // As systemd and runc translate shares.
                write(cpu, "cpu.weight", &(1 + (shares - 2) * 9999 / 262_142))?;
            } else {
                write(cpu, "cpu.shares", &shares)?;
            }
        }
        Ok(())
    }

    /// Takes a process in, with all that it starts from now on.
    pub(crate) fn add(&self, pid: u32) -> io::Result<()> {
        self.folders().try_for_each(|folder| write(folder, "cgroup.procs", &pid))
    }

    /// Whether the kernel ended a process of the group because it wanted more memory than it has.
    pub(crate) fn out_of_memory(&self) -> Option<ExecutorEnd> {
        let memory = self.memory.as_ref()?;
        let (events, peak) = if self.is_v2 {
            ("memory.events", "memory.peak")
        } else {
            ("memory.oom_control", "memory.max_usage_in_bytes")
        };
        let events = fs::read_to_string(memory.join(events)).ok()?;
        let kills =
            events.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse::<u64>().ok()?;
        let peak = fs::read_to_string(memory.join(peak)).ok().and_then(|peak| peak.trim().parse().ok());
        (kills > 0).then(|| ExecutorEnd::OutOfMemory {
            limit_bytes: self.limit_bytes,
            peak_bytes: peak.unwrap_or(0),
        })
    }

    /// Ends all processes of the group, whatever they call themselves.
    pub(crate) fn force(&self) {
        for folder in self.folders() {
            if self.is_v2 && write(folder, "cgroup.kill", &1).is_ok() {
                continue;
            }
            let members = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            for pid in
                members.lines().filter_map(|pid| pid.parse().ok()).filter_map(rustix::process::Pid::from_raw)
            {
                if let Err(error) = rustix::process::kill_process(pid, rustix::process::Signal::KILL) {
                    tracing::debug!(%error, ?pid, "a process of a cgroup is gone already");
                }
            }
        }
    }

    /// Removes the group, which has no process any more.
    pub(crate) fn remove(&self) {
        for folder in self.folders() {
            match fs::remove_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, path = %folder.display(), "cannot remove a cgroup");
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
