//! `rsk master`.

use super::{Stop, log, runtime};
use crate::{settings::Settings, span::Span};
use anyhow::Result;
use rsk_scheduler::master::{self, KeepBlobs, MasterConfig, Rules};

/// Serves until it is told to end, or cannot go on.
pub(crate) fn master(settings: &Settings) -> Result<()> {
    log::start(settings, "rsk-master")?;
    let config = MasterConfig {
        listen: settings.text("master.listen").to_owned(),
        work_dir: settings.text("master.work_dir").into(),
        rules: Rules::default(),
        blobs: KeepBlobs {
            after_use: settings.parsed::<Span>("master.blob_keep")?.0,
            bytes_max: settings.parsed("master.blobs_max")?,
        },
    };
    runtime()?.block_on(async {
        let mut stop = Stop::listen()?;
        let master = master::start(config).await?;
        crate::print(&format!("master at {}\n", master.address()))?;
        tokio::select! {
            // Whatever it has answered is on the disk already: it may end at any time.
            () = stop.came() => Ok(()),
            ended = master.wait() => Ok(ended?),
        }
    })
}
