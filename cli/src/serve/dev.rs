//! `rsk dev`: a cluster in one process.

use super::{Stop, log, runtime};
use crate::{command_line::DevArgs, settings::Settings};
use anyhow::{Context, Result, bail};
use rsk_proto::{ByteSize, Resources};
use rsk_scheduler::{
    agent::{Agent, AgentConfig},
    master::{self, KeepBlobs, MasterConfig, MasterHandle, Rules},
};
use std::{net::SocketAddr, path::Path, time::Duration};
use tokio::io::AsyncReadExt;

const LOOK_EVERY: Duration = Duration::from_millis(2);
const THERE_WITHIN: Duration = Duration::from_secs(5);

/// Serves until it is told to end.
pub(crate) fn dev(settings: &Settings, args: &DevArgs) -> Result<()> {
    log::start(settings, "rsk-dev")?;
    let temporary =
        tempfile::Builder::new().prefix("rsk-dev-").tempdir().context("cannot make a temporary folder")?;
    let folder = args.work_dir.as_deref().unwrap_or(temporary.path());
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let mut stop = Stop::listen()?;
        let rules = Rules::default();
        let usual = if args.until_stdin_closes { "127.0.0.1:0" } else { "127.0.0.1:5050" };
        let listen = args.listen.clone().unwrap_or_else(|| usual.to_owned());
        let config =
            MasterConfig { listen, work_dir: folder.join("master"), rules, blobs: KeepBlobs::default() };
        let master = master::start(config).await?;
        let address = master.address();
        let agents = match agents(args, address, folder) {
            Ok(agents) => agents,
            Err(error) => {
                master.stop().await?;
                return Err(error);
            }
        };
        all_there(&master, agents.len()).await;
        crate::print(&format!("{address}\n"))?;
        if !args.until_stdin_closes {
            eprintln!("a cluster of {} agents; Ctrl-C ends it", agents.len());
        }
        tokio::select! {
            () = stop.came() => {}
            () = closed(args.until_stdin_closes) => {}
        }
        // All at once: each ends its executors first, politely.
        agents.iter().for_each(Agent::stop);
        let ended = tokio::task::spawn_blocking(|| agents.into_iter().try_for_each(Agent::wait));
        ended.await.context("an agent failed")??;
        Ok(master.stop().await?)
    });
    // A read of stdin that still waits must not hold the end up.
    runtime.shutdown_background();
    outcome
}

/// Waits until the master knows all agents. One that is slow comes later.
async fn all_there(master: &MasterHandle, agents: usize) {
    let known = async {
        while master.status().agents.len() < agents {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(THERE_WITHIN, known).await.is_err() {
        tracing::warn!("not all agents have registered yet");
    }
}

/// Ends when stdin does, if that is wanted.
async fn closed(is_wanted: bool) {
    if !is_wanted {
        return std::future::pending().await;
    }
    let (mut stdin, mut buffer) = (tokio::io::stdin(), [0; 512]);
    while matches!(stdin.read(&mut buffer).await, Ok(1..)) {}
}

fn agents(args: &DevArgs, master: SocketAddr, folder: &Path) -> Result<Vec<Agent>> {
    let resources = resources(args)?;
    let agent = |number: u32| {
        let mut config = AgentConfig::new([master.to_string()], folder.join(format!("agent-{number}")));
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.resources = Some(resources.clone());
        config.attributes.0.insert("dev".to_owned(), number.to_string());
        config.seed = u64::from(number);
        // A cluster to try things on asks for no rights.
        config.cgroups = false;
        Ok(Agent::start(config)?)
    };
    (1..=args.agents).map(agent).collect()
}

/// What each agent has.
fn resources(args: &DevArgs) -> Result<Resources> {
    let all =
        std::thread::available_parallelism().map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX));
    let cpus = args.cpus.unwrap_or_else(|| (all / args.agents).max(1));
    let share = || memory().map(|all| ByteSize::mib((all.0 >> 20) * 3 / 4 / u64::from(args.agents)));
    let Some(memory) = args.mem.or_else(share).filter(|memory| memory.0 > 0) else {
        bail!("how much memory this machine has cannot be seen: say how much each agent has with --mem 2g")
    };
    Ok(Resources::of(u64::from(cpus) * 1000, memory))
}

/// This machine's.
fn memory() -> Option<ByteSize> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    format!("{}k", total.trim().strip_suffix(" kB")?).parse().ok()
}
