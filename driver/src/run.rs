//! `rsk::run`: what a user's `main` calls. Reads the program's own arguments.

use crate::{Config, Context, Error, Result};

/// Runs a program: `[--conf key=value …] [MASTER] [app arguments]`; the master is `local[*]` unless given.
///
/// The arguments that are left are [`args`]. Ends by saying on stderr how long it took.
pub fn run(app: impl FnOnce(&Context) -> Result<()>) -> Result<()> {
    let started = std::time::Instant::now();
    let typed = Typed::parse(std::env::args().skip(1))?;
    let context = Context::with_config(&typed.master, typed.config)?;
    app(&context)?;
    eprintln!("done in {:.3} s on {}", started.elapsed().as_secs_f64(), typed.master);
    Ok(())
}

/// The program's own arguments: what follows the settings and the master.
pub fn args() -> Vec<String> {
    Typed::parse(std::env::args().skip(1)).map(|typed| typed.args).unwrap_or_default()
}

struct Typed {
    master: String,
    config: Config,
    args: Vec<String>,
}

impl Typed {
    fn parse(typed: impl Iterator<Item = String>) -> Result<Typed> {
        let mut typed = typed.peekable();
        let mut config = Config::default();
        while let Some(flag) = typed.next_if(|arg| arg.starts_with("--")) {
            let setting = match flag.as_str() {
                "--conf" => typed.next().ok_or_else(|| no_setting(&flag, "key=value must follow"))?,
                _ => match flag.strip_prefix("--conf=") {
                    Some(setting) => setting.to_owned(),
                    None => return Err(no_setting(&flag, "the only flag is --conf key=value")),
                },
            };
            config.set(&setting)?;
        }
        let master = typed.next().unwrap_or_else(|| "local[*]".to_owned());
        Ok(Typed { master, config, args: typed.collect() })
    }
}

fn no_setting(flag: &str, why: &str) -> Error {
    Error::Config { setting: flag.to_owned(), why: why.to_owned() }
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
        assert!(
            parse("--conf").is_err()
                && parse("--help local").is_err()
                && parse("--conf memry=1 local").is_err()
        );
    }
}
