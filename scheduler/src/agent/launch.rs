//! How an executor gets its program, its files, its sandbox and its process.

use super::{
    blob::{Blobs, Master},
    cgroup::{Cgroup, Cgroups},
    checkpoint::{self, Checkpoint, ProcessId},
    detect::{MARK, Watched},
    platform,
    work::{Work, make_folder},
};
use rsk_proto::{
    AgentId, Cause, EXECUTOR_ARGUMENT, EXECUTOR_PROGRAM, EXECUTOR_START, ExecutorSpec, ExecutorStart, Part,
    SANDBOX_PROGRAM, in_sandbox,
};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

/// What a driver that the cluster runs finds in its environment: its name over all restarts.
pub const DRIVER: &str = "RSK_DRIVER";
/// Where its masters listen, with commas between them.
pub const MASTER: &str = "RSK_MASTER";
/// The name that other machines reach this one with.
pub const HOST: &str = "RSK_HOST";

/// Variables of the agent that programs get to see. Its others may be secrets.
const PASSED_ON: [&str; 8] =
    ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE"];
/// Another thread may be starting a process that holds the fresh program open for writing until it has begun.
const BUSY_ROUNDS: u32 = 200;
const BUSY_FOR: Duration = Duration::from_millis(5);

/// Starts executors.
#[derive(Debug)]
pub(crate) struct Launcher {
    pub(crate) work: Arc<Work>,
    pub(crate) blobs: Blobs,
    pub(crate) cgroups: Cgroups,
    pub(crate) master: Master,
    /// All of them, with commas.
    pub(crate) masters: String,
    pub(crate) host: String,
    pub(crate) serves_at: String,
}

/// An executor's process.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) watched: Watched,
    pub(crate) cgroup: Option<Cgroup>,
}

fn cannot(what: impl Into<String>) -> impl FnOnce(io::Error) -> Cause {
    let what = what.into();
    move |error| Cause::of(&error).within(what)
}

impl Launcher {
    /// Writes the order down and fetches what it needs. May be dropped at any time: nothing runs yet.
    pub(crate) async fn prepare(&self, spec: &ExecutorSpec) -> Result<(), Cause> {
        let checkpoint = Checkpoint { spec: spec.clone(), process: None, end: None };
        checkpoint::write(&self.work, &checkpoint).map_err(cannot("cannot write the order down"))?;
        let sandbox = self.work.sandbox(spec.key());
        for folder in [self.work.shuffles(spec.framework), sandbox.join("tmp")] {
            make_folder(&folder).map_err(cannot(format!("cannot make {}", folder.display())))?;
        }
        let program = sandbox.join(SANDBOX_PROGRAM);
        self.blobs
            .lay(spec.program, &program, &self.master)
            .await
            .map_err(|cause| cause.within("cannot get the program"))?;
        platform::check(&program)?;
        for (name, hash) in &spec.files {
            let target = sandbox.join(in_sandbox(name).map_err(|error| Cause::of(&error))?);
            let folder = target.parent().unwrap_or(&sandbox);
            make_folder(folder).map_err(cannot(format!("cannot make {}", folder.display())))?;
            let laid = self.blobs.lay(*hash, &target, &self.master).await;
            laid.map_err(|cause| cause.within(format!("cannot get the file {name}")))?;
        }
        Ok(())
    }

    /// Starts the process and writes down which it is.
    pub(crate) fn start(&self, spec: &ExecutorSpec, agent: AgentId) -> Result<Running, Cause> {
        let mut child = self.spawn(spec, agent)?;
        let running = self.keep(spec, &child);
        if running.is_err() {
            // Nobody would know of it. It is this process's own child, so it is there to be ended and waited for.
            let ended = child.kill().and_then(|()| child.wait());
            ended.map_err(cannot("cannot end a process that cannot be kept"))?;
            self.cgroups.open(spec.key(), &spec.resources).iter().for_each(Cgroup::remove);
        }
        running
    }

    fn keep(&self, spec: &ExecutorSpec, child: &Child) -> Result<Running, Cause> {
        let key = spec.key();
        let cgroup = self.cgroups.make(key, &spec.resources).filter(|group| {
            let added = group.add(child.id());
            if let Err(error) = &added {
                tracing::warn!(%error, executor = %key, "an executor runs without a cgroup");
                group.remove();
            }
            added.is_ok()
        });
        // One that has ended already is not there by this name, but is still there to be waited for.
        let process = ProcessId::now(child.id());
        let process = process.unwrap_or(ProcessId { pid: child.id(), started: 0, boot: String::new() });
        let checkpoint = Checkpoint { spec: spec.clone(), process: Some(process.clone()), end: None };
        checkpoint::write(&self.work, &checkpoint).map_err(cannot("cannot write the process down"))?;
        let watched = Watched::open(process, true).map_err(cannot("cannot watch the process"))?;
        Ok(Running { watched, cgroup })
    }

    fn spawn(&self, spec: &ExecutorSpec, agent: AgentId) -> Result<Child, Cause> {
        let key = spec.key();
        let sandbox = self.work.sandbox(key);
        let log = |name: &str| -> Result<File, Cause> {
            let path = sandbox.join(name);
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
            file.map_err(cannot(format!("cannot make {}", path.display())))
        };
        let mut command = Command::new(sandbox.join(SANDBOX_PROGRAM));
        command
            .env_clear()
            .envs(PASSED_ON.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command
            .env("TMPDIR", sandbox.join("tmp"))
            .envs(&spec.environment)
            .env(MARK, &sandbox)
            .env(HOST, &self.host);
        match &spec.part {
            Part::Executor { driver, token } => {
                let start = ExecutorStart {
                    framework: spec.framework,
                    executor: spec.executor,
                    driver: driver.clone(),
                    token: token.clone(),
                    agent,
                    host: self.host.clone(),
                    serves_at: self.serves_at.clone(),
                    shuffles: self.work.shuffles(spec.framework),
                    sandbox: sandbox.clone(),
                    slots: spec.slots,
                    memory_bytes: spec.resources.memory_bytes,
                };
                let start = start.to_text().map_err(|error| Cause::of(&error))?;
                command.env(EXECUTOR_START, start).arg(EXECUTOR_ARGUMENT);
                if let Some(claim) = self.blobs.claim(spec.program, &sandbox.join(SANDBOX_PROGRAM)) {
                    command.env(EXECUTOR_PROGRAM, claim);
                }
            }
            Part::Driver { driver } => {
                command.env(DRIVER, driver.to_string()).env(MASTER, &self.masters);
            }
        }
        command.args(&spec.arguments).current_dir(&sandbox).process_group(0);
        command.stdin(Stdio::null()).stdout(log("stdout")?).stderr(log("stderr")?);
        for _ in 1..BUSY_ROUNDS {
            match command.spawn() {
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => thread::sleep(BUSY_FOR),
                other => return other.map_err(|error| cannot_start(&error, &sandbox.join(SANDBOX_PROGRAM))),
            }
        }
        command.spawn().map_err(|error| cannot_start(&error, &sandbox.join(SANDBOX_PROGRAM)))
    }
}

fn cannot_start(error: &io::Error, program: &Path) -> Cause {
    let is_missing = error.kind() == io::ErrorKind::NotFound && fs::exists(program).unwrap_or(false);
    let what = if is_missing {
        "cannot start the program: the interpreter or loader that it names is not on this machine"
    } else {
        "cannot start the program"
    };
    Cause::of(error).within(what)
}
