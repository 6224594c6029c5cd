//! HDFS: a NameNode and some DataNodes.

use super::{answer::ask, daemon::Daemon, folder, installed, port, start};
use std::{
    fmt::Write,
    fs, io,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

const NAME_NODE: &str = "org.apache.hadoop.hdfs.server.namenode.NameNode";
const DATA_NODE: &str = "org.apache.hadoop.hdfs.server.datanode.DataNode";
const FS_SHELL: &str = "org.apache.hadoop.fs.FsShell";
/// They run for seconds and hold little: it matters that they start fast.
const JAVA: [&str; 7] = [
    "-Xmx128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.net.preferIPv4Stack=true",
    "--add-opens",
    "java.base/java.lang=ALL-UNNAMED",
];

/// What a DataNode logs once the NameNode knows its blocks.
const REPORTED: &str = "Successfully sent block report";

/// What an HDFS of a test is like.
#[derive(Debug, Clone)]
pub struct HdfsSettings {
    /// How many DataNodes there are at first.
    pub data_nodes: usize,
    /// How many of them have each block; all of them where this is larger.
    pub replication: usize,
    /// How long a block is: a multiple of 512.
    pub block_bytes: u64,
    /// How long a NameNode stays in safe mode after enough blocks have been reported to it, where there are blocks.
    pub safe_mode: Duration,
    /// Further settings, as `hdfs-site.xml` has them.
    pub more: Vec<(String, String)>,
}

impl Default for HdfsSettings {
    /// One DataNode, blocks of 128 MiB, and three seconds of safe mode.
    fn default() -> Self {
        HdfsSettings {
            data_nodes: 1,
            replication: 2,
            block_bytes: 128 << 20,
            safe_mode: Duration::from_secs(3),
            more: Vec::new(),
        }
    }
}

/// An HDFS. All of its processes are killed, and all of its files are removed, when it is dropped; if the test is killed,
/// the processes are, too.
///
/// It is up after three to five seconds, and holds some 140 MB of memory a process. Permissions are not checked.
///
/// ```no_run
/// use integration_tests::services::Hdfs;
///
/// let hdfs = Hdfs::start();
/// assert!(hdfs.shell(&["-mkdir", "-p", &format!("{}/a/b", hdfs.uri())]).status.success());
/// ```
#[derive(Debug)]
pub struct Hdfs {
    folder: tempfile::TempDir,
    home: PathBuf,
    port: u16,
    web_port: u16,
    name_node: Option<Daemon>,
    data_nodes: Vec<Option<Daemon>>,
}

impl Hdfs {
    /// One with a single DataNode.
    pub fn start() -> Self {
        Self::with(&HdfsSettings::default())
    }

    /// One that is like this. It can be written to when this returns.
    pub fn with(settings: &HdfsSettings) -> Self {
        start(|| Self::attempt(settings))
    }

    fn attempt(settings: &HdfsSettings) -> Result<Self, String> {
        let mut hdfs = Hdfs {
            folder: folder("hdfs"),
            home: installed("hdfs-2.7.3"),
            port: port::free(),
            web_port: port::free(),
            name_node: None,
            data_nodes: Vec::new(),
        };
        hdfs.write_settings(settings).unwrap();
        hdfs.launch_name_node();
        for number in 0..settings.data_nodes {
            hdfs.data_nodes.push(None);
            hdfs.launch_data_node(number);
        }
        hdfs.wait_for_name_node(|state| state.live == settings.data_nodes && !state.is_safe)?;
        Ok(hdfs)
    }

    /// Its address, such as `hdfs://127.0.0.1:10500`, with no slash at its end.
    pub fn uri(&self) -> String {
        format!("hdfs://127.0.0.1:{}", self.port)
    }

    /// A folder with `core-site.xml` and `hdfs-site.xml`: `HADOOP_CONF_DIR` for clients.
    pub fn hadoop_conf_dir(&self) -> PathBuf {
        self.folder.path().join("conf")
    }

    /// Runs Hadoop's own client, in two seconds or so: `["-cat", "/a"]`. What it logs is on its stderr.
    pub fn shell(&self, args: &[&str]) -> Output {
        let mut command = Command::new("java");
        command.args(self.java(FS_SHELL)).args(args).current_dir(self.folder.path());
        command.output().unwrap_or_else(|error| panic!("cannot start java: {error}"))
    }

    /// Kills a DataNode: `kill -9`. The NameNode notices after some 11 seconds.
    pub fn kill_data_node(&mut self, number: usize) {
        drop(self.data_nodes[number].take().unwrap());
    }

    /// Starts a DataNode that was killed, with the blocks that it had. It can be written to when this returns.
    pub fn start_data_node(&mut self, number: usize) {
        assert!(self.data_nodes[number].is_none(), "DataNode {number} runs");
        let log = self.folder.path().join(format!("{}.log", data_node(number)));
        let reports = || fs::read_to_string(&log).unwrap_or_default().matches(REPORTED).count();
        let before = reports();
        self.launch_data_node(number);
        let daemon = self.data_nodes[number].as_mut().unwrap();
        daemon.wait("the DataNode has told what it has", || reports() > before).unwrap();
    }

    /// Kills the NameNode and starts it again. It answers when this returns, and is in safe mode where there are blocks:
    /// see [`Hdfs::wait_to_leave_safe_mode`].
    pub fn restart_name_node(&mut self) {
        self.kill_name_node();
        self.start_name_node();
    }

    /// Kills the NameNode: `kill -9`.
    pub fn kill_name_node(&mut self) {
        drop(self.name_node.take().unwrap());
    }

    /// Starts the NameNode that was killed. It answers when this returns.
    pub fn start_name_node(&mut self) {
        assert!(self.name_node.is_none(), "the NameNode runs");
        self.launch_name_node();
        self.wait_for_name_node(|_| true).unwrap();
    }

    /// How many DataNodes the NameNode takes to be alive.
    pub fn live_data_nodes(&self) -> usize {
        State::of(self.web_port).unwrap().live
    }

    /// Whether nothing can be written for now.
    pub fn is_in_safe_mode(&self) -> bool {
        State::of(self.web_port).unwrap().is_safe
    }

    /// Waits until the NameNode takes exactly so many DataNodes to be alive.
    pub fn wait_for_data_nodes(&mut self, live: usize) {
        self.wait_for_name_node(|state| state.live == live).unwrap();
    }

    /// Waits until the NameNode takes writes again.
    pub fn wait_to_leave_safe_mode(&mut self) {
        self.wait_for_name_node(|state| !state.is_safe).unwrap();
    }

    /// All that the NameNode said since the start.
    pub fn name_node_log(&self) -> String {
        self.name_node.as_ref().unwrap().log()
    }

    /// The last of what each process said: for the message of a test that fails.
    pub fn tails(&self) -> String {
        let all = self.name_node.iter().chain(self.data_nodes.iter().flatten());
        all.map(Daemon::tail).collect::<Vec<_>>().join("\n")
    }

    fn wait_for_name_node(&mut self, is_so: impl Fn(&State) -> bool) -> Result<(), String> {
        let (port, rpc) = (self.web_port, self.port);
        let Hdfs { name_node, data_nodes, .. } = self;
        let name_node = name_node.as_mut().unwrap();
        // The port of its pages is there before the one that clients use.
        let answers = || TcpStream::connect(("127.0.0.1", rpc)).is_ok();
        name_node.wait("the NameNode is as it should be", || {
            for data_node in data_nodes.iter_mut().flatten() {
                let ended = data_node.ended();
                assert!(ended.is_none(), "a DataNode ended: {ended:?}\n{}", data_node.tail());
            }
            answers() && State::of(port).is_ok_and(|state| is_so(&state))
        })
    }

    fn launch_name_node(&mut self) {
        let args = self.java(NAME_NODE);
        self.name_node = Some(Daemon::start("name-node", self.folder.path(), Path::new("java"), &args));
    }

    fn launch_data_node(&mut self, number: usize) {
        let name = data_node(number);
        let mut args = vec![format!("-Drsk.data={}", self.folder.path().join(&name).display())];
        args.extend(self.java(DATA_NODE));
        let daemon = Daemon::start(&name, self.folder.path(), Path::new("java"), &args);
        self.data_nodes[number] = Some(daemon);
    }

    fn java(&self, class: &str) -> Vec<String> {
        let (conf, home) = (self.hadoop_conf_dir(), self.home.display());
        let mut args: Vec<_> = JAVA.iter().map(|arg| (*arg).to_owned()).collect();
        args.push(format!("-Djava.io.tmpdir={}", self.folder.path().display()));
        args.extend(["-cp".to_owned(), format!("{}:{home}:{home}/jars/*", conf.display()), class.to_owned()]);
        args
    }

    fn write_settings(&self, settings: &HdfsSettings) -> io::Result<()> {
        let (conf, own) = (self.hadoop_conf_dir(), self.folder.path().display());
        fs::create_dir(&conf)?;
        // An empty file system, which was made when Hadoop was installed.
        let (made, name) = (self.home.join("name/current"), self.folder.path().join("name/current"));
        fs::create_dir_all(&name)?;
        for file in fs::read_dir(made)? {
            let file = file?;
            fs::copy(file.path(), name.join(file.file_name()))?;
        }
        let replication = settings.replication.min(settings.data_nodes).max(1);
        let mut site = vec![
            ("dfs.namenode.name.dir", format!("{own}/name")),
            // Each DataNode's own, by a property of its process.
            ("dfs.datanode.data.dir", "${rsk.data}".to_owned()),
            ("dfs.namenode.http-address", format!("127.0.0.1:{}", self.web_port)),
            ("dfs.datanode.address", "127.0.0.1:0".to_owned()),
            ("dfs.datanode.http.address", "127.0.0.1:0".to_owned()),
            ("dfs.datanode.ipc.address", "127.0.0.1:0".to_owned()),
            ("dfs.replication", replication.to_string()),
            ("dfs.blocksize", settings.block_bytes.to_string()),
            ("dfs.namenode.fs-limits.min-block-size", "0".to_owned()),
            ("dfs.namenode.safemode.extension", settings.safe_mode.as_millis().to_string()),
            ("dfs.permissions.enabled", "false".to_owned()),
            // It needs jars that are not there.
            ("dfs.webhdfs.enabled", "false".to_owned()),
            // A dead DataNode is noticed after ten of the one and two of the other.
            ("dfs.heartbeat.interval", "1".to_owned()),
            ("dfs.namenode.heartbeat.recheck-interval", "500".to_owned()),
        ];
        site.extend(settings.more.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let core = [("fs.defaultFS", self.uri()), ("hadoop.tmp.dir", format!("{own}/tmp"))];
        fs::write(conf.join("core-site.xml"), xml(&core))?;
        fs::write(conf.join("hdfs-site.xml"), xml(&site))
    }
}

fn data_node(number: usize) -> String {
    format!("data-node-{number}")
}

fn xml(settings: &[(&str, String)]) -> String {
    let mut text = "<configuration>\n".to_owned();
    for (name, value) in settings {
        let value = value.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(text, "<property><name>{name}</name><value>{value}</value></property>").unwrap();
    }
    text + "</configuration>\n"
}

/// What a NameNode says of itself.
struct State {
    live: usize,
    is_safe: bool,
}

impl State {
    fn of(web_port: u16) -> io::Result<Self> {
        let target = "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState";
        let (_, json) = ask(&format!("127.0.0.1:{web_port}"), "GET", target, &[], b"")?;
        let json: serde_json::Value = serde_json::from_str(&json)?;
        let bean = &json["beans"][0];
        let live = bean["NumLiveDataNodes"].as_u64().and_then(|live| usize::try_from(live).ok());
        let parts = live.zip(bean["FSState"].as_str());
        let (live, state) = parts.ok_or_else(|| io::Error::other(format!("the NameNode says {json}")))?;
        Ok(State { live, is_safe: state != "Operational" })
    }
}
