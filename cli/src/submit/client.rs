//! Client mode: the program runs here, in place of this process.

use super::{arguments, files, program};
use crate::{command_line::SubmitArgs, settings::Settings};
use anyhow::{Result, anyhow, bail};
use std::{
    env::consts::ARCH,
    io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
};

/// Becomes the program. Its output, its exit code and signals to it are so its own; this returns only if it is none.
pub(super) fn run(settings: &Settings, args: &SubmitArgs) -> Result<ExitCode> {
    let of_cluster_mode =
        [("--supervise", args.supervise), ("--wait", args.wait), ("--env", !args.env.is_empty())];
    if let Some((flag, _)) = of_cluster_mode.into_iter().find(|(_, is_given)| *is_given) {
        bail!("{flag} is of cluster mode: add --deploy-mode cluster, or leave it out");
    }
    let here = |(name, path): (String, PathBuf)| format!("{name}={}", path.display());
    let files: Vec<_> = files::parse(&args.files)?.into_iter().map(here).collect();
    let typed = args.app.first().map_or("", String::as_str);
    let program = program::find(typed)?;
    let needs = program.needs()?;
    if needs.fit(&format!("{ARCH} linux")).is_err() {
        bail!(
            "cannot start {typed}: it was built for another kind of machine than this one: build it for {ARCH}"
        );
    }
    let mut command = Command::new(&program.path);
    command.arg0(typed).args(arguments(settings, args, &files));
    if let Ok(own) = std::env::current_exe() {
        // `local-cluster` starts masters and agents with it.
        command.env("RSK_BIN", own);
    }
    let error = command.exec();
    let why = match error.kind() {
        io::ErrorKind::NotFound => {
            "the interpreter or loader that it names is not on this machine".to_owned()
        }
        _ => error.to_string(),
    };
    Err(anyhow!("cannot start {typed}: {why}"))
}
