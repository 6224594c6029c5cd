//! Settings, typed: what `--conf key=value` can say.

use crate::{Error, JobOrder, PoolShare};
use rsk_proto::{ByteSize, RoleName};
use rsk_storage::{STORAGE_KEYS, StorageConfig, StorageConfigError};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// How a context runs. Each field is a key of `--conf key=value` of the same name.
///
/// ```
/// use rsk::{Config, Executors};
/// let mut config = Config::default();
/// config.set("memory=2g")?;
/// config.executors = Executors::Threads;
/// assert!(config.set("memry=2g").unwrap_err().to_string().contains("memory"));
/// # Ok::<(), rsk::Error>(())
/// ```
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, and users set any of them")]
pub struct Config {
    /// `memory`: what the process may use; 60 % of it is the budget of execution and cache. Default 1 GiB.
    pub memory: ByteSize,
    /// `work_dir`: where executors keep shuffles, spills and cached blocks. Default: the system's temporary folder.
    pub work_dir: PathBuf,
    /// `task_attempts`: tries at one task before its job fails. Default 4.
    pub task_attempts: u32,
    /// `resubmit_delay`, milliseconds: how long a stage whose input was lost waits for further losses before it is run
    /// again. Default 200.
    pub resubmit_delay: Duration,
    /// `locality_wait`, milliseconds: how long tasks wait for a slot in the executor that holds their cached block, then for
    /// one on a host that they prefer, then for one in its rack. Default 3000.
    pub locality_wait: Duration,
    /// `speculation`, `on` or `off`: whether a task that runs three times as long as the median, when nine tenths are done,
    /// is tried a second time elsewhere. Default `off`.
    pub speculation: bool,
    /// `exclude_on_failure`, `on` or `off`: whether, on a cluster, executors and hosts at which tasks fail get no more of
    /// them. Default `on`.
    pub exclude_on_failure: bool,
    /// `exclude_timeout`, seconds: how long the whole application does without an executor or a host at which tasks failed
    /// that succeeded elsewhere. Default 3600.
    pub exclude_timeout: Duration,
    /// `job_order`, `fifo` or `fair`: how jobs that run at the same time share the slots. Default `fifo`.
    pub job_order: JobOrder,
    /// `pools`, such as `etl:3,live:1:2`: name, weight and minimum of slots of pools under `job_order=fair`.
    pub pools: BTreeMap<String, PoolShare>,
    /// `name`: what people call the application on a cluster. Default: the program's file name.
    pub name: Option<String>,
    /// `role`: who pays for its executors on a cluster. Default `*`, everybody.
    pub role: RoleName,
    /// `executor_cores`: CPUs, and slots, of an executor on a cluster; each has `memory`. Default 1.
    pub executor_cores: u32,
    /// `min_cores`: CPUs of all its executors together on a cluster that it asks for at once and keeps, idle or not. Default 0.
    pub min_cores: u32,
    /// `max_cores`: CPUs of all its executors together on a cluster. Default: as many as its tasks can use.
    pub max_cores: Option<u32>,
    /// `executor_idle_timeout`, seconds: an executor that has had no task for so long, and holds no cached block, is given
    /// back. Default 60.
    pub executor_idle_timeout: Duration,
    /// `failover_timeout`, seconds: how long a cluster keeps the application when it cannot hear its driver. Default 15.
    pub failover_timeout: Duration,
    /// `driver_host`: the name or address by which executors reach the driver. Default: the address towards the master.
    pub driver_host: Option<String>,
    /// `driver_port`: where the driver listens to executors. Default 0: any that is free.
    pub driver_port: u16,
    /// `executors`, `threads` or `processes`: whether tasks run inside this process or in one of its own a slot, so that
    /// native code that crashes costs its task alone. Default `threads`.
    pub executors: Executors,
    /// `progress`, `on` or `off`: whether [`run`](crate::run) shows stages that last over half a second. Default `on`.
    pub progress: bool,
    /// `log`, `off`, `error`, `warn`, `info` or `debug`: what [`run`](crate::run) writes to stderr. Default `warn`.
    pub log: LogLevel,
    /// `files`, as `FILE` or `NAME=FILE` with commas: files that the driver and tasks find by [`file`](crate::file).
    /// Default: none.
    pub files: BTreeMap<String, PathBuf>,
    /// The settings of [`STORAGE_KEYS`], such as `s3.endpoint`: how stores are reached, where the environment does not
    /// say it. Default: none.
    pub storage: Vec<(String, String)>,
    /// `checkpoint_dir`: where checkpoints go, and stay: a folder, or a URI of a store. Default: the work directory, and they go with their RDDs.
    pub checkpoint_dir: Option<PathBuf>,
    /// `shared_files`, `on` or `off`: whether local paths of outputs are the same files on every host. Where they are not, a
    /// task on another host than the driver's refuses to write there. Default `off`.
    pub shared_files: bool,
}

/// What local slots are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Executors {
    /// Threads of this process.
    #[default]
    Threads,
    /// A process each, of the same program: its `main` must call [`run`](crate::run) or
    /// [`executor_if_asked`](crate::executor_if_asked) first.
    Processes,
}

/// How much of what happens inside is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLevel(pub(crate) tracing::level_filters::LevelFilter);

impl Default for Config {
    fn default() -> Self {
        Config {
            memory: ByteSize::mib(1024),
            work_dir: std::env::temp_dir(),
            task_attempts: 4,
            resubmit_delay: Duration::from_millis(200),
            locality_wait: Duration::from_secs(3),
            speculation: false,
            exclude_on_failure: true,
            exclude_timeout: Duration::from_hours(1),
            job_order: JobOrder::Fifo,
            pools: BTreeMap::new(),
            name: None,
            role: RoleName::default(),
            executor_cores: 1,
            min_cores: 0,
            max_cores: None,
            executor_idle_timeout: Duration::from_mins(1),
            failover_timeout: Duration::from_secs(15),
            driver_host: None,
            driver_port: 0,
            executors: Executors::Threads,
            progress: true,
            log: LogLevel(tracing::level_filters::LevelFilter::WARN),
            files: BTreeMap::new(),
            storage: Vec::new(),
            checkpoint_dir: None,
            shared_files: false,
        }
    }
}

/// Every key with what it means, as `--help` prints them.
pub(crate) fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.into_iter().chain(STORAGE_KEYS)
}

const KEYS: [(&str, &str); 25] = [
    ("memory=1g", "what the process may use; 60 % of it is the budget of execution and cache"),
    ("work_dir=DIR", "where shuffles, spills and cached blocks are kept; the system's temporary folder"),
    ("task_attempts=4", "tries at one task before its job fails"),
    ("resubmit_delay=200", "milliseconds that a stage whose input was lost waits for further losses"),
    (
        "locality_wait=3000",
        "milliseconds that a task waits for a slot where its data is: executor, then host, then rack",
    ),
    ("speculation=off", "or on: try a task that takes three times the median a second time elsewhere"),
    ("exclude_on_failure=on", "or off: on a cluster, do without executors and hosts at which tasks fail"),
    ("exclude_timeout=3600", "seconds that all jobs do without those whose tasks succeeded elsewhere"),
    ("job_order=fifo", "or fair: how jobs that run at the same time share the slots"),
    ("pools=NAME:WEIGHT[:SLOTS],…", "weights and least slots of the pools of a fair order"),
    (
        "checkpoint_dir=URI",
        "a folder, or hdfs://…, s3://…, where checkpoints go, and stay; the work directory, and they go with their RDDs",
    ),
    ("shared_files=off", "or on: on a cluster, output to local files goes to paths that all hosts share"),
    ("files=[NAME=]FILE,…", "files that the driver and its tasks find by name, wherever they run"),
    ("executors=threads", "or processes: run the tasks of each slot in a process of its own"),
    ("name=NAME", "on a cluster: what people call the application; the program's file name"),
    ("role=*", "on a cluster: who pays for the executors"),
    ("executor_cores=1", "on a cluster: CPUs, and slots, of an executor; each has the memory above"),
    ("min_cores=0", "on a cluster: CPUs of all executors that are asked for at once and kept, idle or not"),
    ("max_cores=N", "on a cluster: CPUs of all executors together; as many as tasks can use"),
    (
        "executor_idle_timeout=60",
        "on a cluster: seconds after which an idle executor without cached blocks is given back",
    ),
    ("failover_timeout=15", "on a cluster: seconds that it is kept while its driver cannot be heard"),
    ("driver_host=HOST", "on a cluster: where executors reach the driver; the address towards the master"),
    ("driver_port=0", "on a cluster: the port for it; any that is free"),
    ("progress=on", "or off: show stages that last over half a second"),
    ("log=warn", "off, error, warn, info or debug"),
];

impl Config {
    /// Applies one `key=value`.
    ///
    /// Errors: a key that does not exist, with the one that is probably meant; a value that does not parse.
    pub fn set(&mut self, setting: &str) -> Result<(), Error> {
        let fail = |why: String| Error::Config { setting: setting.to_owned(), why };
        let (key, value) = setting.split_once('=').ok_or_else(|| fail("write key=value".to_owned()))?;
        let switch = || match value {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(fail("on or off is needed".to_owned())),
        };
        match key {
            "memory" => {
                let memory: ByteSize = value.parse().map_err(|error| fail(format!("{error}")))?;
                if memory < ByteSize::mib(16) {
                    return Err(fail("at least 16m is needed".to_owned()));
                }
                self.memory = memory;
            }
            "work_dir" => self.work_dir = PathBuf::from(value),
            "files" => self.files = crate::files::parse(value).map_err(fail)?,
            "checkpoint_dir" => self.checkpoint_dir = Some(PathBuf::from(value)),
            "shared_files" => self.shared_files = switch()?,
            "task_attempts" => match value.parse() {
                Ok(attempts @ 1..) => self.task_attempts = attempts,
                _ => return Err(fail("a number from 1 is needed".to_owned())),
            },
            "resubmit_delay" => match value.parse() {
                Ok(millis) => self.resubmit_delay = Duration::from_millis(millis),
                Err(_) => return Err(fail("a number of milliseconds is needed".to_owned())),
            },
            "locality_wait" => match value.parse() {
                Ok(millis) => self.locality_wait = Duration::from_millis(millis),
                Err(_) => return Err(fail("a number of milliseconds is needed".to_owned())),
            },
            "speculation" => self.speculation = switch()?,
            "exclude_on_failure" => self.exclude_on_failure = switch()?,
            "exclude_timeout" => match value.parse() {
                Ok(seconds) => self.exclude_timeout = Duration::from_secs(seconds),
                Err(_) => return Err(fail("a number of seconds is needed".to_owned())),
            },
            "job_order" => match value {
                "fifo" => self.job_order = JobOrder::Fifo,
                "fair" => self.job_order = JobOrder::Fair,
                _ => return Err(fail("fifo or fair is needed".to_owned())),
            },
            "pools" => {
                let pools: Option<_> = value.split(',').map(pool).collect();
                self.pools = pools.ok_or_else(|| {
                    fail("write name:weight or name:weight:slots, weight from 1".to_owned())
                })?;
            }
            "name" => self.name = Some(value.to_owned()),
            "role" => self.role = value.parse().map_err(|error| fail(format!("{error}")))?,
            "executor_cores" => match value.parse() {
                Ok(cores @ 1..=1024) => self.executor_cores = cores,
                _ => return Err(fail("a number from 1 to 1024 is needed".to_owned())),
            },
            "min_cores" => {
                self.min_cores = value.parse().map_err(|_| fail("a number is needed".to_owned()))?;
            }
            "max_cores" => match value.parse() {
                Ok(cores @ 1..) => self.max_cores = Some(cores),
                _ => return Err(fail("a number from 1 is needed".to_owned())),
            },
            "executor_idle_timeout" => match value.parse() {
                Ok(seconds) => self.executor_idle_timeout = Duration::from_secs(seconds),
                Err(_) => return Err(fail("a number of seconds is needed".to_owned())),
            },
            "failover_timeout" => match value.parse() {
                Ok(seconds) => self.failover_timeout = Duration::from_secs(seconds),
                Err(_) => return Err(fail("a number of seconds is needed".to_owned())),
            },
            "driver_host" => self.driver_host = Some(value.to_owned()),
            "driver_port" => match value.parse() {
                Ok(port) => self.driver_port = port,
                Err(_) => return Err(fail("a port is needed".to_owned())),
            },
            "executors" => match value {
                "threads" => self.executors = Executors::Threads,
                "processes" => self.executors = Executors::Processes,
                _ => return Err(fail("threads or processes is needed".to_owned())),
            },
            "progress" => self.progress = switch()?,
            "log" => match value {
                "off" | "error" | "warn" | "info" | "debug" => {
                    let level = value.parse().map_err(|_| fail("there is no such level".to_owned()))?;
                    self.log = LogLevel(level);
                }
                _ => return Err(fail("off, error, warn, info or debug is needed".to_owned())),
            },
            _ if self.set_storage(key, value).map_err(|error| fail(error.why.to_owned()))? => {}
            _ => {
                let hint = nearest(key)
                    .map_or("--help lists them".to_owned(), |key| format!("the nearest is {key:?}"));
                // What was meant for another key may be a secret.
                let why = format!("there is no such key; {hint}");
                return Err(Error::Config { setting: key.to_owned(), why });
            }
        }
        Ok(())
    }

    /// Applies a setting of storage. False: the key is none of those.
    fn set_storage(&mut self, key: &str, value: &str) -> Result<bool, StorageConfigError> {
        if !STORAGE_KEYS.iter().any(|(it, _)| name_of(it) == key) {
            return Ok(false);
        }
        let setting = (key.to_owned(), value.to_owned());
        StorageConfig::collect([], std::slice::from_ref(&setting))?;
        self.storage.push(setting);
        Ok(true)
    }
}

/// Of two words, from 0 to 1: below, one is hardly meant by the other.
const LIKENESS_MIN: f64 = 0.8;

/// One pool: `name:weight` or `name:weight:slots`.
fn pool(typed: &str) -> Option<(String, PoolShare)> {
    let mut fields = typed.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let weight = fields.next()?.parse().ok().filter(|weight| *weight >= 1)?;
    let slots_min = fields.next().map_or(Some(0), |slots| slots.parse().ok())?;
    fields.next().is_none().then_some((name, PoolShare { weight, slots_min }))
}

/// The key of `key=value`.
fn name_of(setting: &'static str) -> &'static str {
    setting.split_once('=').map_or(setting, |(key, _)| key)
}

/// The key that looks most like what was typed, if one does.
fn nearest(typed: &str) -> Option<&'static str> {
    let likeness = |key: &str| {
        let is_part = typed.len() >= 3 && (key.contains(typed) || typed.contains(key));
        if is_part { 1.0 } else { strsim::jaro_winkler(key, typed) }
    };
    let keys = keys().map(|(key, _)| name_of(key));
    let (likeness, key) = keys.map(|key| (likeness(key), key)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness >= LIKENESS_MIN).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_key_is_an_error_that_names_the_nearest() {
        for (typed, meant) in
            [("memry=1g", "memory"), ("workdir=/x", "work_dir"), ("attempts=3", "task_attempts")]
        {
            let error = Config::default().set(typed).unwrap_err().to_string();
            assert!(error.contains(meant), "{error}");
        }
        for far in ["parallelism=8", "x=1", "banana=4"] {
            let error = Config::default().set(far).unwrap_err().to_string();
            assert!(error.ends_with("--help lists them"), "{error}");
        }
    }

    #[test]
    fn the_tour_lists_what_help_prints() {
        let tour = include_str!("tour.md");
        let (_, settings) = tour.split_once("# Settings\n").unwrap();
        let (settings, _) = settings.split_once("\n# ").unwrap();
        let rows: Vec<_> = settings.lines().filter(|line| line.starts_with("| `")).skip(1).collect();
        let keys: Vec<_> = keys().map(|(key, meaning)| format!("| `{key}` | {meaning} |")).collect();
        assert_eq!(rows, keys);
    }

    #[test]
    fn values_are_checked() {
        let mut config = Config::default();
        config.set("memory=2g").unwrap();
        assert_eq!(config.memory, ByteSize(2 << 30));
        config.set("pools=etl:3,live:1:2").unwrap();
        assert_eq!(config.pools["live"], PoolShare { weight: 1, slots_min: 2 });
        for wrong in
            ["memory=lots", "memory=1k", "task_attempts=0", "memory", "pools=a", "pools=a:0", "job_order=x"]
        {
            assert!(config.set(wrong).is_err(), "{wrong}");
        }
    }
}
