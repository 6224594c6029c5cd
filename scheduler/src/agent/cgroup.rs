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

/// Where groups can be made.
#[derive(Debug, Clone)]
pub(crate) enum Cgroups {
    /// Nowhere.
    None,
    /// One hierarchy for each kind of resource.
    V1 { cpu: Option<PathBuf>, memory: Option<PathBuf> },
    /// One for all.
    V2(PathBuf),
}

/// The group of one executor.
#[derive(Debug)]
pub(crate) struct Cgroup {
    folders: Vec<PathBuf>,
    memory: Option<PathBuf>,
    is_v2: bool,
    limit_bytes: u64,
}

impl Cgroups {
    /// Finds where groups can be made, by making one.
    pub(crate) fn find() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let found = if Path::new(ROOT).join("cgroup.controllers").exists() { v2(&own) } else { v1(&own) };
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
        self.group(key, resources.memory_bytes)
            .filter(|group| group.folders.iter().all(|folder| folder.exists()))
    }

    fn group(&self, key: ExecutorKey, limit_bytes: u64) -> Option<Cgroup> {
        let name = format!("rsk-{}-{}", key.framework, key.executor);
        match self {
            Cgroups::None => None,
            Cgroups::V1 { cpu, memory } => {
                let memory = memory.as_ref().map(|folder| folder.join(&name));
                let cpu = cpu.as_ref().map(|folder| folder.join(&name));
                // Both kinds may be one hierarchy.
                let cpu = cpu.filter(|cpu| memory.as_ref() != Some(cpu));
                let folders = memory.iter().cloned().chain(cpu).collect();
                Some(Cgroup { folders, memory, is_v2: false, limit_bytes })
            }
            Cgroups::V2(folder) => {
                let folder = folder.join(&name);
                Some(Cgroup { folders: vec![folder.clone()], memory: Some(folder), is_v2: true, limit_bytes })
            }
        }
    }
}

fn write(folder: &Path, file: &str, value: &impl ToString) -> io::Result<()> {
    let path = folder.join(file);
    fs::write(&path, value.to_string())
        .map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display())))
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

fn v1(own: &str) -> io::Result<Cgroups> {
    let find = |kind: &str| {
        let path = own.lines().find_map(|line| {
            let (kinds, path) = line.split_once(':')?.1.split_once(':')?;
            kinds.split(',').any(|each| each == kind).then_some(path)
        });
        let folder = own_folder(&Path::new(ROOT).join(kind), path.unwrap_or("/"));
        try_in(&folder).map(|()| folder)
    };
    match (find("cpu"), find("memory")) {
        (Err(error), Err(_)) => Err(error),
        (cpu, memory) => Ok(Cgroups::V1 { cpu: cpu.ok(), memory: memory.ok() }),
    }
}

fn v2(own: &str) -> io::Result<Cgroups> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let folder = own_folder(Path::new(ROOT), path);
    try_in(&folder)?;
    let enable = || write(&folder, "cgroup.subtree_control", &"+memory +cpu");
    // A group that has processes of its own hands nothing on: the agent moves into a leaf.
    if enable().is_err() {
        let leaf = folder.join("rsk-agent");
        match fs::create_dir(&leaf) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => write(&leaf, "cgroup.procs", &std::process::id())?,
        }
        enable()?;
    }
    Ok(Cgroups::V2(folder))
}

impl Cgroup {
    fn set_up(&self, resources: &Resources) -> io::Result<()> {
        for folder in &self.folders {
            match fs::create_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        if let Some(memory) = self.memory.as_ref().filter(|_| self.limit_bytes > 0) {
            write(
                memory,
                if self.is_v2 { "memory.max" } else { "memory.limit_in_bytes" },
                &self.limit_bytes,
            )?;
        }
        for folder in &self.folders {
            let shares = (resources.cpus_milli * 1024 / 1000).clamp(2, 262_144);
            if self.is_v2 {
                // As systemd and runc translate shares.
                write(folder, "cpu.weight", &(1 + (shares - 2) * 9999 / 262_142))?;
            } else if folder.join("cpu.shares").exists() {
                write(folder, "cpu.shares", &shares)?;
            }
        }
        Ok(())
    }

    /// Takes a process in, with all that it starts from now on.
    pub(crate) fn add(&self, pid: u32) -> io::Result<()> {
        self.folders.iter().try_for_each(|folder| write(folder, "cgroup.procs", &pid))
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
        for folder in &self.folders {
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
        for folder in &self.folders {
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
mod tests {
    use super::*;
    use rsk_proto::{ByteSize, ExecutorId, FrameworkId};
    use std::{
        io::{BufRead, BufReader, Write},
        os::unix::process::{CommandExt, ExitStatusExt},
        process::{Command, Stdio},
        time::{Duration, Instant},
    };

    const KEY: ExecutorKey =
        ExecutorKey { framework: FrameworkId { registry: 7, number: 1 }, executor: ExecutorId(3) };

    /// A folder stands for the hierarchy: what is written is where the kernel looks, and what it says is read.
    #[test]
    fn one_hierarchy_holds_memory_and_cpu_and_its_events_say_who_had_too_little() {
        let root = tempfile::tempdir().unwrap();
        let group = Cgroups::V2(root.path().to_owned());
        let group = group.make(KEY, &Resources::of(2500, ByteSize::mib(64))).unwrap();
        let folder = root.path().join("rsk-app-00000007-1-executor-3");
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!((read("memory.max").as_str(), read("cpu.weight").as_str()), ("67108864", "98"));
        group.add(77).unwrap();
        assert_eq!(read("cgroup.procs"), "77");
        assert_eq!(group.out_of_memory(), None, "no events are there");
        fs::write(folder.join("memory.events"), "low 0\nhigh 0\nmax 4\noom 1\noom_kill 0\n").unwrap();
        assert_eq!(group.out_of_memory(), None);
        fs::write(folder.join("memory.events"), "low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n").unwrap();
        let end = |peak_bytes| Some(ExecutorEnd::OutOfMemory { limit_bytes: 64 << 20, peak_bytes });
        assert_eq!(group.out_of_memory(), end(0), "an older kernel knows no peak");
        fs::write(folder.join("memory.peak"), "67100000\n").unwrap();
        assert_eq!(group.out_of_memory(), end(67_100_000));
        group.force();
        assert_eq!(read("cgroup.kill"), "1");
    }

    fn until(what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_mins(1);
        while !is_so() {
            assert!(Instant::now() < end, "it is still not so that {what}");
            std::thread::yield_now();
        }
    }

    /// The real one, mounted where only another process sees it; its resources may be taken by the older kind.
    #[test]
    fn a_group_of_the_one_hierarchy_is_ended_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut mounts = Command::new("unshare")
            .args(["--mount", "sh", "-c", "mount -t cgroup2 none \"$1\" && echo mounted && read end", "sh"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(mounts.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let seen = PathBuf::from(format!("/proc/{}/root{}", mounts.id(), folder.path().display()));
        let own = seen.join(format!("rsk-test-{}", std::process::id()));
        assert_eq!(said.trim(), "mounted", "run the tests as root, where cgroup2 may be mounted");
        fs::create_dir(&own).unwrap();
        {
            let group = Cgroups::V2(own.clone()).group(KEY, 0).unwrap();
            fs::create_dir(&group.folders[0]).unwrap();
            let script = "read go; setsid sleep 600 & sleep 600";
            let mut program = Command::new("sh")
                .args(["-c", script])
                .process_group(0)
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            group.add(program.id()).unwrap();
            program.stdin.take().unwrap().write_all(b"go\n").unwrap();
            let members = || fs::read_to_string(group.folders[0].join("cgroup.procs")).unwrap();
            until("it has started others", || members().lines().count() == 3);
            group.force();
            assert_eq!(program.wait().unwrap().signal(), Some(9));
            // Those that it had started go, too: only then the group can be removed.
            until("the group is empty", || members().is_empty());
            group.remove();
            assert!(!group.folders[0].exists());
            fs::remove_dir(&own).unwrap();
        }
        drop(mounts.stdin.take());
        mounts.wait().unwrap();
    }
}
