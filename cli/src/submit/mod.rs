//! `rsk submit`: a program, and where it is to run.

mod program;
mod files;
mod client;
mod cluster;
mod watch;
mod upload;
mod bar;

use crate::{
    command_line::{DeployMode, SubmitArgs},
    settings::Settings,
};
use anyhow::Result;
use std::process::ExitCode;

/// Runs a program.
pub(crate) fn submit(settings: &Settings, args: &SubmitArgs) -> Result<ExitCode> {
    match args.deploy_mode {
        DeployMode::Client => client::run(settings, args),
        DeployMode::Cluster => cluster::run(settings, args),
    }
}

/// What the program gets to see before its own arguments: settings of files, then `--conf`, then flags, the later the
/// stronger. `files`: those brought beside it, each `NAME=FILE` as it finds them.
fn arguments(settings: &Settings, args: &SubmitArgs, files: &[String]) -> Vec<String> {
    let of_file = settings.conf.iter().map(|(key, value)| format!("{key}={value}"));
    let of_flags = [
        ("executor_cores", args.executor_cores.map(|n| n.to_string())),
        ("memory", args.executor_memory.map(|size| size.0.to_string())),
        ("min_cores", args.min_cores.map(|n| n.to_string())),
        ("max_cores", args.max_cores.map(|n| n.to_string())),
        ("role", args.role.as_ref().map(ToString::to_string)),
        ("name", args.name.clone()),
        ("files", (!files.is_empty()).then(|| files.join(","))),
    ];
    let of_flags = of_flags.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?)));
    let all = of_file.chain(args.conf.iter().cloned()).chain(of_flags);
    let mut typed: Vec<_> = all.flat_map(|setting| ["--conf".to_owned(), setting]).collect();
    typed.push(args.master.clone());
    typed.extend(args.app.iter().skip(1).cloned());
    typed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::{Command, CommandLine};
    use clap::Parser;

    #[test]
    fn options_become_settings_of_the_program() {
        let line = "rsk submit host:5050 --executor-cores 4 --executor-memory 2g --role prod --conf memory=1g app 7 --x";
        let Command::Submit(args) = CommandLine::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("it is a submission")
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[conf]\ntask_attempts = 2\n").unwrap();
        let settings = Settings::load(Some(file.path()), [], Vec::new()).unwrap();
        let typed = arguments(&settings, &args, &["a=b".to_owned(), "c=d".to_owned()]).join(" ");
        let wanted = "--conf task_attempts=2 --conf memory=1g --conf executor_cores=4 --conf memory=2147483648 \
                      --conf role=prod --conf files=a=b,c=d host:5050 7 --x";
        assert_eq!(typed, wanted);
    }
}
