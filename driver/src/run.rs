//! `rsk::run`: what a user's `main` calls. Reads the program's own arguments, shows what happens, and ends cleanly.

use crate::{
    Context, Result,
    command_line::{CommandLine, help},
    config::LogLevel,
    interrupt::{self, exit},
    progress::Progress,
    reader,
    terminal::{Above, say},
};
use crossbeam_channel::bounded;
use rsk_proto::ByteSize;
use std::{
    io::{IsTerminal, Write, stderr, stdout},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    time::Instant,
};

/// Runs a program: `[--conf key=value …] [MASTER] [app arguments]`; the master is `local[*]` unless given.
///
/// The arguments that are left are [`args`](crate::args); [`App::usage`] has `--help` name them. Ends by saying on stderr
/// what its jobs came to and how long they took. Ctrl-C, SIGTERM and SIGHUP cancel the jobs, remove temporary files and end
/// the program with code 130, 143 or 129; so does, with code 141 and without a word, who reads its output and stops, such
/// as `head`. When this process was started as an executor, it becomes one: see
/// [`executor_if_asked`](crate::executor_if_asked).
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
    App::usage("[ARGUMENTS OF THE PROGRAM]").run(app)
}

/// A program that says what its own arguments are.
///
/// ```no_run
/// use rsk::prelude::*;
///
/// fn main() -> rsk::Result<()> {
///     rsk::App::usage("[NUMBER]\nCounts the numbers up to NUMBER, 1000 unless given.").run(|ctx| {
///         println!("{}", ctx.range(0..rsk::arg(0, 1_000)?, 4).count()?);
///         Ok(())
///     })
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct App {
    usage: &'static str,
}

impl App {
    /// A program of which `--help` prints `usage`: its first line as what follows the master, the others as what it does.
    pub fn usage(usage: &'static str) -> App {
        App { usage }
    }

    /// [`run`], with what was said of the program.
    pub fn run(self, app: impl FnOnce(&Context) -> Result<()>) -> Result<()> {
        crate::executor_if_asked();
        let started = Instant::now();
        let typed = CommandLine::of_program()?;
        if typed.is_help {
            let program = std::env::args().next().unwrap_or_default();
            return Ok(stdout().write_all(help(&program, self.usage).as_bytes())?);
        }
        log(typed.config.log);
        reader::expect_to_leave();
        let context = Context::with_config(&typed.master, typed.config)?;
        let progress =
            context.config().progress.then(|| Arc::new(Progress::start(context.dispatch().clone())));
        let (over, is_over) = bounded::<()>(0);
        interrupt::watch(&context, progress.as_ref(), &is_over);
        let outcome = catch_unwind(AssertUnwindSafe(|| app(&context)));
        progress.inspect(|progress| progress.end());
        let totals = context.dispatch().totals();
        let has_succeeded = matches!(outcome, Ok(Ok(())));
        let tasks = format!("{}, {}", counted(totals.tasks, "task"), counted(totals.retries, "retry"));
        let summary = format!("{}, {tasks}", counted(totals.jobs, "job"));
        context.backend().end(has_succeeded, &summary);
        drop(over);
        if let Some(signal) = interrupt::came() {
            say("interrupted: jobs were cancelled and temporary files removed");
            interrupt::end(signal);
        }
        if reader::has_left(&outcome) {
            exit(reader::LEFT);
        }
        let outcome = outcome.unwrap_or_else(|panic| resume_unwind(panic));
        let fetched = match totals.fetched_bytes {
            0 => String::new(),
            bytes => format!(", {} fetched from caches", ByteSize(bytes)),
        };
        let end = if outcome.is_ok() { "done in" } else { "failed after" };
        say(&format!(
            "{end} {:.3} s on {}: {} in {:.3} s, {}, {tasks}, {} shuffled, {} spilled{fetched}",
            started.elapsed().as_secs_f64(),
            typed.master,
            counted(totals.jobs, "job"),
            totals.job_time.as_secs_f64(),
            counted(totals.stages, "stage"),
            ByteSize(totals.shuffled_bytes),
            ByteSize(totals.spilled_bytes),
        ));
        outcome
    }
}

/// So many of a thing.
fn counted(n: u64, noun: &str) -> String {
    match (n, noun.strip_suffix('y')) {
        (1, _) => format!("{n} {noun}"),
        (_, Some(stem)) => format!("{n} {stem}ies"),
        (_, None) => format!("{n} {noun}s"),
    }
}

/// Writes what is told inside to stderr. A program that has set up its own subscriber keeps it.
fn log(LogLevel(level): LogLevel) {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| Above)
        .with_ansi(stderr().is_terminal())
        .with_target(false);
    if subscriber.try_init().is_err() {
        tracing::debug!("the program has a log of its own");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_others_are_many() {
        let said: Vec<_> = [0, 1, 2].iter().map(|n| counted(*n, "retry")).collect();
        assert_eq!(said, ["0 retries", "1 retry", "2 retries"]);
        assert_eq!((counted(1, "job"), counted(7, "task")), ("1 job".to_owned(), "7 tasks".to_owned()));
    }
}
