//! What was typed behind the program's name: `[--conf key=value …] [MASTER] [app arguments]`.

use crate::{Config, Error, Result, config::keys};
use std::str::FromStr;

/// The program's own arguments: what follows the settings and the master.
///
/// ```
/// assert!(rsk::args().is_empty());
/// ```
pub fn args() -> Vec<String> {
    CommandLine::of_program().map(|typed| typed.args).unwrap_or_default()
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

/// The arguments of a program, taken apart.
pub(crate) struct CommandLine {
    pub(crate) master: String,
    pub(crate) config: Config,
    pub(crate) args: Vec<String>,
    pub(crate) is_help: bool,
}

impl CommandLine {
    /// This program's.
    pub(crate) fn of_program() -> Result<CommandLine> {
        CommandLine::parse(std::env::args().skip(1))
    }

    fn parse(typed: impl Iterator<Item = String>) -> Result<CommandLine> {
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
        is_help |= args.iter().any(|arg| arg == "--help");
        if let Some(late) = args.iter().find(|arg| *arg == "--conf" || arg.starts_with("--conf=")) {
            return Err(wrong(
                late,
                "settings come before the master, where they are not taken for the program's own",
            ));
        }
        Ok(CommandLine { master, config, args, is_help })
    }
}

fn wrong(flag: &str, why: &str) -> Error {
    Error::Flag { flag: flag.to_owned(), why: why.to_owned() }
}

/// What `--help` prints of `program`; the first line of `usage` is its arguments, the others say what it does.
pub(crate) fn help(program: &str, usage: &str) -> String {
    let (arguments, about) = usage.split_once('\n').unwrap_or((usage, ""));
    let about = if about.is_empty() { "A program on rsk." } else { about };
    let mut text = format!(
        "{about}\n\nUsage: {program} [--conf KEY=VALUE …] [MASTER] {arguments}\n\n\
         MASTER is where it runs:\n  local      one task at a time\n  local[K]   K tasks at a time\n  \
         local[*]   as many as there are CPUs (the default)\n\nKEY=VALUE, with defaults:\n"
    );
    for (key, meaning) in keys() {
        text.extend(["  ", &format!("{key:28}"), " ", meaning, "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<CommandLine> {
        CommandLine::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn settings_then_master_then_the_programs_own() {
        let typed = parse("--conf memory=64m --conf=task_attempts=1 local[2] 7 --x").unwrap();
        assert_eq!((typed.master.as_str(), typed.config.task_attempts), ("local[2]", 1));
        assert_eq!(typed.args, ["7", "--x"]);
        assert_eq!(parse("").unwrap().master, "local[*]");
        for asked in ["--help", "-h", "local --help", "local 7 --help"] {
            assert!(parse(asked).unwrap().is_help, "{asked}");
        }
        assert!(!parse("local -h").unwrap().is_help, "a letter is the program's own");
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

    #[test]
    fn help_names_the_programs_own_arguments() {
        let text = help("count", "INPUT [OUTPUT]\nCounts words.");
        assert!(
            text.starts_with("Counts words.\n\nUsage: count [--conf KEY=VALUE …] [MASTER] INPUT [OUTPUT]\n")
        );
        assert!(help("count", "[ARGUMENTS]").starts_with("A program on rsk."));
    }
}
