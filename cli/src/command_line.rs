//! What can be typed: a catalogue, read by people through `--help`.

use crate::{files::FilesCommand, settings::Overrides, span::Span};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use rsk_proto::{AgentId, ByteSize, Resources, RoleName};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  rsk dev --agents 2                                  a cluster on this machine, to try things
  rsk submit 127.0.0.1:5050 ./target/release/pi       run a program on it
  rsk apps                                            what runs there
  rsk apps pi                                         why does it wait?

  rsk master --work-dir /var/lib/rsk/master           a real one: one master …
  rsk agent -m host:5050 --resources 'cpus:10;mem:20240' --attributes 'rack:r1'
                                                      … and an agent on each machine

Settings come from flags, else the environment (RSK_MASTER=host:5050), else rsk.toml: `rsk config` shows them.";

/// Runs programs on a cluster of machines: the master, the agents, and what people ask of them.
#[derive(Debug, Parser)]
#[command(name = "rsk", version, after_help = EXAMPLES, max_term_width = 110, disable_help_subcommand = true)]
pub(crate) struct CommandLine {
    /// Read settings from this file; otherwise `RSK_CONFIG`, ./rsk.toml or /etc/rsk/rsk.toml, the first that is there.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a master: it knows the agents, and offers what is free to applications.
    #[command(after_help = "Examples:
  rsk master
  rsk master --listen 10.0.0.1:5050 --work-dir /var/lib/rsk/master --log-dir /var/log/rsk

It keeps what it must know again in its work folder: killed and started again, it goes on. Its first line on stdout says where \
it listens. What it knows is at http://HOST:5050/state, /metrics and /health.

Programs and files that were submitted stay for an hour after their last use (`master.blob_keep`), so that they need not be sent \
again, up to 10 GiB (`master.blobs_max`); those of applications that live always stay.")]
    Master(MasterArgs),
    /// Run an agent, one on each machine: it starts executors there, and serves what they leave.
    #[command(after_help = "Examples:
  rsk agent -m host:5050
  rsk agent -m a:5050,b:5050 --resources 'cpus:10;mem:20240;ports:[31000-32000]' --attributes 'rack:r1;zone:a'

In resources, mem and disk are MiB, or have a unit (mem:20g). What you name yourself is a number (gpus:2). A role in parentheses \
keeps a part for that role alone: cpus(prod):4;mem(prod):8g;cpus:12;mem:32g has 16 CPUs. Killed and started \
again with the same work folder, it finds the executors that still run.

Of applications that have ended it keeps nothing but what they have printed: for 7 days (`agent.logs_keep`), up to 1 GiB in all \
(`agent.logs_max`) and 64 MiB each (`agent.log_max`). Programs stay for later executors, up to 10 GiB (`agent.blobs_max`).")]
    Agent(AgentArgs),
    /// Run a program: on this machine, or on a cluster.
    #[command(
        args_override_self = true,
        after_help = "MASTER is where its tasks run:
  local, local[4], local[*]   in the program itself: one task at a time, 4, or one a CPU
  local-cluster[2,1,512]      a cluster for it alone: 2 agents, each with 1 CPU and 512 MiB
  host:5050                   a cluster's master; several with commas: a:5050,b:5050

Examples:
  rsk submit local[4] ./pi 100
  rsk submit host:5050 --executor-cores 4 --executor-memory 4g --max-cores 64 ./wordcount s3.txt out
  rsk submit host:5050 --files stop.txt,model=./model-7.bin ./wordcount s3.txt out
  rsk submit host:5050 --deploy-mode cluster --supervise --wait ./nightly --date 2026-01-31

Options come before APP: what follows APP is its own. In client mode the program itself runs here: its output is yours, and \
Ctrl-C ends the application. In cluster mode the cluster runs it: `rsk logs` shows its output.

With --files, `rsk::file(\"stop.txt\")` says where a file is, in the driver and in tasks, in both modes and on local."
    )]
    Submit(Box<SubmitArgs>),
    /// List applications; of one, say what it uses, what it was offered, and why it waits.
    #[command(after_help = "Examples:
  rsk apps
  rsk apps app-5f3a21bc-7     by id, by number (7) or by name (pi)
  rsk apps --json | jq '.[].id'")]
    Apps(AskOneArgs),
    /// List agents: what they have, what of it is used, and whether they are there.
    Agents(AskArgs),
    /// List offers that stand: resources that an application has been shown, and has not answered yet.
    Offers(AskArgs),
    /// List roles: their weights, quotas, reservations and shares.
    Roles(AskArgs),
    /// List executors: whose they are, where they run, and with what.
    Executors(AskOneArgs),
    /// List the stages and tasks of an application: its driver is asked.
    Tasks {
        /// Its id, its number or its name; the one that runs, unless given.
        app: Option<String>,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// End an application, or a driver that the cluster runs.
    Kill {
        /// Its id, its number or its name.
        #[arg(value_name = "APP|DRIVER")]
        which: String,
        #[command(flatten)]
        at: At,
    },
    /// Show what executors, and drivers that the cluster runs, have printed.
    #[command(after_help = "Examples:
  rsk logs app-5f3a21bc-7            of all its executors
  rsk logs app-5f3a21bc-7/3 -f       of executor 3, until it ends
  rsk logs driver-5f3a21bc-2 -f      of a driver that the cluster runs

Of one process, its stdout comes on stdout and its stderr on stderr. Lines of several begin with the executor's number. What \
has ended keeps its logs for a week, as far as there is room: `rsk agent --help` says how much that is.")]
    Logs(LogsArgs),
    /// Take an agent out of service: nothing new is started there.
    Drain {
        /// Its id: see `rsk agents`.
        agent: AgentId,
        /// End after this time what still runs there; otherwise it may go on as long as it likes.
        #[arg(long, value_name = "TIME")]
        grace: Option<Span>,
        #[command(flatten)]
        at: At,
    },
    /// Put a drained agent back into service.
    Reactivate {
        /// Its id.
        agent: AgentId,
        #[command(flatten)]
        at: At,
    },
    /// Forget an agent that will not be back.
    Remove {
        /// Its id.
        agent: AgentId,
        #[command(flatten)]
        at: At,
    },
    /// Set the most that a role may use.
    #[command(after_help = "Examples:
  rsk quota prod 'cpus:100;mem:200g'     what is not named is not limited
  rsk quota prod none                    no limit any more")]
    Quota {
        /// The role.
        role: RoleName,
        /// The limit, such as cpus:100;mem:200g, or none.
        limit: OrNone,
        /// Set it even below what the role uses now.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        at: At,
    },
    /// Set how much a role is to get, compared to others, whose weight is 1.
    Weight {
        /// The role.
        role: RoleName,
        /// Its weight, such as 2 or 0.5.
        #[arg(value_parser = weight_milli)]
        weight: u32,
        #[command(flatten)]
        at: At,
    },
    /// Keep a part of an agent for a role, in place of what was kept for it there before.
    #[command(after_help = "Examples:
  rsk reserve agent-5f3a21bc-3 prod 'cpus:4;mem:8g'
  rsk reserve agent-5f3a21bc-3 prod none

What an agent's own --resources keep for a role (cpus(prod):4) stays, and counts.")]
    Reserve {
        /// The agent's id.
        agent: AgentId,
        /// The role.
        role: RoleName,
        /// What to keep, or none.
        resources: OrNone,
        #[command(flatten)]
        at: At,
    },
    #[command(flatten)]
    Files(FilesCommand),
    /// Run a master and agents on this machine, in one command, until Ctrl-C.
    #[command(after_help = "Examples:
  rsk dev                                  one agent with what this machine has
  rsk dev --agents 3 --cpus 2 --mem 1g --listen 127.0.0.1:0

Its first line on stdout is the master's address and nothing else. It keeps its files in a temporary folder, and removes them.")]
    Dev(DevArgs),
    /// Show the settings in effect, and where each comes from.
    #[command(
        after_help = "It prints a rsk.toml. Each key can also be set by the environment: `rsk config --env` names the \
variables."
    )]
    Config {
        /// Show the name of each setting's environment variable, and what the setting means.
        #[arg(long)]
        env: bool,
    },
    /// Print completions for a shell.
    #[command(after_help = "Example, for bash:
  rsk completions bash > /etc/bash_completion.d/rsk")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Which master to ask.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Where the master listens; several with commas. Otherwise `RSK_MASTER`, rsk.toml, or 127.0.0.1:5050.
    #[arg(short, long, value_name = "HOST:PORT")]
    pub(crate) master: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// Print JSON, as the master has it.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
pub(crate) struct AskOneArgs {
    /// One of them: its id, its number or its name.
    pub(crate) app: Option<String>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// How much to log: off, error, warn, info or debug.
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// Log into a file of this folder rather than to stderr.
    #[arg(long, alias = "log_dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    log_dir: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct MasterArgs {
    /// Where it listens, for all: agents, drivers, people. Port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// The folder of what it must know again, and of programs.
    #[arg(long, alias = "work_dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    work_dir: Option<String>,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    /// Where the master listens; several with commas.
    #[arg(short, long, value_name = "HOST:PORT")]
    master: Option<String>,
    /// What it offers, such as cpus:10;mem:20240;ports:[31000-32000]; what the machine has unless given.
    #[arg(long, value_name = "RESOURCES")]
    resources: Option<String>,
    /// What it says of itself, such as rack:r1;zone:a.
    #[arg(long, value_name = "ATTRIBUTES")]
    attributes: Option<String>,
    /// The folder of all its files; no two agents share one.
    #[arg(long, alias = "work_dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    work_dir: Option<String>,
    /// Where it serves map outputs and logs. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The name by which other machines reach this one.
    #[arg(long, alias = "hostname", value_name = "HOST")]
    host: Option<String>,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// Where its tasks run: local, local-cluster or host:5050, as below.
    pub(crate) master: String,
    /// The program and its own arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "APP [ARGS]", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) app: Vec<String>,
    /// Where the program itself runs: here, or on an agent.
    #[arg(long, value_enum, default_value_t = DeployMode::Client)]
    pub(crate) deploy_mode: DeployMode,
    /// A setting of the program (its --help lists them); any number of times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) conf: Vec<String>,
    /// CPUs, and tasks at a time, of each executor.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) executor_cores: Option<u32>,
    /// Memory of each executor, such as 2g.
    #[arg(long, value_name = "SIZE")]
    pub(crate) executor_memory: Option<ByteSize>,
    /// CPUs of all its executors together that it gets at once and keeps, idle or not.
    #[arg(long, value_name = "N")]
    pub(crate) min_cores: Option<u32>,
    /// CPUs of all its executors together, at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_cores: Option<u32>,
    /// The role that pays.
    #[arg(long)]
    pub(crate) role: Option<RoleName>,
    /// What people call it; the program's file name unless given.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Cluster mode: CPUs of the driver.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) driver_cores: u32,
    /// Cluster mode: memory of the driver.
    #[arg(long, value_name = "SIZE", default_value = "1g")]
    pub(crate) driver_memory: ByteSize,
    /// Files that the program and its tasks find by `rsk::file(NAME)`, with commas; FILE or NAME=FILE.
    #[arg(long, value_delimiter = ',', value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<String>,
    /// Cluster mode: a variable of the driver's environment; any number of times.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    /// Cluster mode: start it again when it fails, or its agent is lost.
    #[arg(long)]
    pub(crate) supervise: bool,
    /// Cluster mode: wait for it, show its output, and end with its exit code.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeployMode {
    /// Here.
    Client,
    /// On an agent.
    Cluster,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// An application, one of its executors (APP/NUMBER), or a driver.
    #[arg(value_name = "APP|EXECUTOR|DRIVER")]
    pub(crate) which: String,
    /// Go on showing what comes, until it has ended.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Show only so much of the end, such as 10k.
    #[arg(long, value_name = "SIZE")]
    pub(crate) tail: Option<ByteSize>,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// How many agents.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) agents: u32,
    /// CPUs of each; this machine's, shared out equally, unless given.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) cpus: Option<u32>,
    /// Memory of each, such as 2g, or a number of MiB; three quarters of this machine's, shared out equally, unless given.
    #[arg(long, value_name = "SIZE", value_parser = mib_or_size)]
    pub(crate) mem: Option<ByteSize>,
    /// Where the master listens: 127.0.0.1:5050 unless given, or any free port with --until-stdin-closes. Port 0 takes a
    /// free one.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
    /// Keep its files here, rather than in a temporary folder that is removed.
    #[arg(long, alias = "work_dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) work_dir: Option<PathBuf>,
    /// End when stdin is closed: with whoever started this.
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// Resources, or `none`.
#[derive(Debug, Clone)]
pub(crate) struct OrNone(pub(crate) Option<Resources>);

impl std::str::FromStr for OrNone {
    type Err = rsk_proto::ParseResourcesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" { Ok(OrNone(None)) } else { text.parse().map(|all| OrNone(Some(all))) }
    }
}

/// As in resources, a number alone is of MiB.
fn mib_or_size(text: &str) -> Result<ByteSize, String> {
    let resources: Result<Resources, _> = format!("mem:{text}").parse();
    resources.map(|all| ByteSize(all.memory_bytes)).map_err(|error| error.why)
}

/// A number with at most three places, in thousandths.
fn weight_milli(text: &str) -> Result<u32, String> {
    // Resources read the same kind of number.
    let weight: Option<Resources> = format!("weight:{text}").parse().ok();
    let milli = weight.and_then(|weight| u32::try_from(weight.named("weight")).ok());
    milli
        .filter(|milli| *milli > 0)
        .ok_or_else(|| "a weight is a number such as 2 or 0.5, and more than 0".to_owned())
}

impl LogArgs {
    fn overrides(&self) -> Overrides {
        vec![("log.level", self.log.clone()), ("log.dir", self.log_dir.clone())]
    }
}

impl Command {
    /// The settings that its flags decide.
    pub(crate) fn overrides(&self) -> Overrides {
        let master = |at: &At| vec![("cluster.master", at.master.clone())];
        match self {
            Command::Master(args) => {
                let own =
                    [("master.listen", args.listen.clone()), ("master.work_dir", args.work_dir.clone())];
                own.into_iter().chain(args.log.overrides()).collect()
            }
            Command::Agent(args) => {
                let own = [
                    ("cluster.master", args.master.clone()),
                    ("agent.resources", args.resources.clone()),
                    ("agent.attributes", args.attributes.clone()),
                    ("agent.work_dir", args.work_dir.clone()),
                    ("agent.listen", args.listen.clone()),
                    ("agent.host", args.host.clone()),
                ];
                own.into_iter().chain(args.log.overrides()).collect()
            }
            Command::Dev(args) => {
                // Whoever has started it has a terminal of its own.
                let quiet = || args.until_stdin_closes.then(|| "warn".to_owned());
                let level = args.log.log.clone().or_else(quiet);
                vec![("log.level", level), ("log.dir", args.log.log_dir.clone())]
            }
            Command::Apps(AskOneArgs { ask, .. }) | Command::Executors(AskOneArgs { ask, .. }) => {
                master(&ask.at)
            }
            Command::Agents(ask)
            | Command::Offers(ask)
            | Command::Roles(ask)
            | Command::Tasks { ask, .. } => master(&ask.at),
            Command::Logs(args) => master(&args.at),
            Command::Kill { at, .. }
            | Command::Drain { at, .. }
            | Command::Reactivate { at, .. }
            | Command::Remove { at, .. }
            | Command::Quota { at, .. }
            | Command::Weight { at, .. }
            | Command::Reserve { at, .. } => master(at),
            Command::Submit(_) | Command::Files(_) | Command::Config { .. } | Command::Completions { .. } => {
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<CommandLine, clap::Error> {
        CommandLine::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_catalogue_is_sound_and_everything_is_explained() {
        let mut whole = CommandLine::command();
        whole.clone().debug_assert();
        whole.build();
        for command in whole.get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "{} of {}", arg.get_id(), command.get_name());
            }
        }
    }

    #[test]
    fn what_follows_the_program_is_its_own() {
        let Command::Submit(args) =
            parse("rsk submit host:5050 --max-cores 4 app --wait --conf x in -o out").unwrap().command
        else {
            panic!("it is a submission")
        };
        assert_eq!((args.master.as_str(), args.max_cores, args.wait), ("host:5050", Some(4), false));
        assert_eq!(args.app, ["app", "--wait", "--conf", "x", "in", "-o", "out"]);
        assert!(parse("rsk submit host:5050 --max-cores 1 --max-cores 2 app").is_ok(), "the last one counts");
        assert!(parse("rsk submit host:5050 --wat app").is_err());
        assert!(parse("rsk submit host:5050").is_err());
    }

    #[test]
    fn mesos_spellings_are_accepted() {
        let line = "rsk agent -m a:1 --work_dir /w --log_dir /l --resources cpus:1 --attributes rack:r1";
        let overrides = parse(line).unwrap().command.overrides();
        for (key, value) in [("cluster.master", "a:1"), ("agent.work_dir", "/w"), ("log.dir", "/l")] {
            assert!(overrides.contains(&(key, Some(value.to_owned()))), "{key}");
        }
        assert!(parse("rsk master --work_dir /w --log_dir /l").is_ok());
    }

    #[test]
    fn memory_without_a_unit_is_of_mebibytes() {
        assert_eq!(mib_or_size("512"), Ok(ByteSize::mib(512)));
        assert_eq!(mib_or_size("2g"), Ok(ByteSize::mib(2048)));
        assert!(mib_or_size("lots").is_err());
    }

    #[test]
    fn weights_have_at_most_three_places() {
        assert_eq!(weight_milli("2"), Ok(2000));
        assert_eq!(weight_milli("0.5"), Ok(500));
        for wrong in ["0", "-1", "x", "1.2345", "99999999", ""] {
            assert!(weight_milli(wrong).is_err(), "{wrong}");
        }
    }
}
