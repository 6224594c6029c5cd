//! `rsk agent`.

use super::log;
use crate::{settings::Settings, span::Span};
use anyhow::Result;
use rsk_proto::{AgentResources, ByteSize};
use rsk_scheduler::agent::{self, AgentConfig};

/// Serves until it is told to end, or no master takes it.
pub(crate) fn agent(settings: &Settings) -> Result<()> {
    log::start(settings, "rsk-agent")?;
    let mut config = AgentConfig::new(settings.masters(), settings.text("agent.work_dir"));
    config.listen = settings.parsed("agent.listen")?;
    config.host = settings.some("agent.host");
    config.attributes = settings.parsed("agent.attributes")?;
    if settings.some("agent.resources").is_some() {
        let AgentResources { all, reserved } = settings.parsed("agent.resources")?;
        (config.resources, config.reserved) = (Some(all), reserved);
    }
    let bytes = |key| settings.parsed(key).map(|size: ByteSize| size.0);
    config.blobs_bytes_max = bytes("agent.blobs_max")?;
    config.log_bytes_max = bytes("agent.log_max")?;
    config.logs_bytes_max = bytes("agent.logs_max")?;
    config.logs_kept = settings.parsed::<Span>("agent.logs_keep")?.0;
    Ok(agent::run(config)?)
}
