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
mod submit;
mod serve;

use self::{
    command_line::{AskOneArgs, Command, CommandLine},
    settings::Settings,
};
use anyhow::Result;
use clap::{CommandFactory, Parser};
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Who reads what is printed, and stops.
const READER_LEFT: u8 = 141;

fn main() -> ExitCode {
    let typed = CommandLine::parse();
    match run(&typed) {
        Ok(code) => code,
        Err(error) if has_reader_left(&error) => ExitCode::from(READER_LEFT),
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
        Command::Config { env } => print(&load()?.print(*env)),
        Command::Logs(args) => logs::logs(&load()?, args),
        Command::Apps(_)
        | Command::Agents(_)
        | Command::Offers(_)
        | Command::Roles(_)
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

/// What is read of a master.
fn list(settings: &Settings, command: &Command) -> Result<String> {
    let status = ask::state(settings)?;
    match command {
        Command::Apps(AskOneArgs { app: Some(app), ask }) => {
            let app = ask::meant_app(&status, app)?;
            if ask.json { show::json(app) } else { Ok(show::app(&status, app)) }
        }
        Command::Apps(AskOneArgs { app: None, ask }) if ask.json => {
            show::json(&status.frameworks.iter().chain(&status.ended).collect::<Vec<_>>())
        }
        Command::Executors(AskOneArgs { app, ask }) => {
            let app = app.as_ref().map(|app| ask::meant_app(&status, app)).transpose()?;
            let of = app.map(|app| app.id);
            let all = status.executors.iter().filter(|one| of.is_none_or(|app| one.key.framework == app));
            if ask.json { show::json(&all.collect::<Vec<_>>()) } else { Ok(show::executors(&status, of)) }
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

fn write(to: &mut impl Write, bytes: &[u8]) -> Result<()> {
    to.write_all(bytes)?;
    Ok(to.flush()?)
}

fn has_reader_left(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
