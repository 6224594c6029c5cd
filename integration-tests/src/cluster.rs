//! A real cluster on this machine: processes of the built binary `rsk`, on free ports and in temporary folders.

use crate::{Link, Process, binary};
use rsk_proto::{
    ExecutorKey,
    status::{AgentState, AgentStatus, ClusterStatus},
};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

/// What is awaited comes within this, or the test fails.
pub const WITHIN: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What one agent of a test has.
const RESOURCES: &str = "cpus:1;mem:600";

/// A cluster. All of its processes are killed, and all of its files are removed, when it is dropped.
///
/// ```no_run
/// use integration_tests::{cluster::TestCluster, example};
///
/// let cluster = TestCluster::new().agents(3);
/// let said = cluster.rsk(&["submit", cluster.master(), &example("pi").display().to_string()]);
/// assert!(said.status.success());
/// ```
#[derive(Debug)]
pub struct TestCluster {
    folder: tempfile::TempDir,
    address: String,
    master: Option<Process>,
    agents: Vec<Option<Process>>,
    resources: String,
    /// Of each agent, where they are apart.
    racks: Vec<String>,
    variables: Vec<(&'static str, &'static str)>,
    /// Between each agent and the master.
    links: Vec<Link>,
}

impl TestCluster {
    /// A master, and no agent yet.
    #[expect(clippy::new_without_default, reason = "it starts processes")]
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// A master with these variables in its environment, which agents get to see, too.
    pub fn with(variables: &[(&'static str, &'static str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("rsk-test-").tempdir().unwrap();
        let address = "127.0.0.1:0".to_owned();
        let resources = RESOURCES.to_owned();
        let (agents, variables, racks) = (Vec::new(), variables.to_vec(), Vec::new());
        let mut cluster = TestCluster {
            folder,
            address,
            master: None,
            agents,
            resources,
            variables,
            racks,
            links: Vec::new(),
        };
        cluster.start_master();
        cluster
    }

    /// Agents that are started from now on have these resources.
    #[must_use]
    pub fn each_with(mut self, resources: &str) -> Self {
        resources.clone_into(&mut self.resources);
        self
    }

    /// Agents that are started from now on have hosts of their own, 127.0.0.2 and so on, in these racks.
    #[must_use]
    pub fn in_racks(mut self, racks: &[&str]) -> Self {
        self.racks = racks.iter().map(|rack| (*rack).to_owned()).collect();
        self
    }

    /// So many more agents, which the master knows when this returns.
    #[must_use]
    pub fn agents(mut self, count: usize) -> Self {
        for _ in 0..count {
            self.agents.push(None);
            self.start_agent(self.agents.len() - 1);
        }
        let all = self.agents.len();
        self.wait("all agents are there", |status| active(status).count() == all);
        self
    }

    /// Where the master listens.
    pub fn master(&self) -> &str {
        &self.address
    }

    /// Starts the master, for the first time or again. It listens when this returns.
    pub fn start_master(&mut self) {
        assert!(self.master.is_none(), "the master runs");
        let work_dir = self.master_folder();
        let mut master = Process::start(
            command(self.folder.path())
                .args(["master", "--log", "warn", "--listen", &self.address, "--work-dir"])
                .arg(work_dir)
                .envs(self.variables.iter().copied()),
        );
        let line = master.line();
        let address = line.strip_prefix("master at ").unwrap_or_else(|| panic!("the master says {line:?}"));
        address.clone_into(&mut self.address);
        self.master = Some(master);
    }

    /// Starts an agent, for the first time or again, with the same folder.
    pub fn start_agent(&mut self, number: usize) {
        assert!(self.agents[number].is_none(), "agent {number} runs");
        let mut attributes = format!("test:{number}");
        let mut listen = "127.0.0.1:0".to_owned();
        if let Some(rack) = self.racks.get(number) {
            attributes = format!("{attributes};rack:{rack}");
            listen = format!("127.0.0.{}:0", number + 2);
        }
        if self.links.len() <= number {
            self.links.push(Link::to(&self.address));
        }
        let agent = Process::start(
            self.command()
                .envs(self.variables.iter().copied())
                .args(["agent", "--log", "error", "-m", self.links[number].address()])
                .args(["--listen", &listen])
                .args(["--resources", &self.resources, "--attributes", &attributes])
                .arg("--work-dir")
                .arg(self.agent_folder(number)),
        );
        self.agents[number] = Some(agent);
    }

    /// The master's process.
    pub fn master_process(&self) -> &Process {
        self.master.as_ref().unwrap()
    }

    /// An agent's process: to stop it (`STOP`), to let it go on (`CONT`), or to end it politely (`TERM`).
    pub fn agent_process(&self, number: usize) -> &Process {
        self.agents[number].as_ref().unwrap()
    }

    /// Kills the master: `kill -9`.
    pub fn kill_master(&mut self) {
        self.master.take().unwrap().kill();
    }

    /// Kills an agent, not its executors: `kill -9`.
    pub fn kill_agent(&mut self, number: usize) {
        self.agents[number].take().unwrap().kill();
    }

    /// Cuts an agent off from the master: neither hears anything of the other, and nobody is told.
    pub fn cut_off(&self, number: usize) {
        self.links[number].cut();
    }

    /// The agent and the master hear each other again.
    pub fn reconnect(&self, number: usize) {
        self.links[number].mend();
    }

    /// Ends an agent politely, and waits for it.
    pub fn end_agent(&mut self, number: usize) {
        let agent = self.agents[number].take().unwrap();
        agent.signal("TERM");
        agent.end(WITHIN);
    }

    /// The folder of an agent's files.
    pub fn agent_folder(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("agent-{number}"))
    }

    /// The folder of the master's files.
    pub fn master_folder(&self) -> PathBuf {
        self.folder.path().join("master")
    }

    /// A folder for a test's own files.
    pub fn folder(&self) -> PathBuf {
        let own = self.folder.path().join("own");
        fs::create_dir_all(&own).unwrap();
        own
    }

    /// What the master knows.
    pub fn status(&self) -> ClusterStatus {
        self.try_status().unwrap()
    }

    fn try_status(&self) -> Result<ClusterStatus, Box<dyn std::error::Error>> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(WITHIN))?;
        write!(stream, "GET /state HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, json) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        Ok(serde_json::from_str(json)?)
    }

    /// How an agent is known to the master.
    pub fn agent<'a>(&self, status: &'a ClusterStatus, number: usize) -> Option<&'a AgentStatus> {
        let number = number.to_string();
        status.agents.iter().find(|agent| agent.attributes.get("test") == Some(&number))
    }

    /// Waits until the cluster is as it should be, and says how it is then.
    pub fn wait(&self, what: &str, is_so: impl Fn(&ClusterStatus) -> bool) -> ClusterStatus {
        let until = Instant::now() + WITHIN;
        let mut last = None;
        while Instant::now() < until {
            if let Ok(status) = self.try_status() {
                if is_so(&status) {
                    return status;
                }
                last = Some(status);
            }
            thread::sleep(LOOK_EVERY);
        }
        panic!("it is still not so that {what}: {last:#?}");
    }

    /// Waits until no application, no executor, no offer, no process and no file of one is left.
    pub fn wait_for_quiet(&self) {
        let is_quiet = |status: &ClusterStatus| {
            status.frameworks.is_empty() && status.executors.is_empty() && status.offers.is_empty()
        };
        self.wait("applications and executors have gone", is_quiet);
        let until = Instant::now() + WITHIN;
        loop {
            let (processes, files) = (self.processes(), self.files());
            if processes.is_empty() && files.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "there are still {processes:?} and {files:?}");
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Processes that agents have started and that are still there.
    pub fn processes(&self) -> Vec<u32> {
        processes_below(self.folder.path())
    }

    /// The processes of one executor, or of a driver that the cluster runs.
    pub fn processes_of(&self, key: ExecutorKey) -> Vec<u32> {
        let of_agent = |number| {
            let sandbox = format!("frameworks/{}/executors/{}", key.framework, key.executor);
            marked(&format!("RSK_SANDBOX={}\0", self.agent_folder(number).join(sandbox).display()))
        };
        (0..self.agents.len()).flat_map(of_agent).collect()
    }

    /// The processes that an agent has started.
    pub fn processes_on(&self, number: usize) -> Vec<u32> {
        processes_below(&self.agent_folder(number))
    }

    /// Files of applications that agents still have, logs aside.
    fn files(&self) -> Vec<PathBuf> {
        let mut folders: Vec<_> =
            (0..self.agents.len()).map(|number| self.agent_folder(number).join("frameworks")).collect();
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            // One that has gone since has none.
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder { folders.push(entry.path()) } else { files.push(entry.path()) }
            }
        }
        files
    }

    /// The binary, to be started in the test's folder, with nothing of rsk in its environment but this master.
    pub fn command(&self) -> Command {
        let mut command = command(self.folder.path());
        command.env("RSK_MASTER", &self.address);
        command
    }

    /// Runs the binary to its end.
    pub fn rsk(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }
}

/// The binary, to be started in this folder, with nothing of rsk in its environment. It keeps its temporary files there.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RSK_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).env("TMPDIR", folder);
    command
}

/// Processes that agents with work folders below this one have started, and that are still there.
pub fn processes_below(folder: &Path) -> Vec<u32> {
    marked(&format!("RSK_SANDBOX={}/", folder.display()))
}

fn marked(mark: &str) -> Vec<u32> {
    let all =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_ours = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(mark)
    };
    all.filter(is_ours).collect()
}

/// The agents that are there.
pub fn active(status: &ClusterStatus) -> impl Iterator<Item = &AgentStatus> {
    status.agents.iter().filter(|agent| agent.state == AgentState::Active)
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        self.agents.clear();
        self.master = None;
        let until = Instant::now() + WITHIN;
        while let Some(pid) = self.processes().first() {
            let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).output();
            if killed.is_err() || Instant::now() > until {
                eprintln!("process {pid} of {} cannot be killed", self.folder.path().display());
                return;
            }
        }
    }
}
