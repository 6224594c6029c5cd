//! Does what the core decides: streams, disk and clock.
//!
//! One thread folds events and carries out commands. What is to be durable of a batch of events is written, in one
//! transaction, before anything of the batch is said to anybody. If the registry cannot be written the master stops: it
//! must not say what it would not know again.

use super::{
    core::MasterCore,
    event::{Command, Event, LinkId, RequestId},
    record::Change,
    registry::{Registry, RegistryError},
    web::Meters,
};
use rsk_proto::{
    AgentToMaster, BlobHash, FrameworkToMaster, MasterToAgent, MasterToFramework, OperatorReply,
    OperatorRequest, Time,
    rpc::{RpcError, Sender},
    status::ClusterStatus,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};

/// So many events wait at most; who brings more waits himself.
pub(super) const MAILBOX_MAX: usize = 4096;
/// So many events share one transaction at most.
const BATCH_MAX: usize = 256;
/// A snapshot is made this long after the last at the earliest.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(100);

/// What comes to the master's thread.
#[derive(Debug)]
pub(super) enum Input {
    /// A stream began. The last part ends its reader when it is dropped.
    AgentLink(LinkId, Sender<MasterToAgent>, oneshot::Sender<()>),
    FrameworkLink(LinkId, Sender<MasterToFramework>, oneshot::Sender<()>),
    Happened(Event),
    Asked(OperatorRequest, oneshot::Sender<OperatorReply>),
    /// Somebody wants to know which blobs are needed by whoever has been heard of before this.
    Needed(oneshot::Sender<BTreeSet<BlobHash>>),
    Stop,
}

impl Input {
    /// Whether more than that somebody is there was said.
    fn changes(&self) -> bool {
        !matches!(
            self,
            Input::Needed(_)
                | Input::Happened(
                    Event::Wake
                        | Event::Agent(_, AgentToMaster::Heartbeat)
                        | Event::Framework(_, FrameworkToMaster::Heartbeat)
                )
        )
    }
}

#[derive(Debug)]
enum Link {
    Agent(
        Sender<MasterToAgent>,
        #[expect(dead_code, reason = "ends the reader when dropped")] oneshot::Sender<()>,
    ),
    Framework(
        Sender<MasterToFramework>,
        #[expect(dead_code, reason = "ends the reader when dropped")] oneshot::Sender<()>,
    ),
}

/// The master's thread.
pub(super) struct Shell<R> {
    core: MasterCore,
    registry: R,
    address: String,
    began: Instant,
    links: BTreeMap<LinkId, Link>,
    asked: HashMap<RequestId, oneshot::Sender<OperatorReply>>,
    requests: u64,
    status: watch::Sender<Arc<ClusterStatus>>,
    meters: Arc<Meters>,
}

impl<R: Registry> Shell<R> {
    /// `began`: the moment that the core's time counts from.
    pub(super) fn new(
        core: MasterCore,
        registry: R,
        address: String,
        began: Instant,
        meters: Arc<Meters>,
    ) -> (Self, watch::Receiver<Arc<ClusterStatus>>) {
        let (status, snapshots) = watch::channel(Arc::new(core.status(&address)));
        let (links, asked) = (BTreeMap::new(), HashMap::new());
        (Shell { core, registry, address, began, links, asked, requests: 0, status, meters }, snapshots)
    }

    /// Runs until it is told to stop, or its registry fails.
    pub(super) async fn run(mut self, mut mailbox: mpsc::Receiver<Input>) -> Result<(), RegistryError> {
        let mut next_snapshot = Instant::now();
        let mut is_changed = false;
        loop {
            let wake = self.began + self.core.wake_at().0;
            let wake = if is_changed { wake.min(next_snapshot) } else { wake };
            let first = tokio::time::timeout_at(wake.into(), mailbox.recv()).await;
            let mut inputs = Vec::new();
            match first {
                Ok(None) => return Ok(()),
                Ok(Some(input)) => inputs.push(input),
                Err(_) => inputs.push(Input::Happened(Event::Wake)),
            }
            while inputs.len() < BATCH_MAX
                && let Ok(more) = mailbox.try_recv()
            {
                inputs.push(more);
            }
            let mut commands = Vec::new();
            is_changed |= inputs.iter().any(Input::changes);
            for input in inputs {
                if matches!(input, Input::Stop) {
                    return Ok(());
                }
                let more = self.fold(input);
                commands.extend(more);
            }
            is_changed |= self.carry_out(commands)?;
            if is_changed && next_snapshot <= Instant::now() {
                is_changed = false;
                let began = Instant::now();
                self.status.send_replace(Arc::new(self.core.status(&self.address)));
                // A large cluster's takes long, and is made less often.
                next_snapshot = Instant::now() + SNAPSHOT_EVERY.max(began.elapsed() * 10);
            }
        }
    }

    fn fold(&mut self, input: Input) -> Vec<Command> {
        let event = match input {
            Input::AgentLink(link, to, stop) => {
                self.links.insert(link, Link::Agent(to, stop));
                return Vec::new();
            }
            Input::FrameworkLink(link, to, stop) => {
                self.links.insert(link, Link::Framework(to, stop));
                return Vec::new();
            }
            Input::Asked(request, reply) => {
                self.requests += 1;
                let id = RequestId(self.requests);
                self.asked.insert(id, reply);
                Event::Asked(id, request)
            }
            Input::Needed(reply) => {
                // Who asked may have gone.
                drop(reply.send(self.core.blobs_needed()));
                return Vec::new();
            }
            Input::Happened(event) => event,
            Input::Stop => return Vec::new(),
        };
        if let Event::Closed(link) = &event {
            self.links.remove(link);
        }
        self.step(event)
    }

    fn step(&mut self, event: Event) -> Vec<Command> {
        let began = Instant::now();
        let commands = self.core.step(event, Time(began - self.began));
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.meters.step_micros.fetch_add(micros, Relaxed);
        self.meters.events.fetch_add(1, Relaxed);
        commands
    }

    /// Does it; says whether anything but heartbeats was done.
    fn carry_out(&mut self, mut commands: Vec<Command>) -> Result<bool, RegistryError> {
        let mut is_changed = false;
        // What a peer that cannot be reached leaves behind is more to do.
        while !commands.is_empty() {
            let is_write = |command: &mut Command| matches!(command, Command::Write(_));
            let changes: Vec<Change> = commands
                .extract_if(.., is_write)
                .filter_map(|command| if let Command::Write(change) = command { Some(change) } else { None })
                .collect();
            if !changes.is_empty() {
                let began = Instant::now();
                self.registry.write(&changes)?;
                self.meters
                    .write_micros
                    .fetch_add(u64::try_from(began.elapsed().as_micros()).unwrap_or(0), Relaxed);
                self.meters.writes.fetch_add(1, Relaxed);
                is_changed = true;
            }
            let mut more = Vec::new();
            for command in std::mem::take(&mut commands) {
                tracing::trace!(?command, "carried out");
                is_changed |= !matches!(
                    command,
                    Command::ToAgent(_, MasterToAgent::Heartbeat)
                        | Command::ToFramework(_, MasterToFramework::Heartbeat)
                );
                more.extend(self.one(command));
            }
            commands = more;
        }
        Ok(is_changed)
    }

    fn one(&mut self, command: Command) -> Vec<Command> {
        let (link, said) = match command {
            // Written before, with all of the batch.
            Command::Write(_) => return Vec::new(),
            Command::ToAgent(link, message) => match self.links.get(&link) {
                Some(Link::Agent(to, _)) => (link, to.try_send(message)),
                _ => return Vec::new(),
            },
            Command::ToFramework(link, message) => match self.links.get(&link) {
                Some(Link::Framework(to, _)) => {
                    let is_offer = matches!(message, MasterToFramework::Offers(_));
                    self.meters.offers.fetch_add(u64::from(is_offer), Relaxed);
                    (link, to.try_send(message))
                }
                _ => return Vec::new(),
            },
            Command::Close(link) => {
                self.links.remove(&link);
                return Vec::new();
            }
            Command::Answer(request, reply) => {
                if let Some(to) = self.asked.remove(&request) {
                    // Who asked may have gone.
                    drop(to.send(reply));
                }
                return Vec::new();
            }
        };
        match said {
            Ok(()) => Vec::new(),
            Err(error) => {
                if !matches!(error, RpcError::Closed(_)) {
                    tracing::warn!(%error, %link, "a peer is cut off");
                }
                self.links.remove(&link);
                self.step(Event::Closed(link))
            }
        }
    }
}
