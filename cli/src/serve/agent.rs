//! `rsk agent`.

use super::log;
use crate::settings::Settings;
use anyhow::Result;
use rsk_scheduler::agent::{self, AgentConfig};

/// Serves until it is told to end, or no master takes it.
pub(crate) fn agent(settings: &Settings) -> Result<()> {
    log::start(settings, "rsk-agent")?;
    let mut config = AgentConfig::new(settings.masters(), settings.text("agent.work_dir"));
    config.listen = settings.parsed("agent.listen")?;
    config.host = settings.some("agent.host");
    config.attributes = settings.parsed("agent.attributes")?;
    if settings.some("agent.resources").is_some() {
        config.resources = Some(settings.parsed("agent.resources")?);
    }
    Ok(agent::run(config)?)
}
