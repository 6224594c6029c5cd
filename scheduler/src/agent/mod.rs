//! The agent: one on each machine. It starts executors as the master orders, watches their processes, serves what map
//! tasks left, and deletes what ended applications leave.
//!
//! What it is not: it never sees a task. Executors dial their driver themselves.

mod config;
mod work;
mod platform;
mod checkpoint;
mod blob;
mod detect;
mod exit_code;
mod cgroup;
mod collect;
mod serve;
mod logs;
mod launch;
mod executor;
mod machine;
mod link;
mod orders;
mod core;
mod call;
mod recover;
mod shell;
mod run;

pub use self::core::{AgentCore, Command, Event, Recovered};
pub use config::{AgentConfig, AgentError};
pub use launch::{DRIVER, HOST, MASTER};
pub use link::Call;
pub use logs::LogStatus;
pub use platform::Needs;
pub use run::{Agent, run};
