//! The life of one executor: fetched, started, watched, ended, tidied up. A task of the shell each.

use super::{
    cgroup::Cgroup,
    collect,
    core::Event,
    detect::{MARK, end_marked},
    launch::{Launcher, Running},
};
use rsk_proto::{AgentId, Cause, ExecutorEnd, ExecutorKey, ExecutorSpec};
use std::{fs::File, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Logs are looked at this often.
const SHORTEN_EVERY: Duration = Duration::from_secs(5);

/// What may be asked of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// End politely.
    Ask,
    /// End.
    Force,
}

/// An executor that is there, or will be.
pub(crate) struct Life {
    pub(crate) launcher: Arc<Launcher>,
    pub(crate) key: ExecutorKey,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) log_bytes_max: u64,
    /// Hears how it goes.
    pub(crate) mailbox: mpsc::Sender<Event>,
}

impl Life {
    /// Starts an executor and lives with it.
    pub(crate) async fn begin(mut self, spec: ExecutorSpec, agent: AgentId) {
        let prepared = tokio::select! {
            prepared = self.launcher.prepare(&spec) => prepared.map_err(ExecutorEnd::LaunchFailed),
            _ = self.orders.recv() => Err(ExecutorEnd::Killed),
        };
        let started = match prepared {
            Ok(()) => self.start(spec, agent).await.map_err(ExecutorEnd::LaunchFailed),
            Err(end) => Err(end),
        };
        match started {
            Ok(running) => {
                self.say(Event::Started(self.key)).await;
                self.go_on(running).await;
            }
            Err(end) => {
                if let ExecutorEnd::LaunchFailed(cause) = &end {
                    let why = cause.chain().collect::<Vec<_>>().join(": ");
                    tracing::warn!(executor = %self.key, why, "an executor could not be started");
                }
                self.tidy_up(None).await;
                self.say(Event::Ended(self.key, end)).await;
            }
        }
    }

    /// Starts the process where it may block.
    async fn start(&self, spec: ExecutorSpec, agent: AgentId) -> Result<Running, Cause> {
        let launcher = self.launcher.clone();
        let started = tokio::task::spawn_blocking(move || launcher.start(&spec, agent)).await;
        started.unwrap_or_else(|error| Err(Cause::of(&error)))
    }

    /// Lives with an executor that runs.
    pub(crate) async fn go_on(mut self, running: Running) {
        let mut look = tokio::time::interval(SHORTEN_EVERY);
        let mut has_orders = true;
        let end = loop {
            tokio::select! {
                end = running.watched.ended() => break end,
                order = self.orders.recv(), if has_orders => match order {
                    Some(Order::Ask) => running.watched.ask(),
                    Some(Order::Force) => {
                        running.watched.force();
                        running.cgroup.iter().for_each(Cgroup::force);
                    }
                    None => has_orders = false,
                },
                _ = look.tick() => self.shorten_logs(),
            }
        };
        let end = end.unwrap_or_else(|error| {
            tracing::error!(%error, executor = %self.key, "how an executor ended cannot be seen");
            ExecutorEnd::Unseen
        });
        // The kernel ends one process of the group: it may have been another than the first, which then ended for it.
        let is_failure = !matches!(end, ExecutorEnd::Exited(0));
        let out_of_memory = running.cgroup.as_ref().filter(|_| is_failure).and_then(Cgroup::out_of_memory);
        self.tidy_up(Some(running)).await;
        self.say(Event::Ended(self.key, out_of_memory.unwrap_or(end))).await;
    }

    async fn say(&self, event: Event) {
        // The mailbox is closed only when the agent is gone, and its next start finds the executor again.
        drop(self.mailbox.send(event).await);
    }

    fn shorten_logs(&self) {
        let sandbox = self.launcher.work.sandbox(self.key);
        for name in collect::LOGS {
            let log = File::options().write(true).open(sandbox.join(name));
            if let Err(error) = log.and_then(|log| collect::shorten(&log, self.log_bytes_max)) {
                tracing::debug!(%error, executor = %self.key, name, "a log cannot be shortened");
            }
        }
    }

    /// Ends what the executor has left and deletes its sandbox.
    async fn tidy_up(&self, running: Option<Running>) {
        let (launcher, key) = (self.launcher.clone(), self.key);
        let tidied = tokio::task::spawn_blocking(move || tidy_up(&launcher, key, running.as_ref())).await;
        if let Err(error) = tidied {
            tracing::error!(%error, executor = %key, "what an executor left may still be there");
        }
    }
}

/// Ends all processes of an executor, and deletes its sandbox but for the logs. Blocks.
pub(crate) fn tidy_up(launcher: &Launcher, key: ExecutorKey, running: Option<&Running>) {
    let group = running.and_then(|running| running.cgroup.as_ref());
    if let Some(group) = group {
        group.force();
    }
    let sandbox = launcher.work.sandbox(key);
    match end_marked(|mark| mark == sandbox) {
        Ok(0) => {}
        Ok(left) => {
            tracing::error!(executor = %key, left, mark = MARK, "processes of an executor cannot be ended");
        }
        Err(error) => tracing::error!(%error, "processes cannot be listed"),
    }
    if let Some(group) = group {
        group.remove();
    }
    if let Err(error) = collect::end_executor(&launcher.work, key) {
        // What is left goes with the framework.
        tracing::warn!(error = %Cause::of(&error), executor = %key, "a sandbox cannot be deleted");
    }
}
