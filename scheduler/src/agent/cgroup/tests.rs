//! Groups in a folder that stands for the kernel's, and real ones.

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
    let group = Cgroups::V2 { folder: root.path().to_owned(), cpu: true, memory: true };
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

/// What the agent's own group hands on, where a folder stands for the hierarchy.
#[test]
fn what_is_handed_on_is_what_executors_are_held_within() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("system/rsk");
    fs::create_dir_all(folder.join(LEAF)).unwrap();
    // Where it is, what there is: what it asks for, what it may use.
    let rows = [
        ("/system/rsk", "cpuset cpu io memory pids", "+cpu +memory", (true, true)),
        ("/system/rsk", "memory pids", "+memory", (false, true)),
        ("/system/rsk", "cpu", "+cpu", (true, false)),
        ("/system/rsk/rsk-agent", "cpu memory", "+cpu +memory", (true, true)),
    ];
    for (own, there, asked, used) in rows {
        fs::write(folder.join("cgroup.controllers"), format!("{there}\n")).unwrap();
        let found = v2(root.path(), &format!("1:name=systemd:/x\n0::{own}\n")).unwrap();
        let Cgroups::V2 { folder: place, cpu, memory } = &found else { panic!("{found:?}") };
        assert_eq!((place, (*cpu, *memory)), (&folder, used), "{own} {there}");
        assert_eq!(fs::read_to_string(folder.join("cgroup.subtree_control")).unwrap(), asked);
        let group = found.make(KEY, &Resources::of(1000, ByteSize::mib(64))).unwrap();
        let below = folder.join("rsk-app-00000007-1-executor-3");
        assert_eq!((below.join("cpu.weight").exists(), below.join("memory.max").exists()), used);
        assert_eq!(group.folders().collect::<Vec<_>>(), [below.as_path()]);
        assert!(found.open(KEY, &Resources::default()).is_some());
        fs::remove_dir_all(below).unwrap();
        assert!(found.open(KEY, &Resources::default()).is_none());
    }
    fs::write(folder.join("cgroup.controllers"), "pids\n").unwrap();
    let error = v2(root.path(), "0::/system/rsk").unwrap_err().to_string();
    assert!(
        error.ends_with("cgroup.controllers: neither cpu nor memory is handed on to the agent's group"),
        "{error}"
    );
}

/// The kernel refuses to hand on what is of a group with processes: the agent leaves it, and asks again.
#[test]
fn an_agent_leaves_the_group_that_it_hands_on() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("cgroup.controllers"), "cpu memory\n").unwrap();
    fs::create_dir(root.path().join("cgroup.subtree_control")).unwrap();
    let error = v2(root.path(), "0::/").unwrap_err().to_string();
    assert!(error.contains("cgroup.subtree_control"), "{error}");
    let moved = fs::read_to_string(root.path().join(LEAF).join("cgroup.procs")).unwrap();
    assert_eq!(moved, std::process::id().to_string());
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
    let group = Cgroups::V2 { folder: own.clone(), cpu: true, memory: true }.group(KEY, 0).unwrap();
    let below = group.memory.clone().unwrap();
    fs::create_dir(&below).unwrap();
    let script = "read go; setsid sleep 600 & sleep 600";
    let mut program =
        Command::new("sh").args(["-c", script]).process_group(0).stdin(Stdio::piped()).spawn().unwrap();
    group.add(program.id()).unwrap();
    program.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let members = || fs::read_to_string(below.join("cgroup.procs")).unwrap();
    until("it has started others", || members().lines().count() == 3);
    group.force();
    assert_eq!(program.wait().unwrap().signal(), Some(9));
    // Those that it had started go, too: only then the group can be removed.
    until("the group is empty", || members().is_empty());
    group.remove();
    assert!(!below.exists());
    fs::remove_dir(&own).unwrap();
    drop(mounts.stdin.take());
    mounts.wait().unwrap();
}
