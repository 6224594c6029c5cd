//! The driver as a framework of a cluster: it buys executors from a master's offers, and brings them tasks itself.

#[cfg_attr(
    not(feature = "simulation"),
    expect(unreachable_pub, reason = "the simulation of the whole cluster reaches it")
)]
pub(crate) mod core;
mod carrier;
mod crew;
mod program;
mod shell;
mod values;
mod web;

use self::{
    core::{FrameworkCore, Sizes},
    crew::Crew,
    program::Brought,
    shell::{News, Shell},
};
use crate::{
    Config, Error,
    dispatch::{Dispatch, Useless},
    peer::Peers,
    track::MapOutputTable,
};
use parking_lot::Mutex;
use rsk_executor::{DriverLink, ExecutorConfig};
use rsk_proto::{BlockSecret, FrameworkFacts, Sealed};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket},
    path::PathBuf,
    sync::{Arc, Weak},
    thread::{self, JoinHandle},
    time::Instant,
};
use tokio::sync::{Notify, mpsc};

/// Messages to the conversation with the master that may wait.
const NEWS_MAX: usize = 1024;

/// What a framework needs of the driver.
pub(crate) struct Parts {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) link: Arc<dyn DriverLink>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) map_outputs: Arc<MapOutputTable>,
    /// Where large results are brought.
    pub(crate) results: PathBuf,
    /// How executors reach stores.
    pub(crate) storage: Sealed,
}

/// An application that a master knows, until it ends.
pub(crate) struct Framework {
    crew: Arc<Crew>,
    listens_at: String,
    news: mpsc::Sender<News>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Framework {
    /// Subscribes at one of these masters.
    ///
    /// Errors: none can be reached, or the one that answers refuses; no port to listen on.
    pub(crate) fn start(masters: Vec<String>, config: &Config, parts: Parts) -> Result<Framework, Error> {
        let fail = |doing| move |source| Error::Driver { doing, source };
        // The agent of a driver that the cluster runs knows the master by an address that means something there.
        let own = std::env::var("RSK_DRIVER").and(std::env::var("RSK_MASTER"));
        let masters = own.map_or(masters, |master| vec![master]);
        let listener =
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, config.driver_port)).map_err(fail("listen"))?;
        let port = listener.local_addr().map_err(fail("listen"))?.port();
        let host = config.driver_host.clone().unwrap_or_else(|| own_address(&masters).to_string());
        let address = format!("{host}:{port}");
        let secret = secret().map_err(fail("get random numbers"))?;
        let sizes = ExecutorConfig { slots: config.executor_cores, memory: config.memory };
        let (news, heard) = mpsc::channel(NEWS_MAX);
        let work = Arc::new(Notify::new());
        let changed = Arc::clone(&work);
        parts.dispatch.on_work(move || changed.notify_one());
        let crew = Arc::new(Crew {
            dispatch: parts.dispatch,
            link: parts.link,
            peers: parts.peers,
            map_outputs: parts.map_outputs,
            results: parts.results,
            storage: parts.storage,
            sizes,
            secret,
            news: news.clone(),
            expected: Mutex::default(),
            members: Mutex::default(),
            values: Mutex::default(),
            is_over: false.into(),
        });
        let core = FrameworkCore::new(Sizes {
            executor_slots: config.executor_cores,
            executor_memory_bytes: config.memory.0,
            slots_min: config.min_cores,
            slots_max: config.max_cores.unwrap_or(u32::MAX),
            idle_timeout: config.executor_idle_timeout,
        });
        let facts = FrameworkFacts {
            name: config.name.clone().unwrap_or_else(program_name),
            user: user(),
            host,
            role: config.role.clone(),
            address: address.clone(),
            web: None,
            failover_timeout: config.failover_timeout,
            // Set by the agent of a driver that the cluster runs itself.
            driver: std::env::var("RSK_DRIVER").ok().and_then(|id| id.parse().ok()),
            blobs: Vec::new(),
        };
        let mut shell = Shell {
            program: Brought::program()?,
            files: Brought::files(&config.files)?,
            masters,
            facts,
            core,
            crew: Arc::clone(&crew),
            news: heard,
            work,
            started: Instant::now(),
            known: None,
            useless: Useless::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(fail("start a thread that talks to the master"))?;
        let session = runtime.block_on(shell.subscribe())?;
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let talk = named("framework")
            .spawn(move || runtime.block_on(shell.run(session)))
            .map_err(fail("start a thread that talks to the master"))?;
        let listens = Arc::clone(&crew);
        let listen = named("listen")
            .spawn(move || listens.listen(&listener))
            .map_err(fail("start a thread that listens"))?;
        let listens_at = format!("127.0.0.1:{port}");
        Ok(Framework { crew, listens_at, news, threads: Mutex::new(vec![talk, listen]) })
    }

    /// Its executors.
    pub(crate) fn crew(&self) -> Weak<Crew> {
        Arc::downgrade(&self.crew)
    }

    /// Says goodbye to the master and to the executors. Once is enough.
    pub(crate) fn end(&self, has_succeeded: bool, summary: &str) {
        let threads = std::mem::take(&mut *self.threads.lock());
        if threads.is_empty() {
            return;
        }
        let news = News::End { has_succeeded, summary: summary.to_owned() };
        // The last handle to a context may be let go of by the conversation itself, which must not wait for itself.
        let own = thread::current().id();
        let is_own = threads.iter().any(|thread| thread.thread().id() == own);
        let said =
            if is_own { self.news.try_send(news).is_ok() } else { self.news.blocking_send(news).is_ok() };
        if !said {
            tracing::debug!("the conversation with the master has ended before");
        }
        self.crew.end(&self.listens_at);
        for thread in threads.into_iter().filter(|thread| thread.thread().id() != own) {
            if thread.join().is_err() {
                tracing::error!("a thread of the conversation with the master panicked");
            }
        }
    }
}

impl std::fmt::Debug for Framework {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Framework").field("listens_at", &self.listens_at).finish_non_exhaustive()
    }
}

fn program_name() -> String {
    let path = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Who runs this process, by name where the system knows one.
fn user() -> String {
    let uid = rustix::process::getuid().as_raw().to_string();
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut users = known.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = users.find(|fields| fields.get(2).is_some_and(|of| *of == uid));
    found.and_then(|fields| fields.first().map(|name| (*name).to_owned())).unwrap_or(uid)
}

/// What this application's executors know, and nobody else.
fn secret() -> io::Result<BlockSecret> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(BlockSecret::new(random))
}

/// The address of this machine that a master would see. Nothing is sent to find out.
fn own_address(masters: &[String]) -> IpAddr {
    let towards = |master: &String| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.connect(master).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    masters.iter().find_map(towards).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}
