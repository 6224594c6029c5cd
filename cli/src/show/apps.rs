//! Applications, and drivers that the cluster runs.

use super::{memory, milli, since};
use crate::table::Table;
use rsk_proto::status::{ClusterStatus, DriverState, FrameworkState, FrameworkStatus};

/// So many that have ended are shown.
const ENDED_MAX: usize = 10;

/// Where an application is on its way, in a word or two.
pub(super) fn state(app: &FrameworkStatus) -> String {
    match &app.state {
        FrameworkState::Active if app.waiting.demand.is_some() && app.used.is_empty() => "waiting".to_owned(),
        FrameworkState::Active => "active".to_owned(),
        FrameworkState::Idle => "idle".to_owned(),
        FrameworkState::Disconnected { .. } => "disconnected".to_owned(),
        FrameworkState::Succeeded { .. } => "succeeded".to_owned(),
        FrameworkState::Failed { .. } => "failed".to_owned(),
    }
}

/// Where a driver is on its way, in a few words.
pub(super) fn driver_state(state: &DriverState) -> String {
    match state {
        DriverState::Waiting { why } => format!("waiting: {why}"),
        DriverState::Running => "running".to_owned(),
        DriverState::Ended { how, .. } => format!("ended: {how}"),
    }
}

/// All of them.
pub(crate) fn apps(status: &ClusterStatus) -> String {
    let mut table =
        Table::new(&["APP", "NAME", "USER", "ROLE", "STATE", ">EXECUTORS", ">CPUS", ">MEMORY", ">AGE"]);
    let ended = status.ended.iter().take(ENDED_MAX);
    for app in status.frameworks.iter().chain(ended) {
        let executors = status.executors.iter().filter(|executor| executor.key.framework == app.id).count();
        table.row([
            app.id.to_string(),
            app.name.clone(),
            app.user.clone(),
            app.role.to_string(),
            state(app),
            executors.to_string(),
            milli(app.used.cpus_milli),
            memory(&app.used),
            since(app.ended_at.unwrap_or(status.master.now), app.started_at),
        ]);
    }
    let mut text = table.print("No application has run here: `rsk submit` brings one.");
    if status.ended.len() > ENDED_MAX {
        text.extend([format!(
            "… and {} that ended earlier: --json has them all\n",
            status.ended.len() - ENDED_MAX
        )]);
    }
    let waiting = status.frameworks.iter().find(|app| state(app) == "waiting");
    if let Some(app) = waiting {
        text.extend([format!("\n`rsk apps {}` says why it waits.\n", app.id)]);
    }
    if !status.drivers.is_empty() {
        text += "\n";
        text += &drivers(status);
    }
    text
}

fn drivers(status: &ClusterStatus) -> String {
    let mut table = Table::new(&["DRIVER", "NAME", "USER", "APP", "AGENT", ">STARTS", ">AGE", "STATE"]);
    for driver in &status.drivers {
        table.row([
            driver.id.to_string(),
            driver.name.clone(),
            driver.user.clone(),
            driver.framework.map(|app| app.to_string()).unwrap_or_default(),
            driver.agent.map(|agent| agent.to_string()).unwrap_or_default(),
            driver.starts.to_string(),
            since(status.master.now, driver.submitted_at),
            driver_state(&driver.state),
        ]);
    }
    table.print("")
}
