//! The agent's hands: carries out what the core decides, and tells it what came of it.
//!
//! One thread folds events and carries out commands; a small tokio runtime speaks with the master and lives with the
//! executors. Bounds: the mailbox holds so many events, and who fills it waits.

use super::{
    AgentConfig, AgentError,
    blob::Blobs,
    cgroup::{Cgroup, Cgroups},
    checkpoint::{self, Checkpoint},
    collect,
    core::{AgentCore, Command, Event, Recovered},
    detect::{Watched, end_marked},
    executor::{Life, Order, tidy_up},
    launch::{Launcher, Running},
    link::Call,
    machine,
    serve::Server,
    work::{Identity, Work},
};
use rsk_proto::{AgentToMaster, Cause, ExecutorEnd, ExecutorKey, ExecutorSpec, Refusal, Time, rpc};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// So many events wait for the core.
const MAILBOX_MAX: usize = 1024;
/// So many orders wait for one executor: more would say the same again.
const ORDERS_MAX: usize = 8;
/// What was said last may take so long to leave.
const FLUSH_WITHIN: Duration = Duration::from_millis(200);
/// Logs are looked at for their age this often.
const TRIM_EVERY: Duration = Duration::from_hours(1);

/// An agent that runs in this process. Dropped, it stops as [`Agent::stop`] does, and is waited for.
///
/// ```
/// # use rsk_scheduler::agent::{Agent, AgentConfig};
/// let folder = tempfile::tempdir()?;
/// let mut config = AgentConfig::new(["127.0.0.1:1"], folder.path());
/// config.listen = "127.0.0.1:0".parse()?;
/// let agent = Agent::start(config)?; // No master is there: it dials again and again.
/// assert_ne!(agent.address().port(), 0);
/// agent.stop();
/// agent.wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Agent {
    address: SocketAddr,
    mailbox: mpsc::Sender<Event>,
    thread: Option<thread::JoinHandle<Result<(), Refusal>>>,
}

impl Agent {
    /// Takes the work folder, finds the executors of an earlier start again, listens, and dials the masters.
    pub fn start(config: AgentConfig) -> Result<Self, AgentError> {
        if config.masters.is_empty() {
            return Err(AgentError::NoMaster);
        }
        let work = Arc::new(Work::open(&config.work_dir)?);
        let identity = work.begin()?;
        let server = Server::start(config.listen, work.clone())?;
        let address = server.address();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("agent-io")
            .enable_all()
            .build()
            .map_err(AgentError::System)?;
        let (mailbox, events) = mpsc::channel(MAILBOX_MAX);
        let shell = Shell::new(config, identity, (work, server), runtime, mailbox.clone())?;
        let thread = thread::Builder::new().name("agent".to_owned()).spawn(move || shell.run(events));
        Ok(Agent { address, mailbox, thread: Some(thread.map_err(AgentError::System)?) })
    }

    /// Where map outputs and logs are served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks the agent to end its executors, politely first, and then itself.
    pub fn stop(&self) {
        // One that has ended already needs no asking; and a mailbox of an agent that runs is emptied at once.
        let mailbox = self.mailbox.clone();
        drop(thread::spawn(move || mailbox.blocking_send(Event::Stop)));
    }

    /// Waits until the agent has ended.
    ///
    /// Errors: no master takes it, or another agent has taken over its name.
    pub fn wait(mut self) -> Result<(), AgentError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), AgentError> {
        match self.thread.take().map(thread::JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(refusal))) => Err(AgentError::Refused(refusal)),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop();
            if let Err(error) = self.join() {
                tracing::error!(%error, "an agent ended with an error");
            }
        }
    }
}

/// Runs an agent until it is told to end by SIGTERM or SIGINT, or no master takes it.
///
/// ```no_run
/// # use rsk_scheduler::agent::{self, AgentConfig};
/// agent::run(AgentConfig::new(["host:5050"], "/var/lib/rsk/agent"))?;
/// # Ok::<(), agent::AgentError>(())
/// ```
pub fn run(config: AgentConfig) -> Result<(), AgentError> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AgentError::System)?;
    // Before anything else is there: a signal that comes early is not lost.
    let (mut terminate, mut interrupt) = {
        let _inside = signals.enter();
        let listen = |kind| signal(kind).map_err(AgentError::System);
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?)
    };
    let agent = Agent::start(config)?;
    let mailbox = agent.mailbox.clone();
    signals.block_on(async {
        tokio::select! {
            _ = terminate.recv() => agent.stop(),
            _ = interrupt.recv() => agent.stop(),
            () = mailbox.closed() => {}
        }
    });
    agent.wait()
}

struct Shell {
    work: Arc<Work>,
    // Dropped before the runtime: nothing is served once the agent has ended.
    server: Server,
    launcher: Arc<Launcher>,
    masters: Vec<String>,
    identity: Identity,
    core: AgentCore,
    clock: Instant,
    mailbox: mpsc::Sender<Event>,
    master: watch::Sender<Option<rpc::MasterClient>>,
    line: Line,
    orders: BTreeMap<ExecutorKey, mpsc::Sender<Order>>,
    limits: Limits,
    runtime: Runtime,
}

struct Limits {
    log_bytes_max: u64,
    logs_bytes_max: u64,
    logs_kept: Duration,
}

/// The call that is under way.
#[derive(Default)]
struct Line {
    call: Call,
    dialling: Option<JoinHandle<()>>,
    to: Option<mpsc::Sender<AgentToMaster>>,
}

impl Shell {
    fn new(
        config: AgentConfig,
        identity: Identity,
        (work, server): (Arc<Work>, Server),
        runtime: Runtime,
        mailbox: mpsc::Sender<Event>,
    ) -> Result<Self, AgentError> {
        let facts = machine::facts(&config, server.address());
        let (master, masters) = (watch::Sender::new(None), config.masters);
        let launcher = Arc::new(Launcher {
            work: work.clone(),
            blobs: Blobs::new(work.blobs(), config.blobs_bytes_max),
            cgroups: if config.cgroups { Cgroups::find() } else { Cgroups::None },
            master: master.subscribe(),
            masters: masters.join(","),
            host: facts.host.clone(),
            serves_at: facts.address.clone(),
        });
        let found = recover(&launcher, &runtime)?;
        let recovered = found
            .iter()
            .map(|(checkpoint, _)| Recovered { spec: checkpoint.spec.clone(), end: checkpoint.end.clone() });
        let known = (recovered.collect(), work.known_frameworks()?);
        let who = (identity.id, identity.incarnation);
        let core = AgentCore::new(facts, masters.len(), who, known, config.seed, Time::default());
        let limits = Limits {
            log_bytes_max: config.log_bytes_max,
            logs_bytes_max: config.logs_bytes_max,
            logs_kept: config.logs_kept,
        };
        let mut shell = Shell {
            work,
            server,
            launcher,
            masters,
            identity,
            core,
            clock: Instant::now(),
            mailbox,
            master,
            line: Line::default(),
            orders: BTreeMap::new(),
            limits,
            runtime,
        };
        for (checkpoint, running) in found {
            if let Some(running) = running {
                let key = key_of(&checkpoint.spec);
                let life = shell.life(key);
                shell.runtime.spawn(async move { life.go_on(running).await });
            }
        }
        Ok(shell)
    }

    fn now(&self) -> Time {
        Time(self.clock.elapsed())
    }

    fn run(mut self, mut events: mpsc::Receiver<Event>) -> Result<(), Refusal> {
        let mut event = Event::Wake;
        let mut trim_at = Time::default();
        let end = loop {
            if trim_at <= self.now() {
                trim_at = self.now() + TRIM_EVERY;
                self.trim_logs();
            }
            let now = self.now();
            let commands = self.core.step(event, now);
            if let Some(end) = commands.into_iter().find_map(|command| self.carry_out(command)) {
                break end;
            }
            let wait = self.core.wake_at().min(trim_at).since(self.now());
            let next = self.runtime.block_on(async { tokio::time::timeout(wait, events.recv()).await });
            event = next.ok().flatten().unwrap_or(Event::Wake);
        };
        let Shell { server, runtime, line, .. } = self;
        drop(server);
        drop(line.to);
        if let Some(dialling) = line.dialling {
            // A master that does not end the stream in time has heard it, or never will.
            drop(runtime.block_on(async { tokio::time::timeout(FLUSH_WITHIN, dialling).await }));
        }
        events.close();
        runtime.shutdown_timeout(FLUSH_WITHIN);
        end
    }

    /// Does what the core wants; returns how the agent ends, when it does.
    fn carry_out(&mut self, command: Command) -> Option<Result<(), Refusal>> {
        tracing::debug!(?command, "agent");
        match command {
            Command::Dial(call, master) => self.dial(call, master),
            Command::HangUp(_) => self.hang_up(),
            Command::Send(call, message) => self.send(call, message),
            Command::Name(id) => {
                self.identity.id = id;
                if let Err(error) = self.work.save_identity(self.identity) {
                    tracing::error!(%error, "the agent's name cannot be written down: its next start gets another");
                }
            }
            Command::Start(spec) => self.start(*spec),
            Command::Ask(key) => self.order(key, Order::Ask),
            Command::Force(key) => self.order(key, Order::Force),
            Command::Record(key, end) => {
                self.orders.remove(&key);
                if let Err(error) = checkpoint::record(&self.work, key, end) {
                    tracing::error!(%error, executor = %key, "how an executor ended cannot be written down");
                }
            }
            Command::Forget(key) => {
                if let Err(error) = checkpoint::forget(&self.work, key) {
                    tracing::error!(%error, executor = %key, "what was written down of an executor cannot be deleted");
                }
            }
            Command::Clean(framework) => {
                self.trim_logs();
                let (work, mailbox) = (self.work.clone(), self.mailbox.clone());
                self.runtime.spawn_blocking(move || {
                    let cleaned = collect::end_framework(&work, framework);
                    if let Err(cause) = &cleaned {
                        tracing::warn!(error = %cause, %framework, "files of an ended application are still there");
                    }
                    // The shell is gone only when the agent is.
                    drop(mailbox.blocking_send(Event::Cleaned(framework, cleaned)));
                });
            }
            Command::Exit(end) => return Some(end),
        }
        None
    }

    fn dial(&mut self, call: Call, master: usize) {
        self.hang_up();
        let Some(address) = self.masters.get(master).cloned() else { return };
        let (to, said) = mpsc::channel(MAILBOX_MAX);
        let (mailbox, master) = (self.mailbox.clone(), self.master.clone());
        let dialling = self.runtime.spawn(async move {
            let cause = match talk(call, &address, said, &mailbox, &master).await {
                Ok(()) => Cause::new(format!("{address} has ended the stream")),
                Err(error) => Cause::of(&error),
            };
            let why = cause.chain().collect::<Vec<_>>().join(": ");
            tracing::warn!(master = %address, why, "no master");
            drop(mailbox.send(Event::Disconnected(call, cause)).await);
        });
        self.line = Line { call, dialling: Some(dialling), to: Some(to) };
    }

    fn hang_up(&mut self) {
        let Line { dialling, to, .. } = std::mem::take(&mut self.line);
        // What was said before is still sent; the rest of the call is not listened to.
        drop(to);
        self.master.send_replace(None);
        if let Some(dialling) = dialling {
            self.runtime.spawn(async move {
                let abort = dialling.abort_handle();
                if tokio::time::timeout(FLUSH_WITHIN, dialling).await.is_err() {
                    abort.abort();
                }
            });
        }
    }

    fn send(&mut self, call: Call, message: AgentToMaster) {
        let Some(to) = self.line.to.as_ref().filter(|_| self.line.call == call) else { return };
        if to.try_send(message).is_err() {
            // Too much waits for a master that does not read: the call is no good any more, and what could not be said
            // is said again on the next.
            let mailbox = self.mailbox.clone();
            let cause = Cause::new("the master does not read what it is told");
            self.hang_up();
            self.runtime.spawn(async move { mailbox.send(Event::Disconnected(call, cause)).await });
        }
    }

    fn life(&mut self, key: ExecutorKey) -> Life {
        let (to, orders) = mpsc::channel(ORDERS_MAX);
        self.orders.insert(key, to);
        let (launcher, mailbox) = (self.launcher.clone(), self.mailbox.clone());
        Life { launcher, key, orders, log_bytes_max: self.limits.log_bytes_max, mailbox }
    }

    fn start(&mut self, spec: ExecutorSpec) {
        let key = key_of(&spec);
        let life = self.life(key);
        // Orders come from a master that has given the agent a name.
        let Some(agent) = self.identity.id else {
            tracing::error!(executor = %key, "an order for an agent without a name");
            return;
        };
        self.runtime.spawn(async move { life.begin(spec, agent).await });
    }

    fn order(&self, key: ExecutorKey, order: Order) {
        // A full mailbox says the same already; a closed one belongs to an executor that is ending.
        if let Some(Err(error)) = self.orders.get(&key).map(|orders| orders.try_send(order)) {
            tracing::debug!(%error, executor = %key, "an order is not needed any more");
        }
    }

    fn trim_logs(&self) {
        let Limits { logs_bytes_max, logs_kept, .. } = self.limits;
        let trimmed = collect::trim_logs(&self.work, logs_bytes_max, logs_kept, SystemTime::now());
        if let Err(error) = trimmed {
            tracing::warn!(%error, "old logs cannot be deleted");
        }
    }
}

fn key_of(spec: &ExecutorSpec) -> ExecutorKey {
    ExecutorKey { framework: spec.framework, executor: spec.executor }
}

/// One call from its beginning to its end.
async fn talk(
    call: Call,
    address: &str,
    mut said: mpsc::Receiver<AgentToMaster>,
    mailbox: &mpsc::Sender<Event>,
    master: &watch::Sender<Option<rpc::MasterClient>>,
) -> Result<(), rpc::RpcError> {
    let client = rpc::MasterClient::connect(address).await?;
    let (to, mut from) = client.agent().await?;
    master.send_replace(Some(client));
    if mailbox.send(Event::Connected(call)).await.is_err() {
        return Ok(());
    }
    let speak = async move {
        while let Some(message) = said.recv().await {
            to.send(message).await?;
        }
        Ok::<(), rpc::RpcError>(())
    };
    let listen = async {
        while let Some(message) = from.receive().await? {
            if mailbox.send(Event::Heard(call, message)).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    let mut listen = std::pin::pin!(listen);
    tokio::select! {
        // Hung up: the last words are on their way for as long as the master keeps the stream.
        spoken = speak => match spoken {
            Ok(()) => listen.await,
            Err(error) => Err(error),
        },
        heard = &mut listen => heard,
    }
}

type Found = Vec<(Checkpoint, Option<Running>)>;

/// Finds what an earlier start has left: executors that run are watched again, and everything else of it is ended.
fn recover(launcher: &Launcher, runtime: &Runtime) -> Result<Found, AgentError> {
    let work = &launcher.work;
    let fail = |path: PathBuf| move |cause| AgentError::Work { path, cause };
    let all = checkpoint::read_all(work).map_err(fail(work.checkpoints()))?;
    let _inside = runtime.enter();
    let mut found: Found = Vec::new();
    for mut checkpoint in all {
        let key = key_of(&checkpoint.spec);
        let alive = checkpoint.process.clone().filter(|it| checkpoint.end.is_none() && it.is_alive());
        let watched = alive.and_then(|process| Watched::open(process, false).ok());
        let cgroup = || launcher.cgroups.open(key, &checkpoint.spec.resources);
        let running = watched.map(|watched| Running { watched, cgroup: cgroup() });
        if running.is_none() && checkpoint.end.is_none() {
            let is_fresh = checkpoint.process.is_none();
            let why = "the agent was started again while it was being started";
            let end = if is_fresh { ExecutorEnd::LaunchFailed(Cause::new(why)) } else { ExecutorEnd::Unseen };
            let out_of_memory = cgroup().and_then(|group| group.out_of_memory());
            checkpoint.end = Some(out_of_memory.unwrap_or(end));
            checkpoint::write(work, &checkpoint).map_err(fail(work.checkpoints()))?;
        }
        tracing::info!(executor = %key, is_adopted = running.is_some(), "an executor of the agent's last start");
        found.push((checkpoint, running));
    }
    let adopted: BTreeSet<PathBuf> =
        found.iter().filter(|(_, it)| it.is_some()).map(|(it, _)| work.sandbox(key_of(&it.spec))).collect();
    let all = work.frameworks();
    match end_marked(|mark| mark.starts_with(&all) && !adopted.contains(mark)) {
        Ok(0) => {}
        Ok(left) => tracing::error!(left, "processes of the agent's last start cannot be ended"),
        Err(error) => tracing::error!(%error, "processes cannot be listed"),
    }
    for (checkpoint, running) in &found {
        if running.is_none() {
            let key = key_of(&checkpoint.spec);
            tidy_up(launcher, key, None);
            launcher.cgroups.open(key, &checkpoint.spec.resources).iter().for_each(Cgroup::remove);
        }
    }
    collect::empty_trash(work).map_err(fail(work.trash()))?;
    Ok(found)
}
