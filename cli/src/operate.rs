//! What people ask of a master, and what they are told when it is done.

use crate::{
    ask::{self, Meant},
    command_line::{Command, OrNone},
    settings::Settings,
    show,
};
use anyhow::{Result, bail};
use rsk_proto::{OperatorReply, OperatorRequest};

/// Carries out those commands that ask a master for something to be done; says what came of it.
pub(crate) fn operate(settings: &Settings, command: &Command) -> Result<String> {
    let (request, done) = match command {
        Command::Kill { which, .. } => kill(settings, which)?,
        Command::Drain { agent, grace, .. } => {
            let after = grace.map_or_else(
                || "what runs there goes on: --grace ends it".to_owned(),
                |grace| format!("what still runs there in {grace} is ended"),
            );
            let request = OperatorRequest::Drain { agent: *agent, grace: grace.map(|grace| grace.0) };
            (
                request,
                format!("{agent} gets nothing new, and {after}. `rsk agents` shows when it is drained."),
            )
        }
        Command::Reactivate { agent, .. } => {
            (OperatorRequest::Reactivate(*agent), format!("{agent} is offered again."))
        }
        Command::Remove { agent, .. } => (OperatorRequest::Remove(*agent), format!("{agent} is forgotten.")),
        Command::Quota { role, limit: OrNone(limit), force, .. } => {
            let done = limit.as_ref().map_or_else(
                || format!("{role} has no limit."),
                |limit| format!("{role} may use {} at most.", show::all_of(limit)),
            );
            (OperatorRequest::SetQuota { role: role.clone(), limit: limit.clone(), force: *force }, done)
        }
        Command::Weight { role, weight, .. } => {
            let done = format!("{role} has the weight {}.", f64::from(*weight) / 1000.0);
            (OperatorRequest::SetWeight { role: role.clone(), weight_milli: *weight }, done)
        }
        Command::Reserve { agent, role, resources: OrNone(resources), .. } => {
            let done = resources.as_ref().map_or_else(
                || format!("{agent} keeps nothing for {role}."),
                |resources| format!("{agent} keeps {} for {role}.", show::all_of(resources)),
            );
            let resources = resources.clone().unwrap_or_default();
            (OperatorRequest::Reserve { agent: *agent, role: role.clone(), resources }, done)
        }
        other => bail!("{other:?} asks for nothing to be done"),
    };
    match ask::operate(settings, &request)? {
        OperatorReply::Done | OperatorReply::Submitted(_) => Ok(done + "\n"),
        OperatorReply::Refused(refusal) => bail!(refusal),
    }
}

fn kill(settings: &Settings, which: &str) -> Result<(OperatorRequest, String)> {
    // The master itself knows more than its last snapshot: what was submitted just now, too.
    let meant = match (which.parse(), which.parse()) {
        (Ok(app), _) => Meant::App(app),
        (_, Ok(driver)) => Meant::Driver(driver),
        _ => ask::meant(&ask::state(settings)?, which)?,
    };
    Ok(match meant {
        Meant::App(app) => (OperatorRequest::Kill(app), format!("{app} ends.")),
        Meant::Driver(driver) => (OperatorRequest::KillDriver(driver), format!("{driver} ends, for good.")),
        Meant::Executor(key) => bail!(
            "an executor is ended by its application: `rsk kill {}` ends all of it, `rsk drain AGENT` all of a machine",
            key.framework
        ),
    })
}
