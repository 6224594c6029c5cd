//! The agent's hands: carries out what the core decides, and tells it what came of it.
//!
//! One thread folds events and carries out commands; a small tokio runtime speaks with the master and lives with the
//! executors. Bounds: the mailbox holds so many events, and who fills it waits.

use super::{
    AgentConfig, AgentError,
    blob::Blobs,
    call::talk,
    cgroup::Cgroups,
    checkpoint, collect,
    core::{AgentCore, Command, Event, Recovered},
    executor::{Life, Order},
    launch::Launcher,
    link::Call,
    machine,
    recover::recover,
    serve::Server,
    work::{Identity, Work},
};
use rsk_proto::{AgentToMaster, Cause, ExecutorKey, ExecutorSpec, Refusal, Time, rpc};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// So many events wait for the core.
pub(crate) const MAILBOX_MAX: usize = 1024;
/// So many orders wait for one executor: more would say the same again.
const ORDERS_MAX: usize = 8;
/// What was said last may take so long to leave.
const FLUSH_WITHIN: Duration = Duration::from_millis(200);
/// Logs are looked at for their age, and blobs for their bound, this often.
const TRIM_EVERY: Duration = Duration::from_hours(1);

pub(crate) struct Shell {
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
    pub(crate) fn new(
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
                let key = checkpoint.spec.key();
                let life = shell.life(key);
                shell.runtime.spawn(async move { life.go_on(running).await });
            }
        }
        Ok(shell)
    }

    fn now(&self) -> Time {
        Time(self.clock.elapsed())
    }

    pub(crate) fn run(mut self, mut events: mpsc::Receiver<Event>) -> Result<(), Refusal> {
        let mut event = Event::Wake;
        let mut trim_at = Time::default();
        let end = loop {
            if trim_at <= self.now() {
                trim_at = self.now() + TRIM_EVERY;
                self.trim_logs();
                self.launcher.blobs.evict();
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
        let key = spec.key();
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
