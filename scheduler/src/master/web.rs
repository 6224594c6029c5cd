//! What is read over plain HTTP, from snapshots: reading never slows the master down.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rsk_proto::status::{AgentState, ClusterStatus, FrameworkState};
use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::sync::watch;

/// What the master counts about itself.
#[derive(Debug, Default)]
pub(super) struct Meters {
    pub(super) events: AtomicU64,
    pub(super) offers: AtomicU64,
    pub(super) step_micros: AtomicU64,
    pub(super) writes: AtomicU64,
    pub(super) write_micros: AtomicU64,
}

#[derive(Debug, Clone)]
pub(super) struct Pages {
    pub(super) status: watch::Receiver<Arc<ClusterStatus>>,
    pub(super) meters: Arc<Meters>,
}

pub(super) fn routes(pages: Pages) -> Router {
    Router::new()
        .route("/state", get(state))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(pages)
}

async fn state(State(pages): State<Pages>) -> Response {
    let status = pages.status.borrow().clone();
    match serde_json::to_vec(&*status) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The sender of snapshots lives as long as the master decides anything.
async fn health(State(pages): State<Pages>) -> Response {
    if pages.status.has_changed().is_ok() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the master is stopping\n").into_response()
    }
}

async fn metrics(State(pages): State<Pages>) -> Response {
    let status = pages.status.borrow().clone();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text(&status, &pages.meters)).into_response()
}

/// One family of figures in Prometheus' text form.
fn family<L: Display, N: Display>(
    to: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    figures: impl IntoIterator<Item = (L, N)>,
) {
    to.extend(["# HELP rsk_master_", name, " ", help, "\n# TYPE rsk_master_", name, " ", kind, "\n"]);
    for (label, figure) in figures {
        to.extend(["rsk_master_", name, &label.to_string(), " ", &figure.to_string(), "\n"]);
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds are shown, not counted with")]
fn seconds(micros: &AtomicU64) -> f64 {
    micros.load(Relaxed) as f64 / 1e6
}

fn text(status: &ClusterStatus, meters: &Meters) -> String {
    let mut to = String::new();
    let agents = |state| status.agents.iter().filter(|agent| agent.state == state).count();
    let states = [
        ("active", AgentState::Active),
        ("draining", AgentState::Draining),
        ("drained", AgentState::Drained),
        ("expected", AgentState::Expected),
        ("lost", AgentState::Lost),
    ];
    let states = states.map(|(name, state)| (format!("{{state=\"{name}\"}}"), agents(state)));
    family(&mut to, "agents", "gauge", "Agents by state.", states);
    let gone = |state: &FrameworkState| matches!(state, FrameworkState::Disconnected { .. });
    let disconnected = status.frameworks.iter().filter(|framework| gone(&framework.state)).count();
    let frameworks = [
        ("{state=\"connected\"}", status.frameworks.len() - disconnected),
        ("{state=\"disconnected\"}", disconnected),
    ];
    family(&mut to, "frameworks", "gauge", "Frameworks that have not ended.", frameworks);
    let sums = ["total", "used", "offered"].map(|which| {
        let parts = status.agents.iter().map(|agent| match which {
            "total" => &agent.resources.total,
            "used" => &agent.resources.used,
            _ => &agent.resources.offered,
        });
        let sum = parts.fold((0u64, 0u64), |sum, part| {
            (sum.0.saturating_add(part.cpus_milli), sum.1.saturating_add(part.memory_bytes))
        });
        (format!("{{part=\"{which}\"}}"), sum)
    });
    let cpus = sums.iter().map(|(label, sum)| (label, format!("{}.{:03}", sum.0 / 1000, sum.0 % 1000)));
    family(&mut to, "cpus", "gauge", "Cpus of all agents.", cpus);
    family(
        &mut to,
        "memory_bytes",
        "gauge",
        "Memory of all agents.",
        sums.iter().map(|(label, sum)| (label, sum.1)),
    );
    family(&mut to, "executors", "gauge", "Executors that have not ended.", [("", status.executors.len())]);
    family(
        &mut to,
        "offers_standing",
        "gauge",
        "Offers that are not answered yet.",
        [("", status.offers.len())],
    );
    let count = |meter: &AtomicU64| [("", meter.load(Relaxed))];
    family(&mut to, "offers_total", "counter", "Messages with offers that were sent.", count(&meters.offers));
    family(&mut to, "events_total", "counter", "Events that were folded.", count(&meters.events));
    let spent = [("", seconds(&meters.step_micros))];
    family(&mut to, "deciding_seconds_total", "counter", "Time spent on deciding.", spent);
    family(
        &mut to,
        "registry_writes_total",
        "counter",
        "Transactions of the registry.",
        count(&meters.writes),
    );
    let spent = [("", seconds(&meters.write_micros))];
    family(&mut to, "registry_seconds_total", "counter", "Time spent on the registry.", spent);
    to
}
