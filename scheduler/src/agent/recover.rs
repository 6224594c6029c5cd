//! What an earlier start of the agent has left.

use super::{
    AgentError,
    cgroup::Cgroup,
    checkpoint::{self, Checkpoint},
    collect,
    detect::{Watched, end_marked},
    executor::tidy_up,
    launch::{Launcher, Running},
};
use rsk_proto::{Cause, ExecutorEnd};
use std::{collections::BTreeSet, path::PathBuf};
use tokio::runtime::Runtime;

/// Executors that were written down, and those of them that still run.
pub(crate) type Found = Vec<(Checkpoint, Option<Running>)>;

/// Finds what an earlier start has left: executors that run are watched again, and everything else of it is ended.
pub(crate) fn recover(launcher: &Launcher, runtime: &Runtime) -> Result<Found, AgentError> {
    let work = &launcher.work;
    let fail = |path: PathBuf| move |cause| AgentError::Work { path, cause };
    let all = checkpoint::read_all(work).map_err(fail(work.checkpoints()))?;
    let _inside = runtime.enter();
    let mut found: Found = Vec::new();
    for mut checkpoint in all {
        let key = checkpoint.spec.key();
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
        found.iter().filter(|(_, it)| it.is_some()).map(|(it, _)| work.sandbox(it.spec.key())).collect();
    let all = work.frameworks();
    match end_marked(|mark| mark.starts_with(&all) && !adopted.contains(mark)) {
        Ok(0) => {}
        Ok(left) => tracing::error!(left, "processes of the agent's last start cannot be ended"),
        Err(error) => tracing::error!(%error, "processes cannot be listed"),
    }
    for (checkpoint, running) in &found {
        if running.is_none() {
            let key = checkpoint.spec.key();
            tidy_up(launcher, key, None);
            launcher.cgroups.open(key, &checkpoint.spec.resources).iter().for_each(Cgroup::remove);
        }
    }
    collect::empty_trash(work).map_err(fail(work.trash()))?;
    Ok(found)
}
