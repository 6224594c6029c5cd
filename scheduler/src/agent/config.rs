//! What an agent is told when it is started.

use rsk_proto::{Attributes, Refusal, Resources, RoleName};
use std::{collections::BTreeMap, io, net::SocketAddr, path::PathBuf, time::Duration};

/// What an agent is to be. Everything has a default but the masters and the work folder.
///
/// ```
/// # use rsk_scheduler::agent::AgentConfig;
/// let config = AgentConfig::new(["host:5050"], "/var/lib/rsk/agent");
/// assert_eq!(config.listen.port(), 0, "a free port is taken");
/// assert!(config.resources.is_none(), "what the machine has");
/// ```
#[derive(Debug, Clone)]
pub struct AgentConfig {
    /// Where masters listen, each `host:port`. They are dialled in turn until one takes the agent.
    pub masters: Vec<String>,
    /// The folder of all its files. No two agents share one.
    pub work_dir: PathBuf,
    /// Where it serves map outputs and logs; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The name that others reach this machine with; `None`: the machine's own, or the address that it listens on if
    /// that is one that only this machine reaches.
    pub host: Option<String>,
    /// What it offers; `None`: what the machine has, less what the system needs.
    pub resources: Option<Resources>,
    /// What of it is kept for roles.
    pub reserved: BTreeMap<RoleName, Resources>,
    /// What it says of itself, such as `rack:r1`.
    pub attributes: Attributes,
    /// The most bytes of programs and files that are kept for later executors.
    pub blobs_bytes_max: u64,
    /// The most bytes of each of `stdout` and `stderr` that are kept: the last ones.
    pub log_bytes_max: u64,
    /// The most bytes of logs of ended executors that are kept: those of the last ones.
    pub logs_bytes_max: u64,
    /// How long they are kept.
    pub logs_kept: Duration,
    /// Whether executors are held within their share of memory and CPU by cgroups, where that is permitted.
    pub cgroups: bool,
    /// Spreads the calls of many agents: any number that differs among them.
    pub seed: u64,
}

impl AgentConfig {
    /// An agent of these masters that works in this folder.
    pub fn new<M: Into<String>>(masters: impl IntoIterator<Item = M>, work_dir: impl Into<PathBuf>) -> Self {
        AgentConfig {
            masters: masters.into_iter().map(Into::into).collect(),
            work_dir: work_dir.into(),
            listen: SocketAddr::from(([0, 0, 0, 0], 0)),
            host: None,
            resources: None,
            reserved: BTreeMap::new(),
            attributes: Attributes::default(),
            blobs_bytes_max: 10 << 30,
            log_bytes_max: 64 << 20,
            logs_bytes_max: 1 << 30,
            logs_kept: Duration::from_hours(7 * 24),
            cgroups: true,
            seed: u64::from(std::process::id()),
        }
    }
}

/// Why an agent cannot be, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// No master was named.
    #[error("no master is given: name one with --master host:5050")]
    NoMaster,
    /// A file of its own cannot be used.
    #[error("cannot use {path} of the agent's work folder")]
    Work {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// Two agents with one work folder.
    #[error(
        "another agent (process {process}) uses the work folder {path}: give this one another --work-dir"
    )]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The other agent, by its own word.
        process: String,
    },
    /// It cannot listen.
    #[error("cannot listen on {address}: take another address or port with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The system gives it no threads or signals.
    #[error("cannot start the agent")]
    System(#[source] io::Error),
    /// The masters will not take it.
    #[error("no master takes this agent")]
    Refused(#[source] Refusal),
}
