//! Agents with real processes, and a master of the tests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod held;
mod master;
mod real;

use master::{AGENT, Master};
use rsk_proto::{
    AgentToMaster, BlobHash, EXECUTOR_START, ExecutorEnd, ExecutorId, ExecutorKey, ExecutorReport,
    ExecutorSpec, ExecutorStart, ExecutorState, FrameworkEpoch, FrameworkId, Hello, Incarnation,
    MasterToAgent, Part, Refusal, SANDBOX_PROGRAM,
};
use rsk_scheduler::agent::{Agent, AgentConfig, AgentError};
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const APP: FrameworkId = FrameworkId { registry: 7, number: 1 };
const KEY: ExecutorKey = ExecutorKey { framework: APP, executor: ExecutorId(1) };
const WITHIN: Duration = Duration::from_secs(30);

fn config(master: &Master, folder: &Path) -> AgentConfig {
    config_of(&master.address, folder)
}

fn config_of(master: &str, folder: &Path) -> AgentConfig {
    let mut config = AgentConfig::new([master], folder);
    config.listen = "127.0.0.1:0".parse().unwrap();
    config.resources = Some("cpus:4;mem:1024".parse().unwrap());
    config.cgroups = false;
    config
}

fn spec(program: BlobHash) -> ExecutorSpec {
    ExecutorSpec {
        framework: APP,
        epoch: FrameworkEpoch(1),
        executor: KEY.executor,
        role: "*".parse().unwrap(),
        resources: "cpus:1;mem:64".parse().unwrap(),
        slots: 2,
        program,
        files: BTreeMap::new(),
        arguments: Vec::new(),
        environment: BTreeMap::new(),
        part: Part::Executor { driver: "driver:1".to_owned(), token: "secret".to_owned() },
    }
}

/// A master, and an agent that it has taken.
struct Pair {
    master: Master,
    agent: Option<Agent>,
    folder: tempfile::TempDir,
}

impl Pair {
    fn start() -> Self {
        Self::start_with(|_| {})
    }

    fn start_with(change: impl FnOnce(&mut AgentConfig)) -> Self {
        let (master, folder) = (Master::start(), tempfile::tempdir().unwrap());
        let mut config = config(&master, folder.path());
        change(&mut config);
        let agent = Some(Agent::start(config).unwrap());
        registered(&master, 1);
        Pair { master, agent, folder }
    }

    fn launch(&self, script: &str) {
        let program = self.master.put(format!("#!/bin/sh\n{script}\n").as_bytes());
        self.master.order(MasterToAgent::Launch(Box::new(spec(program))));
    }

    fn sandbox(&self) -> PathBuf {
        sandbox(self.folder.path())
    }

    fn log(&self, name: &str) -> String {
        let mut stream = TcpStream::connect(self.agent.as_ref().unwrap().address()).unwrap();
        write!(stream, "GET /logs/{APP}/{}/{name} HTTP/1.1\r\n\r\n", KEY.executor).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

fn sandbox(work_dir: &Path) -> PathBuf {
    work_dir.join(format!("frameworks/{APP}/executors/{}", KEY.executor))
}

/// What the agent says it runs, in its n-th start: the one before may have greeted more than once, if it was slow.
fn registered(master: &Master, start: u64) -> Vec<ExecutorReport> {
    master.wait_for("who it is", |message| match message {
        AgentToMaster::Register { incarnation, executors, .. } if incarnation == Incarnation(start) => {
            Some(executors)
        }
        _ => None,
    })
}

fn runs(master: &Master) {
    master.wait_for("that it runs", |message| (message == AgentToMaster::ExecutorRuns(KEY)).then_some(()));
}

fn ended(master: &Master) -> ExecutorEnd {
    let end = master.wait_for("that it has ended", |message| match message {
        AgentToMaster::ExecutorEnded { key: KEY, end } => Some(end),
        _ => None,
    });
    master.order(MasterToAgent::Acknowledge(KEY));
    end
}

fn cleaned(master: &Master) {
    master.order(MasterToAgent::End(APP));
    master.wait_for("that it is clean", |message| (message == AgentToMaster::Cleaned(APP)).then_some(()));
}

fn kill(master: &Master, grace: Duration) {
    master.order(MasterToAgent::Kill { key: KEY, grace });
}

/// Waits for something that a process does by itself.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + WITHIN;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The process whose number a script has written.
fn pid_in(path: &Path) -> u32 {
    let read = || fs::read_to_string(path).ok().filter(|text| text.ends_with('\n'))?.trim().parse().ok();
    until("a script says its number", || read().is_some());
    read().unwrap()
}

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']))
}

/// The tick of the machine's clock in which a process started.
fn started(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().parse().unwrap()
}

#[test]
fn an_executor_finds_what_it_needs_and_leaves_only_its_logs() {
    let pair = Pair::start();
    let file = pair.master.put(b"a table");
    let script = format!(
        "echo \"$@\"; cat data/table; echo; echo \"$USED\" >&2; printf '%s' \"${EXECUTOR_START}\" > start; cat start; exit 7"
    );
    let program = pair.master.put(format!("#!/bin/sh\n{script}\n").as_bytes());
    let spec = ExecutorSpec {
        files: BTreeMap::from([("data/table".to_owned(), file)]),
        arguments: vec!["one two".to_owned(), "three".to_owned()],
        environment: BTreeMap::from([("USED".to_owned(), "a variable".to_owned())]),
        ..spec(program)
    };
    pair.master.order(MasterToAgent::Launch(Box::new(spec.clone())));
    pair.master.order(MasterToAgent::Launch(Box::new(spec)));
    runs(&pair.master);
    assert_eq!(ended(&pair.master), ExecutorEnd::Exited(7));
    let out = pair.log("stdout");
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("--rsk-executor one two three"));
    assert_eq!(lines.next(), Some("a table"));
    let start = ExecutorStart::from_text(lines.next().unwrap()).unwrap();
    assert_eq!((start.framework, start.executor, start.agent), (APP, KEY.executor, AGENT));
    assert_eq!((start.driver.as_str(), start.token.as_str(), start.slots), ("driver:1", "secret", 2));
    assert_eq!(start.serves_at, pair.agent.as_ref().unwrap().address().to_string());
    assert_eq!(start.sandbox, fs::canonicalize(pair.folder.path()).map(|folder| sandbox(&folder)).unwrap());
    assert!(start.shuffles.is_dir(), "map outputs outlive their executor");
    assert_eq!(pair.log("stderr"), "a variable\n");
    assert!(!pair.sandbox().exists());
    cleaned(&pair.master);
    let frameworks = pair.folder.path().join("frameworks");
    assert_eq!(fs::read_dir(frameworks).unwrap().count(), 0);
    assert_eq!(pair.log("stderr"), "a variable\n");
}

#[test]
fn an_executor_hears_which_file_its_program_was_found_to_be() {
    let pair = Pair::start();
    let script = format!("#!/bin/sh\necho $RSK_EXECUTOR_PROGRAM\nstat -c '%d %i %s' {SANDBOX_PROGRAM}\n");
    let program = pair.master.put(script.as_bytes());
    pair.master.order(MasterToAgent::Launch(Box::new(spec(program))));
    assert_eq!(ended(&pair.master), ExecutorEnd::Exited(0));
    let out = pair.log("stdout");
    let (claim, file) = out.trim_end().split_once('\n').unwrap();
    let file: Vec<_> =
        file.split(' ').map(|number| format!("{:x}", number.parse::<u64>().unwrap())).collect();
    assert!(claim.starts_with(&file.join(":")) && claim.ends_with(&format!(":{program}")), "{out}");
}

#[test]
fn a_driver_that_the_cluster_runs_finds_its_name_and_its_masters() {
    let pair = Pair::start();
    let driver = rsk_proto::DriverId { registry: 7, number: 2 };
    let program = pair.master.put(b"#!/bin/sh\necho \"$@\" $RSK_DRIVER $RSK_MASTER $RSK_HOST\n");
    let spec =
        ExecutorSpec { part: Part::Driver { driver }, arguments: vec!["in".to_owned()], ..spec(program) };
    pair.master.order(MasterToAgent::Launch(Box::new(spec)));
    assert_eq!(ended(&pair.master), ExecutorEnd::Exited(0));
    assert_eq!(pair.log("stdout"), format!("in {driver} {} 127.0.0.1\n", pair.master.address));
}

#[test]
fn a_polite_kill_lets_a_program_tidy_up() {
    let pair = Pair::start();
    pair.launch("trap 'echo bye; exit 0' TERM; echo $$ > pid; while :; do sleep 0.02; done");
    pid_in(&pair.sandbox().join("pid"));
    kill(&pair.master, Duration::from_secs(30));
    assert_eq!(ended(&pair.master), ExecutorEnd::Killed);
    assert_eq!(pair.log("stdout"), "bye\n");
}

#[test]
fn a_program_that_ignores_signals_goes_with_all_that_it_started() {
    let pair = Pair::start();
    let pids = pair.folder.path().join("pids");
    fs::create_dir(&pids).unwrap();
    let at = pids.display();
    pair.launch(&format!(
        "trap '' TERM
        sh -c \"trap '' TERM; echo \\$\\$ > {at}/child; while :; do sleep 1; done\" &
        setsid sh -c \"trap '' TERM; echo \\$\\$ > {at}/stranger; while :; do sleep 1; done\" &
        echo $$ > {at}/first; while :; do sleep 1; done"
    ));
    let pids = ["child", "stranger", "first"].map(|name| pid_in(&pids.join(name)));
    kill(&pair.master, Duration::from_millis(200));
    assert_eq!(ended(&pair.master), ExecutorEnd::Killed);
    assert_eq!(pids.map(is_alive), [false; 3]);
    assert!(!pair.sandbox().exists());
}

#[test]
fn a_stopped_process_is_killed_too() {
    let pair = Pair::start();
    pair.launch("echo $$ > pid; kill -STOP $$; sleep 60");
    pid_in(&pair.sandbox().join("pid"));
    kill(&pair.master, Duration::from_millis(50));
    assert_eq!(ended(&pair.master), ExecutorEnd::Killed);
}

#[test]
fn an_executor_that_is_still_fetching_can_be_killed() {
    let pair = Pair::start();
    // Nobody has this blob: a refusal ends the launch, or the kill does.
    pair.master.order(MasterToAgent::Launch(Box::new(spec(BlobHash([9; 32])))));
    kill(&pair.master, Duration::from_secs(30));
    let end = ended(&pair.master);
    assert!(matches!(end, ExecutorEnd::Killed | ExecutorEnd::LaunchFailed(_)), "{end}");
}

#[test]
fn a_blob_that_is_not_what_it_should_be_is_refused_and_one_that_got_damaged_is_fetched_again() {
    let pair = Pair::start();
    let right = b"#!/bin/sh\nexit 4\n";
    let hash = pair.master.put(right);
    pair.master.put_as(hash, b"#!/bin/sh\nexit 5\n");
    let order = |executor| {
        let spec = ExecutorSpec { executor: ExecutorId(executor), ..spec(hash) };
        pair.master.order(MasterToAgent::Launch(Box::new(spec)));
        pair.master.wait_for("its end", |message| match message {
            AgentToMaster::ExecutorEnded { key, end } if key.executor == ExecutorId(executor) => Some(end),
            _ => None,
        })
    };
    let ExecutorEnd::LaunchFailed(cause) = order(1) else { panic!("it ran what it should not") };
    let why = cause.chain().collect::<Vec<_>>().join(": ");
    assert!(why.contains(&hash.to_string()) && why.contains("have the hash"), "{why}");
    pair.master.put_as(hash, right);
    assert_eq!(order(2), ExecutorEnd::Exited(4));
    pair.master.offsets();
    assert_eq!(order(3), ExecutorEnd::Exited(4));
    assert!(pair.master.offsets().is_empty(), "it is there already");
    let blob = pair.folder.path().join("blobs").join(hash.to_string());
    fs::write(&blob, b"#!/bin/sh\nexit 6\n").unwrap();
    assert_eq!(order(4), ExecutorEnd::Exited(4));
    assert_eq!(pair.master.offsets(), [0]);
}

#[test]
fn a_fetch_goes_on_where_an_earlier_one_ended() {
    let pair = Pair::start();
    let mut program = b"#!/bin/sh\nexit 3\n".to_vec();
    program.extend(std::iter::repeat_n(b'#', 1 << 20));
    let hash = pair.master.put(&program);
    let part = pair.folder.path().join("blobs").join(format!("{hash}.part"));
    fs::write(&part, &program[..700_000]).unwrap();
    pair.master.order(MasterToAgent::Launch(Box::new(spec(hash))));
    assert_eq!(ended(&pair.master), ExecutorEnd::Exited(3));
    assert_eq!(pair.master.offsets(), [700_000]);
}

#[test]
fn what_cannot_be_started_says_why() {
    let pair = Pair::start();
    let mut foreign = fs::read(std::env::current_exe().unwrap()).unwrap();
    foreign[18..20].copy_from_slice(&183u16.to_le_bytes());
    let aarch64 = pair.master.put(&foreign);
    let nothing = pair.master.put(b"no program");
    let lost = pair.master.put(b"#!/no/such/interpreter\n");
    for (executor, program, words) in
        [(1, aarch64, "built for aarch64"), (2, nothing, "no program"), (3, lost, "interpreter or loader")]
    {
        let spec = ExecutorSpec { executor: ExecutorId(executor), ..spec(program) };
        pair.master.order(MasterToAgent::Launch(Box::new(spec)));
        let cause = pair.master.wait_for("why", |message| match message {
            AgentToMaster::ExecutorEnded { end: ExecutorEnd::LaunchFailed(cause), .. } => Some(cause),
            _ => None,
        });
        assert!(cause.chain().any(|message| message.contains(words)), "{cause}");
        let key = ExecutorKey { framework: APP, executor: ExecutorId(executor) };
        pair.master.order(MasterToAgent::Acknowledge(key));
    }
    cleaned(&pair.master);
}

#[test]
fn executors_outlive_their_master_and_it_hears_of_them_when_it_is_back() {
    let mut pair = Pair::start();
    pair.launch("echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done; exit 5");
    let pid = pid_in(&pair.sandbox().join("pid"));
    let address = pair.master.address.clone();
    drop(pair.master);
    pair.master = Master::start_at(&address);
    let executors = registered(&pair.master, 1);
    assert_eq!(
        executors.iter().map(|it| (it.key, it.state.clone())).collect::<Vec<_>>(),
        [(KEY, ExecutorState::Running)]
    );
    assert!(is_alive(pid));
    fs::write(pair.sandbox().join("go"), "").unwrap();
    assert_eq!(ended(&pair.master), ExecutorEnd::Exited(5));
}

#[test]
fn an_agent_that_is_told_to_stop_ends_its_executors_and_says_goodbye() {
    let mut pair = Pair::start();
    pair.launch("echo $$ > pid; sleep 60");
    let pid = pid_in(&pair.sandbox().join("pid"));
    let agent = pair.agent.take().unwrap();
    agent.stop();
    assert_eq!(ended(&pair.master), ExecutorEnd::Killed);
    pair.master.wait_for("goodbye", |message| (message == AgentToMaster::Leaving).then_some(()));
    let address = agent.address();
    agent.wait().unwrap();
    assert!(!is_alive(pid));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn an_agent_of_another_version_ends_with_both_versions_named() {
    let (master, folder) = (Master::start(), tempfile::tempdir().unwrap());
    let theirs = Hello { version: 99, build: "9.9".to_owned() };
    master.answer(MasterToAgent::Refused(Refusal::Version { ours: theirs, theirs: Hello::ours() }));
    let agent = Agent::start(config(&master, folder.path())).unwrap();
    let AgentError::Refused(refusal) = agent.wait().unwrap_err() else { panic!("it was taken") };
    let text = refusal.to_string();
    assert!(text.contains("protocol 99 (rsk 9.9)") && text.contains(&Hello::ours().to_string()), "{text}");
}

#[test]
fn two_agents_do_not_share_a_work_folder() {
    let pair = Pair::start();
    let error = Agent::start(config(&pair.master, pair.folder.path())).unwrap_err();
    assert!(matches!(error, AgentError::Locked { .. }), "{error}");
}

/// An agent in a process of its own, which can be killed.
struct Process(Child);

impl Process {
    fn start(master: &Master, folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["agent_process", "--exact", "--ignored"]).stdout(Stdio::null());
        command.env("AGENT_MASTER", &master.address).env("AGENT_WORK", folder);
        Process(command.spawn().unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
#[ignore = "it is the agent of other tests, which start it"]
fn agent_process() {
    let (Ok(master), Ok(folder)) = (std::env::var("AGENT_MASTER"), std::env::var("AGENT_WORK")) else {
        return;
    };
    rsk_scheduler::agent::run(config_of(&master, Path::new(&folder))).unwrap();
}

/// A master, a killed agent, and its executor, whose process goes on.
fn orphan() -> (Master, tempfile::TempDir, u32) {
    let (master, folder) = (Master::start(), tempfile::tempdir().unwrap());
    let mut agent = Process::start(&master, folder.path());
    registered(&master, 1);
    let script = "#!/bin/sh\necho $$ > pid; while [ ! -e go ]; do sleep 0.02; done; echo done\n";
    master.order(MasterToAgent::Launch(Box::new(spec(master.put(script.as_bytes())))));
    let pid = pid_in(&sandbox(folder.path()).join("pid"));
    runs(&master);
    agent.kill();
    assert!(is_alive(pid), "executors outlive their agent");
    (master, folder, pid)
}

#[test]
fn an_agent_that_was_killed_finds_its_executors_again() {
    let (master, folder, pid) = orphan();
    let agent = Agent::start(config(&master, folder.path())).unwrap();
    let executors = registered(&master, 2);
    assert_eq!((executors[0].key, &executors[0].state), (KEY, &ExecutorState::Running));
    assert!(is_alive(pid));
    fs::write(sandbox(folder.path()).join("go"), "").unwrap();
    // It was not its child any more, which kernels before 6.15 tell nobody the end of.
    assert!(matches!(ended(&master), ExecutorEnd::Exited(0) | ExecutorEnd::Unseen));
    drop(agent);
}

#[test]
fn an_agent_that_starts_again_listens_where_it_did_unless_somebody_else_does() {
    let (master, folder) = (Master::start(), tempfile::tempdir().unwrap());
    let start = || Agent::start(config(&master, folder.path())).unwrap();
    let first = start().address();
    assert_eq!(start().address(), first);
    let taken = std::net::TcpListener::bind(first).unwrap();
    assert_ne!(start().address(), taken.local_addr().unwrap());
}

#[test]
fn an_adopted_executor_can_be_killed() {
    let (master, folder, pid) = orphan();
    let _agent = Agent::start(config(&master, folder.path())).unwrap();
    registered(&master, 2);
    kill(&master, Duration::from_secs(30));
    assert_eq!(ended(&master), ExecutorEnd::Killed);
    assert!(!is_alive(pid));
    cleaned(&master);
}

#[test]
fn an_executor_that_ended_while_its_agent_was_away_is_told_of() {
    let (master, folder, _) = orphan();
    fs::write(sandbox(folder.path()).join("go"), "").unwrap();
    let pid = pid_in(&sandbox(folder.path()).join("pid"));
    until("it ends", || !is_alive(pid));
    let _agent = Agent::start(config(&master, folder.path())).unwrap();
    let executors = registered(&master, 2);
    assert_eq!(executors[0].state, ExecutorState::Ended(ExecutorEnd::Unseen));
}

#[test]
fn a_stranger_with_the_number_of_an_executor_is_neither_adopted_nor_hurt() {
    let (master, folder, pid) = orphan();
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    until("it is gone", || !is_alive(pid));
    let path = folder.path().join(format!("checkpoints/{APP}.{}.json", KEY.executor));
    let mut checkpoint: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    // A process is known by its number and the tick it started in: a stranger of the same tick is none.
    let started_then = checkpoint["process"]["started"].as_u64().unwrap();
    let strangers = || Process(Command::new("sleep").arg("600").spawn().unwrap());
    let is_later = |it: &Process| started(it.0.id()) > started_then;
    let mut stranger = std::iter::repeat_with(strangers).find(is_later).unwrap();
    checkpoint["process"]["pid"] = stranger.0.id().into();
    fs::write(&path, checkpoint.to_string()).unwrap();
    let _agent = Agent::start(config(&master, folder.path())).unwrap();
    let executors = registered(&master, 2);
    assert_eq!(executors[0].state, ExecutorState::Ended(ExecutorEnd::Unseen));
    assert!(stranger.0.try_wait().unwrap().is_none());
}

#[test]
fn a_process_that_was_not_written_down_yet_is_ended_by_the_next_start() {
    let (master, folder, pid) = orphan();
    let path = folder.path().join(format!("checkpoints/{APP}.{}.json", KEY.executor));
    let mut checkpoint: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    checkpoint["process"] = serde_json::Value::Null;
    fs::write(&path, checkpoint.to_string()).unwrap();
    let _agent = Agent::start(config(&master, folder.path())).unwrap();
    let executors = registered(&master, 2);
    assert!(matches!(executors[0].state, ExecutorState::Ended(ExecutorEnd::LaunchFailed(_))));
    assert!(!is_alive(pid));
}

#[test]
fn an_agent_process_ends_politely_on_a_signal() {
    let (master, folder) = (Master::start(), tempfile::tempdir().unwrap());
    let mut agent = Process::start(&master, folder.path());
    registered(&master, 1);
    assert!(Command::new("kill").arg(agent.0.id().to_string()).status().unwrap().success());
    master.wait_for("goodbye", |message| (message == AgentToMaster::Leaving).then_some(()));
    assert!(agent.0.wait().unwrap().success());
}
