//! What a cluster keeps of what has ended: stated, bounded, and nothing else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use integration_tests::{
    cluster::{TestCluster, WITHIN},
    example,
};
use rsk_proto::status::{ClusterStatus, DriverState};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Output,
    thread,
    time::{Duration, Instant, SystemTime},
};

const LOOK_EVERY: Duration = Duration::from_millis(50);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "it failed: {}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

fn submit(cluster: &TestCluster, options: &[&str]) -> String {
    let pi = example("pi").display().to_string();
    let mut args = vec!["submit", cluster.master(), "--executor-memory", "400m"];
    args.extend(options);
    args.extend([pi.as_str(), "2", "1000"]);
    printed(&cluster.rsk(&args))
}

/// All files and empty folders below a folder, by their paths in it.
fn below(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut all) = (vec![folder.to_owned()], Vec::new());
    while let Some(next) = folders.pop() {
        let entries: Vec<_> = fs::read_dir(&next).into_iter().flatten().flatten().collect();
        if entries.is_empty() && next != folder {
            all.push(next.strip_prefix(folder).unwrap().to_owned());
        }
        for entry in entries {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder {
                folders.push(entry.path());
            } else {
                all.push(entry.path().strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    all.sort();
    all
}

fn wait(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + WITHIN;
    while !is_so() {
        assert!(Instant::now() < until, "it is still not so that {what}");
        thread::sleep(LOOK_EVERY);
    }
}

/// As if nobody had used it for a day.
fn make_old(file: &Path) {
    let day_ago = SystemTime::now() - Duration::from_hours(24);
    File::options().append(true).open(file).unwrap().set_modified(day_ago).unwrap();
}

#[test]
fn the_master_deletes_programs_that_nothing_needs_and_no_others() {
    let cluster = TestCluster::with(&[("RSK_MASTER_BLOB_KEEP", "5s")]).agents(1);
    let blobs = cluster.master_folder().join("blobs");
    submit(&cluster, &[]);
    wait("the program of an application that has ended is deleted", || below(&blobs).is_empty());
    // A driver that waits for an agent that is large enough.
    let options = ["--deploy-mode", "cluster", "--driver-cores", "100"];
    let driver = submit(&cluster, &options);
    let program = below(&blobs);
    assert_eq!(program.len(), 1);
    let broken_off = blobs.join(format!("{}.part", "ab".repeat(32)));
    fs::write(&broken_off, "the beginning").unwrap();
    make_old(&broken_off);
    make_old(&blobs.join(&program[0]));
    wait("an upload that was broken off is deleted", || !broken_off.exists());
    assert_eq!(below(&blobs), program, "what a driver waits with is kept, however old it is");
    printed(&cluster.rsk(&["kill", &driver]));
    wait("its program goes with it", || below(&blobs).is_empty());
    submit(&cluster, &[]);
}

#[test]
fn of_applications_that_have_ended_only_logs_are_left() {
    let cluster = TestCluster::with(&[("RSK_AGENT_LOGS_KEEP", "1h")]).agents(2);
    submit(&cluster, &[]);
    let waits = submit(&cluster, &["--deploy-mode", "cluster", "--driver-cores", "100"]);
    cluster.wait("the driver is known", |status| status.drivers.len() == 1);
    printed(&cluster.rsk(&["kill", &waits]));
    let driver = submit(&cluster, &["--deploy-mode", "cluster", "--driver-memory", "100m"]);
    let has_ended = |status: &ClusterStatus| {
        status.drivers.len() == 2
            && status.drivers.iter().all(|driver| matches!(driver.state, DriverState::Ended { .. }))
    };
    let status = cluster.wait("the drivers have ended", has_ended);
    cluster.wait_for_quiet();
    let key = status.drivers.iter().find(|one| one.id.to_string() == driver).unwrap().executor.unwrap();
    let own = ["agent.json", "lock", "port.json"];
    let left = |agent: usize| {
        let all = below(&cluster.agent_folder(agent)).into_iter();
        let is_own =
            |path: &PathBuf| own.iter().any(|own| path == Path::new(own)) || path.starts_with("blobs");
        all.filter(|path| !is_own(path) && path.components().count() > 1).collect::<Vec<_>>()
    };
    let is_log = |path: &PathBuf| path.starts_with("logs") && path.components().count() == 4;
    for agent in 0..2 {
        wait("nothing but logs is left", || left(agent).iter().all(is_log));
    }
    let log = Path::new("logs").join(key.framework.to_string()).join(key.executor.to_string()).join("stdout");
    let agent = (0..2).find(|agent| left(*agent).contains(&log)).expect("its driver has printed something");
    assert!(printed(&cluster.rsk(&["logs", &driver])).contains("3."), "they can be read");
    // It is as if that were long ago.
    let mut cluster = cluster;
    fs::read_dir(cluster.agent_folder(agent).join("logs")).unwrap().for_each(|app| {
        for path in below(&app.as_ref().unwrap().path()) {
            make_old(&app.as_ref().unwrap().path().join(path));
        }
    });
    cluster.end_agent(agent);
    cluster.start_agent(agent);
    wait("old logs are deleted", || below(&cluster.agent_folder(agent).join("logs")).is_empty());
    let output = cluster.rsk(&["logs", &driver]);
    assert!(text(&output.stderr).contains("have been deleted"), "{}", text(&output.stderr));
}
