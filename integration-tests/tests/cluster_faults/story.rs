//! A program on a cluster, what is done to it, and how it must end.

use crate::{
    program::arguments,
    signals::{Signals, eventually},
};
use integration_tests::{
    Process,
    cluster::{TestCluster, WITHIN},
    user::parts,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

pub(crate) struct Story {
    /// First, so that it speaks before its file goes.
    _said: Said,
    pub(crate) cluster: TestCluster,
    pub(crate) signals: Signals,
    asked: &'static str,
    program: Process,
}

/// What the driver says on stderr, which is told when its story fails.
struct Said(PathBuf);

impl Drop for Said {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("its driver said: {}", fs::read_to_string(&self.0).unwrap_or_default());
        }
    }
}

/// What a story left that is looked at.
pub(crate) struct Ended {
    pub(crate) signals: Signals,
    /// What its driver said on stderr.
    pub(crate) said: String,
    /// The files are there as long as it is.
    _cluster: TestCluster,
}

impl Story {
    /// A cluster of so many agents with a slot each, and a program that runs on it: these gates are open.
    pub(crate) fn start(agents: usize, asked: &'static str, open: &[&str]) -> Self {
        Story::start_with(agents, asked, open, &[])
    }

    /// The same, with options of `rsk submit`.
    pub(crate) fn start_with(agents: usize, asked: &'static str, open: &[&str], options: &[&str]) -> Self {
        Story::on(TestCluster::new().agents(agents), asked, open, options)
    }

    /// The same, on a cluster of one's own.
    pub(crate) fn on(cluster: TestCluster, asked: &'static str, open: &[&str], options: &[&str]) -> Self {
        let signals = Signals::in_folder(&cluster.folder().join("signals"));
        open.iter().for_each(|gate| signals.open(gate));
        let mut command = submission(&cluster, options, asked, &signals, &cluster.folder().join("out"));
        let said = Said(cluster.folder().join("stderr"));
        let program = Process::start(command.stderr(fs::File::create(&said.0).unwrap()));
        Story { _said: said, cluster, signals, asked, program }
    }

    /// Sums on two agents that have both made map outputs: the driver waits between map and reduce.
    pub(crate) fn between() -> Self {
        let story = Story::start(2, "sums", &["reduce"]);
        story.signals.wait("map", 2);
        story.signals.open("map");
        story.signals.wait("between", 1);
        story
    }

    /// The driver.
    pub(crate) fn program(&self) -> &Process {
        &self.program
    }

    fn out(&self) -> PathBuf {
        self.cluster.folder().join("out")
    }

    /// The executors that an agent has started and that are still there.
    pub(crate) fn executors_of(&self, agent: usize) -> Vec<u32> {
        let folder = self.cluster.agent_folder(agent).display().to_string();
        let is_its = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).contains(&folder)
        };
        self.cluster.processes().into_iter().filter(is_its).collect()
    }

    /// The agent that has started this executor.
    pub(crate) fn agent_of(&self, executor: u32) -> usize {
        (0..16).find(|agent| self.executors_of(*agent).contains(&executor)).unwrap()
    }

    /// The program ends well, with local mode's output; afterwards another job runs, and nothing is left.
    pub(crate) fn ends_well(self) -> Ended {
        self.ends_well_after(|_| {})
    }

    /// The same, where something is done to the cluster before nothing may be left.
    pub(crate) fn ends_well_after(mut self, change: impl FnOnce(&mut TestCluster)) -> Ended {
        let (out, said) = (self.out(), self.cluster.folder().join("stderr"));
        let (status, _) = self.program.end(WITHIN * 2);
        let said = fs::read_to_string(said).unwrap();
        assert!(status.success(), "it failed: {said}");
        assert_eq!(parts(&out), local(self.asked), "{said}");
        change(&mut self.cluster);
        is_well(&self.cluster);
        Ended { signals: self.signals, said, _cluster: self.cluster }
    }

    /// The program fails, says this, and leaves no output; afterwards another job runs, and nothing is left.
    pub(crate) fn fails(self, says: &[&str]) -> Ended {
        let (out, said) = (self.out(), self.cluster.folder().join("stderr"));
        let (status, _) = self.program.end(WITHIN * 2);
        let said = fs::read_to_string(said).unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        for part in says {
            assert!(said.contains(part), "it does not say {part:?}: {said}");
        }
        assert!(!out.exists(), "{} is there", out.display());
        is_well(&self.cluster);
        Ended { signals: self.signals, said, _cluster: self.cluster }
    }

    /// The program ends because it was interrupted, and leaves no output; afterwards another job runs, and nothing is left.
    pub(crate) fn ends_interrupted(self) {
        let out = self.out();
        let (status, _) = self.program.end(WITHIN);
        assert_eq!(status.code(), Some(130));
        assert!(!out.exists(), "{} is there", out.display());
        is_well(&self.cluster);
    }

    /// The driver is killed: `kill -9`.
    pub(crate) fn kill_program(self) -> TestCluster {
        self.program.kill();
        self.cluster
    }
}

/// Nothing is left on the cluster; a job runs there as well as in local mode, and leaves nothing either.
pub(crate) fn is_well(cluster: &TestCluster) {
    cluster.wait_for_quiet();
    run_another(cluster);
    cluster.wait_for_quiet();
}

/// A job runs on the cluster as well as in local mode.
pub(crate) fn run_another(cluster: &TestCluster) {
    let out = cluster.folder().join("another");
    let signals = Signals::calm(&cluster.folder().join("calm"));
    let output = submission(cluster, &[], "sums", &signals, &out).output().unwrap();
    succeeded(&output);
    assert_eq!(parts(&out), local("sums"));
    fs::remove_dir_all(out).unwrap();
}

fn submission(
    cluster: &TestCluster,
    options: &[&str],
    asked: &str,
    signals: &Signals,
    out: &Path,
) -> Command {
    let mut command = cluster.command();
    command.args(["submit", cluster.master(), "--executor-memory", "400m"]).args(options);
    command.arg(std::env::current_exe().unwrap()).args(arguments(asked, signals, out));
    command
}

/// What a program writes in local mode, where nothing happens to it.
fn local(asked: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let (signals, out) = (Signals::calm(&folder.path().join("calm")), folder.path().join("out"));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("local[2]").args(arguments(asked, &signals, &out)).stdin(Stdio::null());
    succeeded(&command.output().unwrap());
    parts(&out)
}

fn succeeded(output: &Output) {
    assert!(output.status.success(), "it failed: {}", String::from_utf8_lossy(&output.stderr));
}

/// Sends a process a signal by name.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert!(sent.success(), "cannot send {name} to {pid}");
}

/// Stops a process, and waits until none of its threads runs any more.
pub(crate) fn stop(pid: u32) {
    signal(pid, "STOP");
    let stands = |thread: fs::DirEntry| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    };
    eventually(&format!("process {pid} stands still"), || {
        let mut threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        threads.all(|thread| stands(thread.unwrap())).then_some(())
    });
}

/// Ends a process by force, and waits until it has gone.
pub(crate) fn kill(pid: u32) {
    signal(pid, "KILL");
    gone(pid);
}

/// Waits until a process has gone.
pub(crate) fn gone(pid: u32) {
    // One that its parent has not looked at yet has gone, too.
    let has_gone = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_none_or(|rest| rest.is_empty() || rest.trim_start().starts_with('Z'))
    };
    eventually(&format!("process {pid} has gone"), || has_gone().then_some(()));
}
