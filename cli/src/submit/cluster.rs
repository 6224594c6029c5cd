//! Cluster mode: the master gets the program and its files, and has an agent run it.

use super::{
    arguments, files,
    program::{self, Program},
    upload::upload,
    watch,
};
use crate::{ask, command_line::SubmitArgs, settings::Settings};
use anyhow::{Context, Result, anyhow, bail};
use rsk_proto::{
    BlobHash, DriverId, DriverSpec, OperatorReply, OperatorRequest, Refusal, Resources,
    rpc::{MasterClient, RpcError},
    status::{AgentState, ClusterStatus},
};
use rsk_scheduler::agent::Needs;
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

/// A submission of what is not there any more is made again so many times in all.
const ROUNDS_MAX: u32 = 3;

/// Has the cluster run a program, and waits for it if that is asked for.
pub(super) fn run(settings: &Settings, args: &SubmitArgs) -> Result<ExitCode> {
    let masters: Vec<_> = args.master.split(',').map(str::trim).collect();
    if args.master.starts_with("local") && !args.master.contains(':') {
        bail!(
            "{} has no agents to run a driver: cluster mode needs a cluster's master, host:5050",
            args.master
        );
    }
    let program = program::find(args.app.first().map_or("", String::as_str))?;
    let files = files::parse(&args.files)?;
    let environment = environment(&args.env)?;
    let mut outcome = Err(anyhow!("no master is given"));
    for master in masters {
        outcome =
            submit(master, settings, args, (&program, &files, &environment)).map(|driver| (master, driver));
        if outcome.is_ok() {
            break;
        }
    }
    let (master, driver) = outcome?;
    if args.wait {
        return watch::until_ended(master, driver);
    }
    crate::print(&format!("{driver}\n"))?;
    eprintln!(
        "submitted: `rsk logs -m {master} {driver} -f` shows its output, `rsk kill -m {master} {driver}` ends it"
    );
    Ok(ExitCode::SUCCESS)
}

type What<'a> = (&'a Program, &'a BTreeMap<String, PathBuf>, &'a BTreeMap<String, String>);

fn submit(
    master: &str,
    settings: &Settings,
    args: &SubmitArgs,
    (program, files, environment): What<'_>,
) -> Result<DriverId> {
    let needs = program.needs()?;
    refuse_strangers(&needs, &ask::state_at(master)?)
        .with_context(|| format!("cannot run {} there", program.name))?;
    let upload_all = async {
        let master = MasterClient::connect(master).await?;
        let mut rounds = 0;
        loop {
            rounds += 1;
            let hash = upload(&master, &program.path).await?;
            let mut hashes = BTreeMap::new();
            for (name, path) in files {
                hashes.insert(name.clone(), upload(&master, path).await?);
            }
            let spec = spec(settings, args, program, (hash, hashes, environment.clone()));
            return match master.operate(OperatorRequest::Submit(Box::new(spec))).await {
                Ok(OperatorReply::Submitted(driver)) => Ok(driver),
                Ok(other) => bail!("the master's answer to a submission is {other:?}"),
                // What was brought first has been deleted while the rest was brought.
                Err(RpcError::Refused { refusal: Refusal::Unknown(_), .. }) if rounds < ROUNDS_MAX => {
                    continue;
                }
                Err(error) => Err(error.into()),
            };
        }
    };
    ask::wait_for(upload_all)
}

fn spec(
    settings: &Settings,
    args: &SubmitArgs,
    program: &Program,
    (hash, files, environment): (BlobHash, BTreeMap<String, BlobHash>, BTreeMap<String, String>),
) -> DriverSpec {
    // In its sandbox, which is its current folder.
    let there: Vec<_> = files.keys().map(|name| format!("{name}={name}")).collect();
    DriverSpec {
        name: args.name.clone().unwrap_or_else(|| program.name.clone()),
        user: user(),
        role: args.role.clone().unwrap_or_default(),
        resources: Resources::of(u64::from(args.driver_cores) * 1000, args.driver_memory),
        program: hash,
        arguments: named(arguments(settings, args, &there), &program.name),
        files,
        environment,
        supervise: args.supervise,
    }
}

/// The program lies under another name where it runs: people are to see its own.
fn named(mut arguments: Vec<String>, name: &str) -> Vec<String> {
    if !arguments.iter().any(|setting| setting.starts_with("name=")) {
        arguments.splice(0..0, ["--conf".to_owned(), format!("name={name}")]);
    }
    arguments
}

/// Refuses a program that none of the agents can run.
fn refuse_strangers(needs: &Needs, status: &ClusterStatus) -> Result<()> {
    let are_there = |state| matches!(state, AgentState::Active | AgentState::Draining | AgentState::Drained);
    let mut agents = status.agents.iter().filter(|agent| are_there(agent.state)).peekable();
    if agents.peek().is_none() {
        // It waits for one.
        return Ok(());
    }
    let mut why = String::new();
    for agent in agents {
        match needs.fit(&agent.platform) {
            Ok(()) => return Ok(()),
            Err(cause) => why = format!("{} ({}): {cause}", agent.id, agent.host),
        }
    }
    bail!("no agent can run it; {why}")
}

fn environment(typed: &[String]) -> Result<BTreeMap<String, String>> {
    let pair = |typed: &String| {
        let (name, value) = typed.split_once('=').filter(|(name, _)| !name.is_empty())?;
        Some((name.to_owned(), value.to_owned()))
    };
    let all =
        typed.iter().map(|typed| pair(typed).ok_or_else(|| anyhow!("--env {typed:?} is no NAME=VALUE")));
    all.collect()
}

/// Who runs this process, by name where the system knows one.
fn user() -> String {
    let uid = rustix::process::getuid().as_raw().to_string();
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(&uid)).then(|| name.to_owned())
    });
    named.unwrap_or(uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_taken_apart_and_what_is_wrong_is_named() {
        assert_eq!(environment(&["A=b=c".to_owned()]).unwrap()["A"], "b=c");
        assert!(environment(&["=x".to_owned()]).is_err());
    }

    #[test]
    fn people_see_the_programs_own_name() {
        let typed = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert_eq!(named(typed(&["a:1"]), "pi"), typed(&["--conf", "name=pi", "a:1"]));
        assert_eq!(named(typed(&["--conf", "name=x", "a:1"]), "pi"), typed(&["--conf", "name=x", "a:1"]));
    }
}
