//! Files of real stores are listed and read as local ones are, and what goes wrong with them is said.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use integration_tests::{
    cluster::{TestCluster, command},
    example,
    services::{Fault, FaultProxy, Hdfs, HdfsSettings, S3, When},
    user::{run, says, succeeds, told},
};
use object_store::{ObjectStoreExt, path::Path};
use rsk_storage::{
    Codec, HdfsConfig, InputFile, ListError, Location, ReadError, Requests, S3Config, Secret, Storage,
    StorageConfig, Text, TextOptions, plan, read_binary, read_lines,
};
use std::{io::Write, iter, time::Duration};

/// A folder of a store.
struct Place {
    storage: Storage,
    /// `scheme://authority/folder`.
    base: String,
}

impl Place {
    fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    fn put(&self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.change(
            name,
            |store, path, bytes| async move { store.put(&path, bytes).await.map(drop) },
            bytes.into(),
        );
    }

    fn delete(&self, name: &str) {
        self.change(name, |store, path, _| async move { store.delete(&path).await }, Vec::new());
    }

    fn change<F>(
        &self,
        name: &str,
        work: impl FnOnce(std::sync::Arc<dyn object_store::ObjectStore>, Path, object_store::PutPayload) -> F,
        bytes: Vec<u8>,
    ) where
        F: Future<Output = object_store::Result<()>>,
    {
        let Location::Remote(root, path) = Location::parse(&self.at(name)).unwrap() else {
            panic!("{} is no store", self.base)
        };
        let store = self.storage.client(&root).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work(store, Path::parse(path).unwrap(), bytes.into())).unwrap();
    }

    fn list(&self, names: &str) -> Result<Vec<InputFile>, ListError> {
        self.storage.list(&self.at(names))
    }

    /// What is found, from here.
    fn names(&self, typed: &str) -> Vec<String> {
        let files = self.list(typed).unwrap_or_else(|error| panic!("{typed}: {}", told(&error))).into_iter();
        let from = format!("{}/", self.base);
        files.map(|file| file.location.to_string().strip_prefix(&from).unwrap().to_owned()).collect()
    }

    fn lines(&self, name: &str, block_bytes: u64) -> Result<Vec<String>, ReadError> {
        let options = TextOptions { block_bytes, ..TextOptions::default() };
        let partitions = plan(&self.list(name).unwrap(), &options);
        let lines = partitions.into_iter().flat_map(|it| read_lines(&self.storage, it, &options));
        lines.map(|line| line.map(Text::into_string)).collect()
    }
}

fn s3_config(s3: &S3, endpoint: &str) -> StorageConfig {
    let keys = S3Config {
        endpoint: Some(endpoint.to_owned()),
        region: Some(s3.region().to_owned()),
        access_key_id: Some(s3.key().into()),
        secret_access_key: Some(s3.secret().into()),
        ..S3Config::default()
    };
    StorageConfig { s3: keys, ..StorageConfig::default() }
}

fn of_s3(s3: &S3, endpoint: &str) -> Place {
    let storage = Storage::new(s3_config(s3, endpoint));
    Place { storage, base: format!("s3://{}/own", s3.bucket()) }
}

fn of_hdfs(hdfs: &Hdfs) -> Place {
    let hdfs_config = HdfsConfig { user: Some("me".to_owned()), ..HdfsConfig::default() };
    let storage = Storage::new(StorageConfig { hdfs: hdfs_config, ..StorageConfig::default() });
    Place { storage, base: format!("{}/own", hdfs.uri()) }
}

/// Lines of all lengths, more than one request gives.
fn text() -> String {
    let lines = (0..200_000_u32)
        .map(|n| format!("{n} {}\n", "x".repeat((n.wrapping_mul(2_654_435_761) >> 25) as usize)));
    lines.collect()
}

fn files_are_listed(at: &Place) {
    for name in [
        "logs/11/a.txt",
        "logs/11/b c.log",
        "logs/12/ü+%20&.txt",
        "logs/12/_hidden",
        "logs/12/.x",
        "a/b/c/deep.txt",
    ] {
        at.put(name, name);
    }
    at.put("empty.txt", "");
    assert_eq!(at.names("logs/11"), ["logs/11/a.txt", "logs/11/b c.log"]);
    assert_eq!(at.names("logs/12/"), ["logs/12/ü+%20&.txt"]);
    assert_eq!(at.names("logs/12/_hidden"), ["logs/12/_hidden"]);
    assert_eq!(at.names("logs"), [""; 0], "folders in a folder are not read");
    assert_eq!(at.names("logs/*"), ["logs/11/a.txt", "logs/11/b c.log", "logs/12/ü+%20&.txt"]);
    assert_eq!(at.names("logs/{11,12}/*.txt"), ["logs/11/a.txt", "logs/12/ü+%20&.txt"]);
    assert_eq!(at.names("**/*.txt").len(), 4);
    assert_eq!(at.names("l?gs/1[!2]/a*"), ["logs/11/a.txt"]);
    assert_eq!(at.list("logs/11/b c.log").unwrap()[0].bytes, 15);
    assert_eq!(at.lines("logs/12/ü+%20&.txt", 7).unwrap(), ["logs/12/ü+%20&.txt"]);
    assert_eq!(at.lines("empty.txt", 7).unwrap(), [""; 0]);
    for missing in ["no/such", "logs/1", "logs/*/z", "logs/11/a.txt/more"] {
        let error = at.list(missing).unwrap_err();
        assert!(matches!(error, ListError::Missing(_)), "{missing}: {}", told(&error));
    }
}

fn lines_come_once_whatever_the_splits(at: &Place, text: &str) {
    at.put("text/plain.txt", text);
    for codec in [Codec::Gzip, Codec::Bzip2] {
        let mut packed = codec.writer(Vec::new());
        packed.write_all(text.as_bytes()).unwrap();
        at.put(&format!("text/packed.{}", codec.extension()), packed.finish().unwrap());
    }
    for name in ["plain.txt", "packed.gz", "packed.bz2"] {
        for block_bytes in [64 << 20, 3_000_001] {
            let lines = at.lines(&format!("text/{name}"), block_bytes).unwrap();
            assert!(lines.iter().map(String::as_str).eq(text.lines()), "{name}, blocks of {block_bytes}");
        }
    }
}

fn what_was_replaced_is_not_mixed(at: &Place, text: &str) {
    let other = text.replace('x', "y");
    let options = TextOptions { block_bytes: 4 << 20, ..TextOptions::default() };
    at.put("replaced.txt", text);
    let listed = at.list("replaced.txt").unwrap();
    let mut parts = plan(&listed, &options).into_iter();
    let mut first = read_lines(&at.storage, parts.next().unwrap(), &options);
    first.next().unwrap().unwrap();
    at.put("replaced.txt", other);
    let error = parts.next().map(|part| read_lines(&at.storage, part, &options).next().unwrap().unwrap_err());
    assert!(matches!(error, Some(ReadError::Replaced(_))), "{error:?}");
    // What is read of it since is what was listed, or an error.
    assert!(first.map_while(Result::ok).all(|line| !line.contains('y')));
    at.put("replaced.txt", "short\n");
    let error = read_binary(&at.storage, &listed[0], 1 << 30).unwrap_err();
    assert!(matches!(error, ReadError::Replaced(_) | ReadError::Shrunk { .. }), "{}", told(&error));
    at.delete("replaced.txt");
    let error = read_binary(&at.storage, &listed[0], 1 << 30).unwrap_err();
    assert!(told(&error).contains("replaced.txt") && told(&error).contains("not found"), "{}", told(&error));
}

fn is_read(at: &Place) {
    let text = text();
    assert!(text.len() > 9 << 20);
    files_are_listed(at);
    lines_come_once_whatever_the_splits(at, &text);
    what_was_replaced_is_not_mixed(at, &text);
}

/// `rsk ls`, `cat`, `put`, `get`, `rm` and `du`, as people type them.
fn people_look_copy_and_remove(at: &Place, typed: &[&str], variables: &[(&str, &str)]) {
    let home = tempfile::tempdir().unwrap();
    let rsk = |args: &[&str]| {
        let args = args.iter().chain(typed);
        command(home.path())
            .current_dir(home.path())
            .args(args)
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    };
    let prints = |args: &[&str]| {
        let output = rsk(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let large = vec![b'z'; (33 << 20) + 5];
    std::fs::write(home.path().join("large"), &large).unwrap();
    std::fs::write(home.path().join("small file"), "to be\n").unwrap();
    let folder = at.at("people/");
    assert!(prints(&["put", "large", &folder]).contains("people/large: 33 MiB"));
    prints(&["put", "small file", &folder]);
    says(&rsk(&["put", "small file", &folder]), &["exists already", "--force"]);
    prints(&["put", "--force", "small file", &folder]);
    says(&rsk(&["put", "absent", &folder]), &["cannot read \"absent\""]);
    let listed = prints(&["ls", &folder]);
    assert!(
        listed.contains("people/large") && listed.contains("33 MiB") && listed.lines().count() == 3,
        "{listed}"
    );
    assert_eq!(prints(&["cat", &at.at("people/small file"), &at.at("people/small file")]), "to be\nto be\n");
    prints(&["get", &at.at("people/large"), "back"]);
    assert!(std::fs::read(home.path().join("back")).unwrap() == large);
    says(&rsk(&["get", &at.at("people/large"), "back"]), &["exists already"]);
    assert!(prints(&["du", &folder]).contains("in 2 files"));
    says(&rsk(&["rm", &at.at("people")]), &["is a folder", "--recursive"]);
    assert!(prints(&["rm", "-r", &at.at("people")]).contains("2 files removed"));
    says(&rsk(&["cat", &at.at("people/large")]), &["people/large"]);
}

/// The same program on a cluster, whose agents know nothing of stores: its driver tells its executors.
fn a_cluster_reads_it(path: &str, typed: &[&str], variables: &[(&str, &str)], secret: &str) {
    let mut cluster = TestCluster::new().agents(2);
    let program = example("word_count").display().to_string();
    let mut args = vec!["submit", cluster.master(), "--executor-memory", "256m"];
    args.extend(typed);
    args.extend([&*program, path]);
    let output = cluster.command().args(&args).envs(variables.iter().copied()).output().unwrap();
    succeeds(&output);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed.lines().count(), 11, "ten words, and where the rest is: {printed}");
    cluster.kill_master();
    let master = Storage::default().files_below(&Location::from(&*cluster.master_folder())).unwrap();
    let kept: Vec<_> = master.iter().filter_map(|entry| entry.location.local()).collect();
    assert!(!kept.is_empty());
    for file in kept {
        let bytes = std::fs::read(file).unwrap();
        assert!(
            !bytes.windows(secret.len()).any(|it| it == secret.as_bytes()),
            "{} has the secret",
            file.display()
        );
    }
}

#[test]
fn s3() {
    let s3 = S3::start();
    let at = of_s3(&s3, &s3.endpoint());
    is_read(&at);
    let web = Place { storage: Storage::default(), base: format!("{}/own", s3.web()) };
    assert_eq!(web.lines("logs/11/a.txt", 7).unwrap(), ["logs/11/a.txt"]);
    assert!(matches!(web.list("logs/11/none"), Err(ListError::Missing(_))));
    assert!(matches!(web.list("logs/11/*"), Err(ListError::Unlisted(_))));

    let endpoint = format!("s3.endpoint={}", s3.endpoint());
    let keys = [("AWS_ACCESS_KEY_ID", s3.key()), ("AWS_SECRET_ACCESS_KEY", s3.secret())];
    let path = at.at("text/plain.txt");
    let options = ["--conf", &endpoint, "local[2]"];
    let count = |variables: &[(&str, &str)], path: &str| {
        run("word_count", &[&options[..], &[path]].concat(), variables)
    };
    let counted = count(&keys, &path);
    succeeds(&counted);
    says(&count(&[keys[0], ("AWS_SECRET_ACCESS_KEY", "wrong")], &path), &[&path, "AWS_SECRET_ACCESS_KEY"]);
    says(&count(&[("AWS_ACCESS_KEY_ID", "nobody"), keys[1]], &path), &[&path, "AWS_ACCESS_KEY_ID"]);
    says(&count(&keys, "s3://no-such-bucket/a"), &["s3://no-such-bucket/a"]);
    says(&count(&keys, &at.at("none.txt")), &["no input at", "none.txt"]);
    let nobody = ["--conf", "s3.endpoint=http://127.0.0.1:9", "--conf", "storage.retries=1", "local", &path];
    says(&run("word_count", &nobody, &keys), &["the server does not answer: check s3.endpoint"]);
    people_look_copy_and_remove(&at, &["--conf", &endpoint], &keys);
    a_cluster_reads_it(&path, &["--conf", &endpoint], &keys, s3.secret());
}

#[test]
fn faults_of_s3_are_survived_or_said() {
    let s3 = S3::start();
    let proxy = FaultProxy::to(&s3.address());
    let direct = of_s3(&s3, &s3.endpoint());
    let text = text();
    direct.put("a.txt", &*text);
    let mut config = s3_config(&s3, &proxy.endpoint());
    config.requests = Requests { retries: 4, timeout: Duration::from_secs(5) };
    let at = Place { storage: Storage::new(config), base: direct.base.clone() };
    let read = || at.lines("a.txt", 4 << 20);
    let is_whole = |lines: Result<Vec<String>, ReadError>| {
        let lines = lines.unwrap_or_else(|error| panic!("{}", told(&error)));
        lines.iter().map(String::as_str).eq(text.lines())
    };
    for (fault, times) in [
        (Fault::Answer(503, "SlowDown"), 3),
        (Fault::ResetResponse(100_000), 3),
        (Fault::CutResponse(200_000), 2),
        (Fault::Delay(Duration::from_secs(7)), 1),
    ] {
        let name = format!("{fault:?}");
        let injected = proxy.inject(When::method("GET").with_path("a.txt"), fault, times);
        assert!(is_whole(read()), "{name}");
        assert_eq!(injected.struck(), times, "{name}");
    }
    let broken =
        proxy.inject(When::method("GET").with_path("a.txt"), Fault::Answer(500, "InternalError"), usize::MAX);
    let error = told(&read().unwrap_err());
    assert!(error.contains("a.txt") && error.contains("500"), "{error}");
    assert!(broken.struck() >= 5);
    proxy.clear();
    let expired =
        proxy.inject(When::method("GET").with_path("a.txt"), Fault::Answer(400, "ExpiredToken"), usize::MAX);
    let error = told(&read().unwrap_err());
    assert!(error.contains("the credentials have expired"), "{error}");
    assert!(expired.struck() >= 1);
    proxy.clear();
    assert!(is_whole(read()));
}

#[test]
fn hdfs() {
    let hdfs = Hdfs::with(&HdfsSettings { block_bytes: 1 << 20, ..HdfsSettings::default() });
    let at = of_hdfs(&hdfs);
    is_read(&at);
    // Hadoop's own client sees what we have written, and we what it has.
    let cat = hdfs.shell(&["-cat", &at.at("logs/11/b c.log")]);
    assert_eq!(String::from_utf8_lossy(&cat.stdout), "logs/11/b c.log");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("theirs"), "of theirs\n").unwrap();
    let local = folder.path().join("theirs").display().to_string();
    assert!(hdfs.shell(&["-put", &local, &at.at("theirs")]).status.success());
    assert!(hdfs.shell(&["-mkdir", &at.at("nothing")]).status.success());
    assert_eq!(at.lines("theirs", 3).unwrap(), ["of theirs"]);
    assert_eq!(at.names("nothing"), [""; 0]);

    let configured = hdfs.hadoop_conf_dir().display().to_string();
    let counted =
        run("word_count", &["local[2]", "hdfs:///own/text/plain.txt"], &[("HADOOP_CONF_DIR", &configured)]);
    succeeds(&counted);
    says(&run("word_count", &["local", "hdfs:///own/text"], &[]), &["names no NameNode", "HADOOP_CONF_DIR"]);
    says(
        &run("word_count", &["local", "hdfs://127.0.0.1:9/a"], &[]),
        &["hdfs://127.0.0.1:9 does not answer"],
    );
    says(&run("word_count", &["local", &at.at("none")], &[]), &["no input at"]);
    people_look_copy_and_remove(&at, &[], &[]);
    a_cluster_reads_it(
        &at.at("text/plain.txt"),
        &[],
        &[("HADOOP_USER_NAME", "user-of-hdfs-7f3a")],
        "user-of-hdfs-7f3a",
    );
}

#[test]
fn a_data_node_that_dies_and_a_name_node_that_starts_again_are_survived() {
    let mut hdfs = Hdfs::with(&HdfsSettings {
        data_nodes: 2,
        replication: 2,
        block_bytes: 1 << 20,
        ..HdfsSettings::default()
    });
    let at = of_hdfs(&hdfs);
    let text = text();
    at.put("a.txt", &*text);
    let options = TextOptions::default();
    let part = plan(&at.list("a.txt").unwrap(), &options).remove(0);
    let mut lines = read_lines(&at.storage, part, &options);
    let first = lines.next().unwrap().unwrap();
    hdfs.kill_data_node(0);
    let rest: Vec<_> = lines.map(|line| line.unwrap_or_else(|error| panic!("{}", told(&error)))).collect();
    assert!(iter::once(&first).chain(&rest).map(|line| &**line).eq(text.lines()));
    hdfs.start_data_node(0);
    hdfs.restart_name_node();
    assert!(hdfs.is_in_safe_mode());
    // Written as soon as the NameNode takes writes again.
    at.put("b.txt", "written\n");
    assert_eq!(at.lines("b.txt", 100).unwrap(), ["written"]);
}

/// Nothing secret is in what is shown.
#[test]
fn a_configuration_shows_no_secrets() {
    let config = StorageConfig {
        s3: S3Config { secret_access_key: Some(Secret::from("hush")), ..S3Config::default() },
        ..StorageConfig::default()
    };
    assert!(!format!("{config:?} {:?}", Storage::new(config.clone())).contains("hush"));
}
