//! What an agent tells an executor that it starts.

use super::{AgentId, FrameworkId};
use crate::ExecutorId;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The environment variable that holds an [`ExecutorStart`] as JSON. The executor's first argument is
/// [`EXECUTOR_ARGUMENT`].
pub const EXECUTOR_START: &str = "RSK_EXECUTOR";
/// The first argument of a program that is to be an executor.
pub const EXECUTOR_ARGUMENT: &str = "--rsk-executor";

/// Who an executor is, and where its driver, its agent and its folders are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorStart {
    /// Its application.
    pub framework: FrameworkId,
    /// Itself.
    pub executor: ExecutorId,
    /// `host:port` that it dials.
    pub driver: String,
    /// What shows the driver that it was asked for. A secret.
    pub token: String,
    /// Who started it.
    pub agent: AgentId,
    /// The agent's host, as other machines call it.
    pub host: String,
    /// `host:port` where the agent serves map outputs.
    pub serves_at: String,
    /// The folder of the application's map outputs on this agent: they outlive executors.
    pub shuffles: PathBuf,
    /// The executor's own folder, which is its current one.
    pub sandbox: PathBuf,
    /// Tasks that it runs at a time.
    pub slots: u32,
    /// What it may use of memory.
    pub memory_bytes: u64,
}
