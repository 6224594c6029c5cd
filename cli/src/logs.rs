//! What executors and drivers have printed, fetched from the agents that keep it.

use crate::{
    ask::{self, Meant},
    command_line::LogsArgs,
    http,
    settings::Settings,
};
use anyhow::{Context, Result, anyhow, bail};
use rsk_proto::{ExecutorKey, FrameworkId, status::ClusterStatus};
use rsk_scheduler::agent::LogStatus;
use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read, Write},
    thread,
};

/// What an agent says of the logs of one application is no longer than this.
const LIST_BYTES_MAX: u64 = 64 << 20;
const STREAMS: [&str; 2] = ["stdout", "stderr"];

/// Shows them.
pub(crate) fn logs(settings: &Settings, args: &LogsArgs) -> Result<()> {
    let status = ask::state(settings)?;
    let found = match ask::meant(&status, &args.which)? {
        Meant::Executor(key) => {
            find(&status, key.framework).into_iter().filter(|(one, _)| *one == key).collect()
        }
        Meant::App(app) => find(&status, app),
        Meant::Driver(id) => {
            let driver = status.drivers.iter().find(|driver| driver.id == id);
            let key = driver.and_then(|driver| driver.executor);
            let key = key.ok_or_else(|| anyhow!("{id} has not been started yet: `rsk apps` says why"))?;
            find(&status, key.framework).into_iter().filter(|(one, _)| *one == key).collect()
        }
    };
    if found.is_empty() {
        bail!(
            "there are no logs of {}: it has printed nothing, or they have been deleted, or their agent is gone",
            args.which
        );
    }
    show(&found, args)
}

/// The executors of an application whose logs are somewhere, and the addresses of their agents.
fn find(status: &ClusterStatus, app: FrameworkId) -> BTreeMap<ExecutorKey, String> {
    let ask = |address: &str| -> Result<Vec<LogStatus>> {
        let answer = http::get(address, &format!("/logs/{app}"), false)?;
        let mut json = Vec::new();
        answer.body.take(LIST_BYTES_MAX).read_to_end(&mut json)?;
        serde_json::from_slice(&json).with_context(|| format!("what answers at {address} is no agent"))
    };
    let answers = thread::scope(|scope| {
        let asked: Vec<_> =
            status.agents.iter().map(|agent| (agent, scope.spawn(|| ask(&agent.address)))).collect();
        asked.into_iter().map(|(agent, answer)| (agent, answer.join())).collect::<Vec<_>>()
    });
    let mut found = BTreeMap::new();
    for (agent, answer) in answers {
        match answer {
            Ok(Ok(logs)) => {
                found.extend(logs.into_iter().map(|log| {
                    (ExecutorKey { framework: app, executor: log.executor }, agent.address.clone())
                }));
            }
            Ok(Err(error)) => eprintln!("rsk: what {} has is not shown: {error:#}", agent.id),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    found
}

fn show(found: &BTreeMap<ExecutorKey, String>, args: &LogsArgs) -> Result<()> {
    let query = match (args.follow, args.tail) {
        (false, None) => String::new(),
        (true, None) => "?follow".to_owned(),
        (false, Some(tail)) => format!("?tail={}", tail.0),
        (true, Some(tail)) => format!("?tail={}&follow", tail.0),
    };
    let is_one = found.len() == 1;
    let one = &|key: ExecutorKey, address: &str, stream: &str| -> Result<()> {
        let path = format!("/logs/{}/{}/{stream}{query}", key.framework, key.executor.0);
        let mut answer = http::get(address, &path, args.follow)?;
        if answer.status != 200 {
            let mut why = String::new();
            answer.body.take(4096).read_to_string(&mut why)?;
            bail!("{}", why.trim());
        }
        let prefix = if is_one { String::new() } else { format!("{}| ", key.executor.0) };
        match stream {
            "stdout" => copy(&mut answer.body, &prefix, &mut io::stdout()),
            _ => copy(&mut answer.body, &prefix, &mut io::stderr()),
        }
    };
    if args.follow {
        // All at once: none of them may have an end.
        return thread::scope(|scope| {
            let all = found.iter().flat_map(|(key, address)| STREAMS.map(|stream| (*key, address, stream)));
            let shown: Vec<_> =
                all.map(|(key, address, stream)| scope.spawn(move || one(key, address, stream))).collect();
            let mut outcome = Ok(());
            for shown in shown {
                outcome = outcome.and(shown.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            outcome
        });
    }
    for (key, address) in found {
        for stream in STREAMS {
            one(*key, address, stream)?;
        }
    }
    Ok(())
}

/// Copies line by line, so that lines of several do not mix.
fn copy(from: &mut impl BufRead, prefix: &str, to: &mut impl Write) -> Result<()> {
    let mut line = prefix.as_bytes().to_vec();
    while from.read_until(b'\n', &mut line).context("the agent is gone")? > 0 {
        crate::write(to, &line)?;
        line.truncate(prefix.len());
    }
    Ok(())
}
