//! A full disk under a master, and under an agent: what cannot be made durable is not said to be, the file is named, and
//! when there is room again all goes on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use integration_tests::{
    Process, binary,
    cluster::{TestCluster, WITHIN, active},
    example,
};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Mounts a small disk where only this process and its children see it, and runs one program there, and then, when there is
/// room again, the same once more.
const OVER_A_SMALL_DISK: &str = r#"
disk=$1; shift
mount -t tmpfs -o size=8m tmpfs "$disk" || exit 77
setpriv --pdeathsig KILL "$@" 2> "$disk.first"
echo $? > "$disk.ended"
rm "$disk/filler"
exec "$@"
"#;

/// A command that runs over a small disk.
fn over_a_small_disk(disk: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", OVER_A_SMALL_DISK, "sh"]).arg(disk).arg(binary());
    command.env("RSK_LOG_LEVEL", "error");
    command
}

/// The disk as that program sees it.
fn seen_by(program: &Process, disk: &Path) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{}/root", program.id()));
    root.join(disk.strip_prefix("/").unwrap())
}

/// Uses all that is left of a disk.
fn fill(disk: &Path) {
    let mut filler = File::options().create(true).append(true).open(disk.join("filler")).unwrap();
    for bytes in [1 << 16, 1] {
        while filler.write_all(&vec![0; bytes]).is_ok() {}
    }
}

fn wait(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + WITHIN;
    while !is_so() {
        assert!(Instant::now() < until, "it is still not so that {what}");
        thread::sleep(LOOK_EVERY);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_master_whose_disk_is_full_forgets_nothing_that_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let work_dir = disk.join("master");
    let mut master = Process::start(
        over_a_small_disk(&disk).args(["master", "--listen", "127.0.0.1:0", "--work-dir"]).arg(&work_dir),
    );
    let line = master.line();
    let address = line.strip_prefix("master at ").expect("a master: may this test mount?").to_owned();
    let rsk = |args: &[&str]| {
        Command::new(binary()).args(args).args(["-m", &address]).stdin(Stdio::null()).output().unwrap()
    };
    assert!(rsk(&["weight", "before", "2"]).status.success());
    fill(&seen_by(&master, &disk));
    let script = folder.path().join("script");
    fs::write(&script, "#!/bin/sh\nexit 0\n").unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&script).status().unwrap().success());
    let script = script.display().to_string();
    let brought = Command::new(binary())
        .args(["submit", &address, "--deploy-mode", "cluster", &script])
        .output()
        .unwrap();
    let why = said(&brought);
    assert_eq!(brought.status.code(), Some(1), "{why}");
    assert!(why.contains("blobs/") && why.contains("No space left") && why.contains("make room"), "{why}");
    let mut done = BTreeSet::from(["before".to_owned()]);
    let ended = folder.path().join("disk.ended");
    for number in 0.. {
        let role = format!("{}-{number}", "r".repeat(100));
        let asked = rsk(&["weight", &role, "2"]);
        if !asked.status.success() {
            break;
        }
        done.insert(role);
        assert!(number < 500, "the disk is not full");
    }
    wait("the master has ended", || ended.exists());
    let why = fs::read_to_string(folder.path().join("disk.first")).unwrap();
    assert!(
        why.contains("registry.redb") && why.contains("full") && why.contains("start the master again"),
        "{why}"
    );
    assert_eq!(fs::read_to_string(ended).unwrap().trim(), "1");
    let again = master.line();
    let address = again.strip_prefix("master at ").expect("there is room again");
    let roles = Command::new(binary()).args(["roles", "--json", "-m", address]).output().unwrap();
    let roles = String::from_utf8(roles.stdout).unwrap();
    for role in done {
        assert!(roles.contains(&role), "{role} is forgotten: {roles}");
    }
}

#[test]
fn an_agent_whose_disk_is_full_starts_nothing_and_the_driver_hears_why() {
    let cluster = TestCluster::new();
    let disk = cluster.folder().join("disk");
    fs::create_dir(&disk).unwrap();
    let work_dir = disk.join("agent");
    let agent = Process::start(
        over_a_small_disk(&disk)
            .args([
                "agent",
                "-m",
                cluster.master(),
                "--listen",
                "127.0.0.1:0",
                "--resources",
                "cpus:1;mem:600",
            ])
            .arg("--work-dir")
            .arg(&work_dir),
    );
    cluster.wait("the agent is there", |status| active(status).count() == 1);
    fill(&seen_by(&agent, &disk));
    let pi = example("pi").display().to_string();
    let output = cluster.rsk(&["submit", cluster.master(), "--executor-memory", "400m", &pi, "2", "1000"]);
    assert_eq!(output.status.code(), Some(1));
    let why = said(&output);
    assert!(why.contains("could not be started: ") && why.contains("No space left"), "{why}");
    assert!(!why.contains("rsk::executor_if_asked"), "it is not the program's fault: {why}");
}
