//! `rsk::run`: what a user's `main` calls. Reads the program's own arguments, shows what happens, and ends cleanly.

use crate::{
    Config, Context, Error, Result,
    config::{KEYS, LogLevel},
    progress::Progress,
};
use crossbeam_channel::{Receiver, bounded};
use rsk_proto::ByteSize;
use std::{
    io::{IsTerminal, Write, stderr, stdout},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// After Ctrl-C the program has so long to come to its end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Runs a program: `[--conf key=value …] [MASTER] [app arguments]`; the master is `local[*]` unless given.
///
/// The arguments that are left are [`args`]. Ends by saying on stderr what its jobs came to and how long they took.
/// Ctrl-C cancels the jobs, removes temporary files and ends the program with code 130. When this process was started as
/// an executor, it becomes one: see [`executor_if_asked`](crate::executor_if_asked).
///
/// ```no_run
/// use rsk::prelude::*;
///
/// fn main() -> rsk::Result<()> {
///     rsk::run(|ctx| {
///         println!("{}", ctx.range(0..1_000, 4).count()?);
///         Ok(())
///     })
/// }
/// ```
pub fn run(app: impl FnOnce(&Context) -> Result<()>) -> Result<()> {
    crate::executor_if_asked();
    let started = Instant::now();
    let typed = Typed::parse(std::env::args().skip(1))?;
    if typed.is_help {
        return help();
    }
    log(typed.config.log);
    let context = Context::with_config(&typed.master, typed.config)?;
    let (over, is_over) = bounded::<()>(0);
    let is_watched = watch_interrupts(&context, is_over);
    let progress = context.config().progress.then(|| Progress::start(context.dispatch().clone()));
    let outcome = app(&context);
    drop(progress);
    let totals = context.dispatch().totals();
    context.backend().end();
    drop(over);
    if IS_INTERRUPTED.load(Ordering::Relaxed) && is_watched {
        say("interrupted: jobs were cancelled and temporary files removed");
        exit(INTERRUPTED);
    }
    let counted = |n: u64, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
    let end = if outcome.is_ok() { "done in" } else { "failed after" };
    say(&format!(
        "{end} {:.3} s on {}: {} in {:.3} s, {}, {}, {} failed, {} shuffled, {} spilled",
        started.elapsed().as_secs_f64(),
        typed.master,
        counted(totals.jobs, "job"),
        totals.job_time.as_secs_f64(),
        counted(totals.stages, "stage"),
        counted(totals.tasks, "task"),
        totals.failed_tasks,
        ByteSize(totals.shuffled_bytes),
        ByteSize(totals.spilled_bytes),
    ));
    outcome
}

/// The program's own arguments: what follows the settings and the master.
///
/// ```
/// assert!(rsk::args().is_empty());
/// ```
pub fn args() -> Vec<String> {
    Typed::parse(std::env::args().skip(1)).map(|typed| typed.args).unwrap_or_default()
}

/// The program's own argument `index`, from 0, or `default` where it is not given.
///
/// Errors: one that cannot be read as a `T`, named.
///
/// ```
/// assert_eq!(rsk::arg(0, 8usize)?, 8);
/// # Ok::<(), rsk::Error>(())
/// ```
pub fn arg<T: FromStr<Err: std::fmt::Display>>(index: usize, default: T) -> Result<T> {
    args().get(index).map_or(Ok(default), |typed| {
        let why = |error| Error::Argument(format!("argument {} is {typed:?}: {error}", index + 1));
        typed.parse().map_err(why)
    })
}

/// Makes Ctrl-C, SIGTERM and SIGHUP cancel all jobs; a program that does not end then is ended. Says whether it could.
fn watch_interrupts(context: &Context, is_over: Receiver<()>) -> bool {
    let (dispatch, executor) = (context.dispatch().clone(), Arc::downgrade(context.backend().executor()));
    let set = ctrlc::set_handler(move || {
        let has_waited = IS_INTERRUPTED.swap(true, Ordering::Relaxed);
        let (dispatch, executor, is_over) = (dispatch.clone(), executor.clone(), is_over.clone());
        let end = move || {
            dispatch.stop("interrupted");
            if has_waited || is_over.recv_timeout(GRACE).is_err_and(|error| error.is_timeout()) {
                executor.upgrade().inspect(|executor| executor.work_dir().remove());
                say("interrupted: tasks that did not stop were left, and temporary files removed");
                exit(INTERRUPTED);
            }
        };
        // A thread of its own, so that a second Ctrl-C is heard meanwhile.
        if thread::Builder::new().name("interrupt".to_owned()).spawn(end).is_err() {
            exit(INTERRUPTED);
        }
    });
    set.inspect_err(|error| tracing::warn!(%error, "Ctrl-C ends this program without cleaning up")).is_ok()
}

#[expect(clippy::exit, reason = "an interrupted program says so by its exit code")]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}

/// Writes what is told inside to stderr. A program that has set up its own subscriber keeps it.
fn log(LogLevel(level): LogLevel) {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false);
    if subscriber.try_init().is_err() {
        tracing::debug!("the program has a log of its own");
    }
}

fn help() -> Result<()> {
    let program = std::env::args().next().unwrap_or_default();
    let mut text = format!(
        "A program on rsk.\n\nUsage: {program} [--conf KEY=VALUE …] [MASTER] [ARGUMENTS OF THE PROGRAM]\n\n\
         MASTER is where it runs:\n  local      one task at a time\n  local[K]   K tasks at a time\n  \
         local[*]   as many as there are CPUs (the default)\n\nKEY=VALUE, with defaults:\n"
    );
    for (key, meaning) in KEYS {
        text.extend(["  ", &format!("{key:28}"), " ", meaning, "\n"]);
    }
    stdout().write_all(text.as_bytes()).map_err(|error| Error::App(error.into()))
}

/// A closed stderr is no reason to fail.
fn say(line: &str) {
    writeln!(stderr(), "{line}").unwrap_or(());
}

struct Typed {
    master: String,
    config: Config,
    args: Vec<String>,
    is_help: bool,
}

impl Typed {
    fn parse(typed: impl Iterator<Item = String>) -> Result<Typed> {
        let mut typed = typed.peekable();
        let (mut config, mut is_help) = (Config::default(), false);
        while let Some(flag) = typed.next_if(|arg| arg.starts_with('-')) {
            let setting = match flag.as_str() {
                "-h" | "--help" => {
                    is_help = true;
                    continue;
                }
                "--conf" => typed.next().ok_or_else(|| wrong(&flag, "key=value must follow"))?,
                _ => match flag.strip_prefix("--conf=") {
                    Some(setting) => setting.to_owned(),
                    None => return Err(wrong(&flag, "there is --conf key=value and --help")),
                },
            };
            config.set(&setting)?;
        }
        let master = typed.next().unwrap_or_else(|| "local[*]".to_owned());
        let args: Vec<_> = typed.collect();
        if let Some(late) = args.iter().find(|arg| *arg == "--conf" || arg.starts_with("--conf=")) {
            return Err(wrong(
                late,
                "settings come before the master, where they are not taken for the program's own",
            ));
        }
        Ok(Typed { master, config, args, is_help })
    }
}

fn wrong(flag: &str, why: &str) -> Error {
    Error::Flag { flag: flag.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Typed> {
        Typed::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn settings_then_master_then_the_programs_own() {
        let typed = parse("--conf memory=64m --conf=task_attempts=1 local[2] 7 --x").unwrap();
        assert_eq!((typed.master.as_str(), typed.config.task_attempts), ("local[2]", 1));
        assert_eq!(typed.args, ["7", "--x"]);
        assert_eq!(parse("").unwrap().master, "local[*]");
        assert!(parse("--help").unwrap().is_help);
        for wrong in [
            "--conf",
            "--cluster local",
            "--conf memry=1 local",
            "-x",
            "local --conf memory=64m",
            "local x --conf=log=off",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
