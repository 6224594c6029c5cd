//! The one binary, `rsk`: masters, agents, submitting programs, and what people ask of a cluster.
//!
//! The only package that reads flags, the environment and files of settings, and that prints. Nobody calls it; it calls
//! `rsk-scheduler` to serve, and speaks with masters as `rsk-proto` has it.

#![expect(clippy::print_stderr, reason = "the one package that prints")]

mod command_line;
mod settings;
mod span;
mod table;
mod http;
mod ask;
mod show;
mod operate;
mod logs;
mod files;
mod submit;
mod serve;

use self::{
    command_line::{AskOneArgs, Command, CommandLine},
    settings::Settings,
};
use anyhow::Result;
use clap::{CommandFactory, Parser};
use rsk_proto::status::{FrameworkState, FrameworkStatus};
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// As a program that a closed pipe ends.
const READER_LEFT: u8 = 141;

fn main() -> ExitCode {
    let typed = CommandLine::parse();
    match run(&typed) {
        Ok(code) => code,
        Err(error) if error.is::<ReaderLeft>() => ExitCode::from(READER_LEFT),
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(typed: &CommandLine) -> Result<ExitCode> {
    let command = &typed.command;
    // What is no text in the environment is no setting of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    let load = || Settings::load(typed.config.as_deref(), environment, command.overrides());
    let done = match command {
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut CommandLine::command(), "rsk", &mut text);
            write(&mut io::stdout(), &text)
        }
        Command::Master(_) => serve::master(&load()?),
        Command::Agent(_) => serve::agent(&load()?),
        Command::Dev(args) => serve::dev(&load()?, args),
        Command::Submit(args) => return submit::submit(&load()?, args),
        Command::Files(command) => files::files(&load()?, command),
        Command::Config { env } => print(&load()?.print(*env)),
        Command::Logs(args) => logs::logs(&load()?, args),
        Command::Apps(_)
        | Command::Agents(_)
        | Command::Offers(_)
        | Command::Roles(_)
        | Command::Tasks { .. }
        | Command::Executors(_) => print(&list(&load()?, command)?),
        Command::Kill { .. }
        | Command::Drain { .. }
        | Command::Reactivate { .. }
        | Command::Remove { .. }
        | Command::Quota { .. }
        | Command::Weight { .. }
        | Command::Reserve { .. } => print(&operate::operate(&load()?, command)?),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Prints what an application does without, as its driver says.
fn print_excluded(app: &FrameworkStatus) -> Result<()> {
    if app.ended_at.is_some() || matches!(app.state, FrameworkState::Disconnected { .. }) {
        return Ok(());
    }
    match ask::tasks_of(app) {
        Ok(tasks) => print(&show::excluded(app, &tasks.excluded)),
        Err(error) => print(&format!("\nwhat {} excludes is not known: {error:#}\n", app.id)),
    }
}

/// What is read of a master.
fn list(settings: &Settings, command: &Command) -> Result<String> {
    let status = ask::state(settings)?;
    match command {
        Command::Apps(AskOneArgs { app: Some(app), ask }) => {
            let app = ask::meant_app(&status, app)?;
            if ask.json {
                show::json(app)
            } else {
                print(&show::app(&status, app)).and_then(|()| print_excluded(app)).map(|()| String::new())
            }
        }
        Command::Apps(AskOneArgs { app: None, ask }) if ask.json => {
            show::json(&status.frameworks.iter().chain(&status.ended).collect::<Vec<_>>())
        }
        Command::Executors(AskOneArgs { app, ask }) => {
            let app = app.as_ref().map(|app| ask::meant_app(&status, app)).transpose()?;
            let of = app.map(|app| app.id);
            let all = status.executors.iter().filter(|one| of.is_none_or(|app| one.key.framework == app));
            if ask.json {
                return show::json(&all.collect::<Vec<_>>());
            }
            print(&show::executors(&status, of))?;
            // Drivers are asked where one is meant: each may be slow to answer.
            app.map_or(Ok(()), print_excluded).map(|()| String::new())
        }
        Command::Tasks { app, ask } => {
            let tasks = ask::tasks(&status, app.as_deref())?;
            if ask.json { show::json(&tasks) } else { Ok(show::tasks(&tasks)) }
        }
        Command::Agents(ask) if ask.json => show::json(&status.agents),
        Command::Agents(_) => Ok(show::agents(&status)),
        Command::Offers(ask) if ask.json => show::json(&status.offers),
        Command::Offers(_) => Ok(show::offers(&status)),
        Command::Roles(ask) if ask.json => show::json(&status.roles),
        Command::Roles(_) => Ok(show::roles(&status)),
        _ => Ok(show::apps(&status)),
    }
}

/// Prints to stdout, now.
fn print(text: &str) -> Result<()> {
    write(&mut io::stdout(), text.as_bytes())
}

/// Writes to one of this process's own streams, now.
fn write(to: &mut impl Write, bytes: &[u8]) -> Result<()> {
    to.write_all(bytes).and_then(|()| to.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => ReaderLeft.into(),
        _ => anyhow::Error::new(error).context("cannot print"),
    })
}

/// Who reads what is printed has stopped, as `head` does: nothing is wrong.
#[derive(Debug)]
struct ReaderLeft;

impl std::fmt::Display for ReaderLeft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody reads what is printed")
    }
}

impl std::error::Error for ReaderLeft {}
