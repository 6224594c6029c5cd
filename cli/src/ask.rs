//! The cluster as its master tells it, and what people call its parts.

use crate::{http, settings::Settings};
use anyhow::{Context, Result, anyhow, bail};
use rsk_proto::{
    DriverId, ExecutorId, ExecutorKey, FrameworkId, OperatorReply, OperatorRequest,
    rpc::MasterClient,
    status::{ClusterStatus, DriverStatus, FrameworkStatus, TasksStatus},
};
use std::{future::Future, io::Read};

const STATE_BYTES_MAX: u64 = 1 << 30;

/// Asks the first of the masters that answers.
pub(crate) fn state(settings: &Settings) -> Result<ClusterStatus> {
    first(settings, state_at)
}

/// Tries masters in turn; what is wrong is said of the last one.
fn first<T>(settings: &Settings, ask: impl Fn(&str) -> Result<T>) -> Result<T> {
    let mut answer = Err(anyhow!("no master is given: name one with --master host:5050"));
    for master in settings.masters() {
        answer = ask(&master);
        if answer.is_ok() {
            break;
        }
    }
    answer
}

/// Asks this master.
pub(crate) fn state_at(master: &str) -> Result<ClusterStatus> {
    let hint =
        || format!("no master can be asked at {master}: --master HOST:PORT or RSK_MASTER say where one is");
    let answer = http::get(master, "/state", false).with_context(hint)?;
    if answer.status != 200 {
        bail!("what answers at {master} is no master: it has no /state (status {})", answer.status);
    }
    let mut json = Vec::new();
    answer.body.take(STATE_BYTES_MAX).read_to_end(&mut json).with_context(hint)?;
    serde_json::from_slice(&json).with_context(|| {
        format!("what answers at {master} is no master of rsk {}", env!("CARGO_PKG_VERSION"))
    })
}

/// Asks the driver of an application what runs: of the one that is meant, or of the only one.
pub(crate) fn tasks(status: &ClusterStatus, app: Option<&str>) -> Result<TasksStatus> {
    let app = match (app, &status.frameworks[..]) {
        (Some(app), _) => meant_app(status, app)?,
        (None, [only]) => only,
        (None, []) => bail!("no application runs"),
        (None, _) => bail!("several applications run: name one of those that `rsk apps` lists"),
    };
    tasks_of(app)
}

/// Asks the driver of this application what runs.
pub(crate) fn tasks_of(app: &FrameworkStatus) -> Result<TasksStatus> {
    let hint = || format!("the driver of {} cannot be asked at {}", app.id, app.address);
    let answer = http::get(&app.address, "/tasks", false).with_context(hint)?;
    let mut json = Vec::new();
    answer.body.take(STATE_BYTES_MAX).read_to_end(&mut json).with_context(hint)?;
    serde_json::from_slice(&json).with_context(hint)
}

/// Waits for what is said over the network.
pub(crate) fn wait_for<T>(what: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.context("cannot start a thread that talks to the master")?.block_on(what)
}

/// Asks for something to be done.
pub(crate) fn operate(settings: &Settings, request: &OperatorRequest) -> Result<OperatorReply> {
    first(settings, |master| {
        wait_for(async { Ok(MasterClient::connect(master).await?.operate(request.clone()).await?) })
    })
}

/// A part of a cluster that somebody means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meant {
    App(FrameworkId),
    Executor(ExecutorKey),
    Driver(DriverId),
}

/// What is meant by an id, by the number at its end, by a name, or by APP/NUMBER.
pub(crate) fn meant(status: &ClusterStatus, typed: &str) -> Result<Meant> {
    if let Some((app, executor)) = typed.rsplit_once('/') {
        let number = executor.strip_prefix("executor-").unwrap_or(executor).parse();
        let number =
            number.map_err(|_| anyhow!("{typed:?} is no executor: one reads like app-5f3a21bc-7/3"))?;
        let app = meant_app(status, app)?;
        return Ok(Meant::Executor(ExecutorKey { framework: app.id, executor: ExecutorId(number) }));
    }
    if let Some(driver) = driver(status, typed)? {
        return Ok(Meant::Driver(driver.id));
    }
    meant_app(status, typed).map(|app| Meant::App(app.id))
}

/// The driver of this id, or of this name if there is no application of it.
fn driver<'a>(status: &'a ClusterStatus, typed: &str) -> Result<Option<&'a DriverStatus>> {
    if let Ok(id) = typed.parse::<DriverId>() {
        let found = status.drivers.iter().find(|driver| driver.id == id);
        return found.map(Some).ok_or_else(|| anyhow!("the master knows no {id} (any more)"));
    }
    let mut named = status.drivers.iter().filter(|driver| driver.name == typed);
    let (Some(driver), None) = (named.next(), named.next()) else { return Ok(None) };
    let is_app = all_apps(status).any(|app| app.name == typed && Some(app.id) != driver.framework);
    Ok(Some(driver).filter(|_| !is_app))
}

fn all_apps(status: &ClusterStatus) -> impl Iterator<Item = &FrameworkStatus> {
    status.frameworks.iter().chain(&status.ended)
}

/// The application that is meant: those that run come before those that have ended.
pub(crate) fn meant_app<'a>(status: &'a ClusterStatus, typed: &str) -> Result<&'a FrameworkStatus> {
    let is_meant = |app: &&FrameworkStatus| {
        app.id.to_string() == typed || app.name == typed || app.id.number.to_string() == typed
    };
    for apps in [&status.frameworks, &status.ended] {
        let mut meant = apps.iter().filter(is_meant);
        match (meant.next(), meant.next()) {
            (None, _) => {}
            (Some(app), None) => return Ok(app),
            (Some(one), Some(other)) => {
                bail!("{typed:?} is more than one application: {}, {}, …: give an id", one.id, other.id)
            }
        }
    }
    let names = all_apps(status).flat_map(|app| [app.id.to_string(), app.name.clone()]);
    let near = names
        .map(|name| (strsim::jaro_winkler(&name, typed), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= 0.8);
    match near {
        Some((_, near)) => bail!("the master knows no application {typed:?}; the nearest is {near}"),
        None => bail!("the master knows no application {typed:?}: `rsk apps` lists them"),
    }
}
