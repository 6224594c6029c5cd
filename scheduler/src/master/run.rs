//! A master as a process, or a part of one.

use super::{
    blob::{Blobs, KeepBlobs},
    core::MasterCore,
    event::Rules,
    registry::{RedbRegistry, Registry, RegistryError},
    serve::{self, Api},
    shell::{Input, MAILBOX_MAX, Shell},
    web::{self, Meters, Pages},
};
use rsk_proto::{Cause, status::ClusterStatus};
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Instant, SystemTime},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

/// What a master is started with.
#[derive(Debug, Clone)]
pub struct MasterConfig {
    /// Where it listens, `host:port`; port 0 takes a free one.
    pub listen: String,
    /// Where it keeps its registry and blobs; made if it is not there.
    pub work_dir: PathBuf,
    /// Times and bounds.
    pub rules: Rules,
    /// How long programs and files are kept that nothing needs any more.
    pub blobs: KeepBlobs,
}

/// Why a master does not run, or runs no more.
#[derive(Debug, thiserror::Error)]
pub enum MasterError {
    /// Somebody else listens there.
    #[error("{0} is in use: does another master run there? --listen takes another port")]
    PortInUse(String),
    /// It cannot listen there.
    #[error("cannot listen on {address}: an address reads like 0.0.0.0:5050")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Its work folder cannot be used.
    #[error("cannot use the work folder {path}")]
    WorkDir {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Its registry fails: it stops rather than say what it would not know again.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// It has no thread to run on, or that panicked.
    #[error("the master has failed")]
    Failed(#[source] Cause),
}

/// A master that runs in this process.
#[derive(Debug)]
pub struct MasterHandle {
    address: SocketAddr,
    mailbox: mpsc::Sender<Input>,
    status: watch::Receiver<Arc<ClusterStatus>>,
    ended: oneshot::Receiver<Result<(), RegistryError>>,
    serving: JoinHandle<()>,
    collecting: JoinHandle<()>,
}

impl MasterHandle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The last snapshot of it.
    pub fn status(&self) -> Arc<ClusterStatus> {
        self.status.borrow().clone()
    }

    /// Waits until it ends, which it does only if it fails or is stopped.
    pub async fn wait(mut self) -> Result<(), MasterError> {
        self.ended().await
    }

    /// Ends it: streams break as if it had been killed, and its registry is closed.
    pub async fn stop(mut self) -> Result<(), MasterError> {
        // If it has ended already, that is what is wanted.
        drop(self.mailbox.send(Input::Stop).await);
        self.ended().await
    }

    async fn ended(&mut self) -> Result<(), MasterError> {
        let ended = (&mut self.ended).await;
        self.collecting.abort();
        self.serving.abort();
        // Aborted on purpose; its port is free when it is gone.
        drop((&mut self.serving).await);
        let panicked = |_| MasterError::Failed(Cause::new("its thread panicked"));
        Ok(ended.map_err(panicked)??)
    }
}

impl Drop for MasterHandle {
    fn drop(&mut self) {
        self.collecting.abort();
        self.serving.abort();
        // A full mailbox is read until it ends with its last sender.
        drop(self.mailbox.try_send(Input::Stop));
    }
}

/// Starts a master on this runtime, whose clock must be on.
///
/// ```
/// # use rsk_scheduler::master::{KeepBlobs, MasterConfig, Rules, start};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let (listen, work_dir) = ("127.0.0.1:0".to_owned(), folder.path().to_owned());
/// let (rules, blobs) = (Rules::default(), KeepBlobs::default());
/// let master = start(MasterConfig { listen, work_dir, rules, blobs }).await?;
/// assert_eq!(master.status().agents.len(), 0);
/// master.stop().await?;
/// # Ok(())
/// # }
/// ```
pub async fn start(config: MasterConfig) -> Result<MasterHandle, MasterError> {
    let work_dir = |source| MasterError::WorkDir { path: config.work_dir.clone(), source };
    std::fs::create_dir_all(&config.work_dir).map_err(work_dir)?;
    let listener = TcpListener::bind(&config.listen).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => MasterError::PortInUse(config.listen.clone()),
        _ => MasterError::Listen { address: config.listen.clone(), source },
    })?;
    let listen = |source| MasterError::Listen { address: config.listen.clone(), source };
    let address = listener.local_addr().map_err(listen)?;
    let blobs = Blobs::open(&config.work_dir, config.blobs).map_err(work_dir)?;
    let mut registry = RedbRegistry::open(&config.work_dir.join("registry.redb"))?;
    let recovered = registry.begin()?;
    let (agents, frameworks) = (recovered.agents.len(), recovered.frameworks.len());
    tracing::info!(%address, term = recovered.term, agents, frameworks, "the master listens");
    let began = Instant::now();
    let core = MasterCore::new(config.rules, recovered, unix_ms());
    let meters = Arc::new(Meters::default());
    let (shell, status) = Shell::new(core, registry, address.to_string(), began, meters.clone());
    let (mailbox, inputs) = mpsc::channel(MAILBOX_MAX);
    let (end, ended) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        let result = runtime.block_on(shell.run(inputs));
        if let Err(error) = &result {
            tracing::error!(%error, "the master stops");
        }
        // Nobody may wait for it.
        drop(end.send(result));
    };
    let failed = |error: io::Error| MasterError::Failed(Cause::of(&error));
    thread::Builder::new().name("rsk-master".to_owned()).spawn(run).map_err(failed)?;
    let collecting = tokio::spawn(collect(blobs.clone(), mailbox.clone()));
    let api = Api::new(mailbox.clone(), blobs);
    let routes =
        rsk_proto::rpc::routes(Arc::new(api)).merge(web::routes(Pages { status: status.clone(), meters }));
    let serving = tokio::spawn(serve::serve(listener, routes));
    Ok(MasterHandle { address, mailbox, status, ended, serving, collecting })
}

/// Deletes programs and files that nothing needs any more, now and then, until the master has ended.
async fn collect(blobs: Blobs, mailbox: mpsc::Sender<Input>) {
    loop {
        tokio::time::sleep(blobs.rules().look_every()).await;
        let (reply, needed) = oneshot::channel();
        if mailbox.send(Input::Needed(reply)).await.is_err() {
            return;
        }
        let Ok(needed) = needed.await else { return };
        let own = blobs.clone();
        match tokio::task::spawn_blocking(move || own.collect(&needed)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "old programs and files cannot be deleted"),
            Err(error) => tracing::error!(%error, "old programs and files are not deleted"),
        }
    }
}

/// Runs a master until it fails. Blocks; ends with the process.
pub fn run(config: MasterConfig) -> Result<(), MasterError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| MasterError::Failed(Cause::of(&error)))?;
    runtime.block_on(async { start(config).await?.wait().await })
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}
