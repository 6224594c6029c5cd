//! One application: what it uses, and why it waits.

use super::{all_of, apps::state, executor, since};
use crate::table::Table;
use rsk_proto::status::{ClusterStatus, FrameworkState, FrameworkStatus, OfferAnswer, RoleStatus};

/// Everything that a master knows of it.
pub(crate) fn app(status: &ClusterStatus, app: &FrameworkStatus) -> String {
    let now = status.master.now;
    let mut text = format!("{} {}, {}\n", app.id, app.name, said_state(now, app));
    let mut line = |name: &str, what: String| text.extend([format!("  {name:10} {what}\n")]);
    line("driver", format!("of {} on {}, at {}", app.user, app.host, app.address));
    line("started", format!("{} ago, {}", since(now, app.started_at), app.epoch));
    if let Some(web) = &app.web {
        line("pages", web.clone());
    }
    line("uses", all_of(&app.used));
    if !app.offered.is_empty() {
        line("offered", all_of(&app.offered));
    }
    match status.roles.iter().find(|role| role.name == app.role) {
        Some(role) => line("role", said_role(role)),
        None => line("role", app.role.to_string()),
    }
    text += &waiting(status, app);
    text += &executors(status, app);
    text
}

fn said_state(now: u64, app: &FrameworkStatus) -> String {
    match &app.state {
        FrameworkState::Disconnected { ends_at } => {
            format!("whose driver is gone: it ends in {} unless the driver is back", since(*ends_at, now))
        }
        FrameworkState::Succeeded { summary } => format!("succeeded: {summary}"),
        FrameworkState::Failed { why } => format!("failed: {why}"),
        FrameworkState::Active | FrameworkState::Idle => state(app),
    }
}

fn said_role(role: &RoleStatus) -> String {
    let quota = role.quota.as_ref().map_or_else(
        || "no quota".to_owned(),
        |quota| format!("of its quota of {} it uses {}", all_of(quota), all_of(&role.used)),
    );
    format!(
        "{}: weight {}, share {} %, {quota}",
        role.name,
        super::milli(u64::from(role.weight_milli)),
        super::milli(u64::from(role.share_milli) * 100),
    )
}

/// What it asked for, what it was offered, who refused what and why.
fn waiting(status: &ClusterStatus, app: &FrameworkStatus) -> String {
    let mut text = String::new();
    let is_over = app.ended_at.is_some();
    match &app.waiting.demand {
        _ if is_over => {}
        None => text += "\nIt wants nothing now.\n",
        Some(demand) => {
            let count =
                demand.count.map_or_else(|| "as many as there are".to_owned(), |count| count.to_string());
            text.extend([format!("\nIt wants {} executors, each with {}.\n", count, all_of(&demand.shape))]);
            for reason in &app.waiting.reasons {
                text.extend([format!("  - {reason}\n")]);
            }
            let are_active =
                status.agents.iter().any(|agent| agent.state == rsk_proto::status::AgentState::Active);
            if app.waiting.reasons.is_empty() && !are_active {
                text += "  - No agent is there: `rsk agents` lists those that were.\n";
            }
        }
    }
    if app.waiting.offers.is_empty() {
        return text;
    }
    let mut table = Table::new(&["OFFER", "AGENT", "HOST", "RESOURCES", ">AGO", "ANSWER"]);
    for offer in &app.waiting.offers {
        let answer = match &offer.answer {
            OfferAnswer::Standing => "not yet".to_owned(),
            OfferAnswer::Accepted { executors: 1 } => "bought an executor".to_owned(),
            OfferAnswer::Accepted { executors } => format!("bought {executors} executors"),
            OfferAnswer::Declined { why } => format!("declined: {why}"),
            OfferAnswer::Expired => "none in time".to_owned(),
            OfferAnswer::Rescinded => "taken back by the master".to_owned(),
        };
        table.row([
            offer.id.to_string(),
            offer.agent.to_string(),
            offer.host.clone(),
            offer.resources.to_string(),
            since(status.master.now, offer.made_at),
            answer,
        ]);
    }
    text + "\nIts last offers:\n" + &table.print("")
}

fn executors(status: &ClusterStatus, app: &FrameworkStatus) -> String {
    let mut table = Table::new(&["EXECUTOR", "AGENT", "RESOURCES", ">SLOTS", "STATE", ">AGE"]);
    for of in status.executors.iter().filter(|of| of.key.framework == app.id) {
        table.row([
            executor(of.key),
            of.agent.to_string(),
            of.resources.to_string(),
            of.slots.to_string(),
            of.state.clone(),
            since(status.master.now, of.started_at),
        ]);
    }
    if table.is_empty() { String::new() } else { format!("\n{}", table.print("")) }
}
