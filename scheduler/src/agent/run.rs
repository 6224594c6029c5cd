//! An agent as a process, or a part of one.

use super::{
    AgentConfig, AgentError,
    core::Event,
    serve::Server,
    shell::{MAILBOX_MAX, Shell},
    work::Work,
};
use rsk_proto::Refusal;
use std::{net::SocketAddr, sync::Arc, thread};
use tokio::sync::mpsc;

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
        let server = listen(config.listen, &work)?;
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

/// Where any port will do, it is the one of the start before: executors and drivers that have outlived that one know it.
fn listen(at: SocketAddr, work: &Arc<Work>) -> Result<Server, AgentError> {
    let known = work.port().filter(|_| at.port() == 0);
    let server = match known.map(|port| Server::start(SocketAddr::new(at.ip(), port), work.clone())) {
        Some(Ok(server)) => return Ok(server),
        Some(Err(error)) => {
            tracing::warn!(%error, "map outputs of running executors are not found any more: give --listen a fixed port");
            Server::start(at, work.clone())?
        }
        None => Server::start(at, work.clone())?,
    };
    work.save_port(server.address().port())?;
    Ok(server)
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
