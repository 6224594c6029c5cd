//! Processes that serve until they are told to end: a master, an agent, or both in one.

mod log;
mod master;
mod agent;
mod dev;

pub(crate) use agent::agent;
pub(crate) use dev::dev;
pub(crate) use master::master;

use anyhow::{Context, Result};
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};

fn runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("this machine gives no threads")
}

/// SIGINT and SIGTERM. What comes once this is there is not lost.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Inside a runtime.
    fn listen() -> Result<Self> {
        let of = |kind| signal(kind).context("cannot listen to signals");
        Ok(Stop { interrupt: of(SignalKind::interrupt())?, terminate: of(SignalKind::terminate())? })
    }

    /// Ends when one of them has come.
    async fn came(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
