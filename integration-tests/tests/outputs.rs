//! What jobs write into real stores, on one machine and on a cluster, while stores and hosts fail.
//!
//! It has a `main` of its own: the job that writes checkpoints is this program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "it is a user's program, too")]

use integration_tests::{
    cluster::{TestCluster, command},
    example, repository,
    services::{Fault, FaultProxy, Hdfs, HdfsSettings, S3, When},
    user::{run, says, succeeds, told},
};
use libtest_mimic::{Arguments, Failed, Trial};
use rsk::prelude::*;
use rsk_proto::{PartitionId, TaskId};
use rsk_storage::{
    Cleaned, CommitLog, HdfsConfig, ListError, Location, PartWriter, S3Config, SaveMode, Storage,
    StorageConfig, WriteError, clean_output, read_binary,
};
use std::{collections::BTreeSet, path::Path, process::Output};

const INPUT: &str = "examples/data/licence.txt";
/// What this program does as a user's program comes last, after this.
const ASK: &str = "program:";
const LINE_BYTES: u64 = 1 << 10;
/// Of 5 GiB.
const LINES: u64 = (5 << 30) / LINE_BYTES;

fn main() -> rsk::Result<()> {
    rsk::executor_if_asked();
    if let Some(asked) =
        std::env::args().next_back().and_then(|last| last.strip_prefix(ASK).map(str::to_owned))
    {
        return rsk::run(|ctx| match &*asked {
            "checkpoint" => checkpoint(ctx),
            _ => one_large_object(ctx),
        });
    }
    let mut tests: Vec<(&str, fn())> = vec![
        ("jobs_write_to_an_s3_that_fails", jobs_write_to_an_s3_that_fails),
        ("jobs_write_to_an_hdfs_whose_data_node_dies", jobs_write_to_an_hdfs_whose_data_node_dies),
    ];
    if std::env::var("RSK_FULL").is_ok_and(|full| full == "1") {
        tests.push(("an_object_of_5_gib_comes_and_goes", an_object_of_5_gib_comes_and_goes));
    }
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            std::panic::catch_unwind(test).map_err(|_| Failed::from("it panicked: see above"))
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.into_iter().map(trial).collect()).exit();
}

/// `FOLDER program:checkpoint`, which the settings name.
fn checkpoint(ctx: &rsk::Context) -> rsk::Result<()> {
    let kept = ctx.range(0..1000, 4).map(|n| n * n).checkpoint()?;
    println!("{} squares in {}", kept.count()?, kept.folder());
    println!("their sum is {}", kept.sum()?);
    Ok(())
}

/// `OUT program:large`: writes one part, reads it in splits, and says how much memory that took.
fn one_large_object(ctx: &rsk::Context) -> rsk::Result<()> {
    let out = rsk::arg(0, String::new())?;
    let width = usize::try_from(LINE_BYTES - 1).unwrap();
    ctx.range(0..LINES, 1).with(width).map(|width, n| format!("{n:0width$}")).save_as_text_file(&out)?;
    let read = ctx.text_file(&out)?;
    let numbers = read.map(|line| line.trim_start_matches('0').parse().unwrap_or(0u64));
    println!("sum {} of {} splits", numbers.sum()?, read.partitions());
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown");
    println!("peak {}", peak.trim());
    Ok(())
}

fn of_s3(s3: &S3) -> Storage {
    let keys = S3Config {
        endpoint: Some(s3.endpoint()),
        region: Some(s3.region().to_owned()),
        access_key_id: Some(s3.key().into()),
        secret_access_key: Some(s3.secret().into()),
        ..S3Config::default()
    };
    Storage::new(StorageConfig { s3: keys, ..StorageConfig::default() })
}

fn of_hdfs() -> Storage {
    let hdfs = HdfsConfig { user: Some("me".to_owned()), ..HdfsConfig::default() };
    Storage::new(StorageConfig { hdfs, ..StorageConfig::default() })
}

/// The lines of an output, as rsk reads it.
fn lines(storage: &Storage, out: &str) -> BTreeSet<String> {
    let files = storage.list(out).unwrap_or_else(|error| panic!("{out}: {}", told(&error)));
    let text =
        files.iter().map(|file| String::from_utf8(read_binary(storage, file, 1 << 30).unwrap()).unwrap());
    text.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// What the same program writes on this machine.
fn expected(folder: &Path) -> BTreeSet<String> {
    let out = folder.join("expected").display().to_string();
    succeeds(&run("word_count", &["local[2]", &repository(INPUT), &out], &[]));
    lines(&Storage::default(), &out)
}

/// Nothing is at an output, as far as anybody can see.
fn is_absent(storage: &Storage, out: &str) {
    let found = storage.list(out);
    assert!(matches!(found, Err(ListError::Missing(_))), "{found:?}");
}

fn jobs_write_to_an_s3_that_fails() {
    let s3 = S3::start();
    let proxy = FaultProxy::to(&s3.address());
    let (storage, folder) = (of_s3(&s3), tempfile::tempdir().unwrap());
    let expected = expected(folder.path());
    let keys = [("AWS_ACCESS_KEY_ID", s3.key()), ("AWS_SECRET_ACCESS_KEY", s3.secret())];
    let endpoint = format!("s3.endpoint={}", proxy.endpoint());
    let out = |name: &str| format!("s3://{}/out/{name} ü", s3.bucket());
    let count = |out: &str| {
        let conf = ["--conf", &endpoint, "--conf", "storage.retries=3", "local[2]"];
        run("word_count", &[&conf[..], &[&repository(INPUT), out]].concat(), &keys)
    };
    let rsk = |args: &[&str]| {
        let mut rsk = command(folder.path());
        rsk.args(args).args(["--conf", &endpoint]).envs(keys).output().unwrap()
    };

    // What the client and the job survive.
    let completes = || When::method("POST").with_query("uploadId=");
    for (when, fault, times) in [
        (completes(), Fault::NoSuchUpload, 2),
        (When::method("PUT").with_query("partNumber="), Fault::Answer(503, "SlowDown"), 3),
        (When::method("PUT").with_query("partNumber="), Fault::ResetRequest(10), 1),
        (When::method("PUT").with_path("_rsk"), Fault::Answer(500, "InternalError"), 2),
        (completes(), Fault::Answer(503, "SlowDown"), 1),
        // The entry is there, and the answer says something else.
        (When::method("PUT").with_path("_rsk/log"), Fault::NoSuchUpload, 1),
    ] {
        let name = format!("{fault:?} {times}").replace(['"', '(', ')', ',', ' '], "-");
        let injected = proxy.inject(when, fault, times);
        succeeds(&count(&out(&name)));
        assert_eq!(injected.struck(), times, "{name}");
        assert_eq!(lines(&storage, &out(&name)), expected, "{name}");
        proxy.clear();
    }

    // What they do not: nothing is published, and nothing stays.
    for (fault, words) in [
        (Fault::Answer(503, "SlowDown"), &["503"][..]),
        (Fault::Answer(400, "ExpiredToken"), &["the credentials have expired"]),
        (Fault::Answer(403, "AccessDenied"), &["AccessDenied"]),
    ] {
        let name = format!("{fault:?}").replace(['"', '(', ')', ',', ' '], "-");
        let out = out(&name);
        let injected = proxy.inject(When::method("PUT").with_query("partNumber="), fault, usize::MAX);
        says(&count(&out), &[&[&*out][..], words].concat());
        assert!(injected.struck() > 0, "{name}");
        is_absent(&storage, &out);
        proxy.clear();
        let cleaned = rsk(&["clean-output", &out]);
        succeeds(&cleaned);
        assert!(String::from_utf8_lossy(&cleaned.stdout).contains("nothing was left"), "{cleaned:?}");
        succeeds(&count(&out));
        assert_eq!(lines(&storage, &out), expected, "{name}");
        says(&count(&out), &["exists already"]);
    }

    // A job that is done but for what its log says: anybody finishes it.
    let late = out("late");
    let injected = proxy.inject(completes(), Fault::Answer(503, "SlowDown"), usize::MAX);
    says(&count(&late), &["503"]);
    assert!(injected.struck() > 0);
    proxy.clear();
    let cleaned = rsk(&["clean-output", &late]);
    succeeds(&cleaned);
    assert!(String::from_utf8_lossy(&cleaned.stdout).contains("parts published"), "{cleaned:?}");
    assert_eq!(lines(&storage, &late), expected);
    let (status, uploads) = s3.request("GET", &format!("/{}?uploads=", s3.bucket()), b"").unwrap();
    assert!(status == 200 && !uploads.contains("<UploadId>"), "{uploads}");

    a_job_that_was_undone_does_not_commit(&storage, &out("undone"));
    two_jobs_append_at_a_time(&storage, &out("appended"));
    says(&rsk(&["clean-output", "s3://no-such-bucket/a"]), &["s3://no-such-bucket"]);
    says(&rsk(&["clean-output", "https://127.0.0.1:9/a"]), &["web servers are only read"]);
    says(&count("s3://no-such-bucket/a"), &["s3://no-such-bucket/a"]);
    let typed = ["--conf", &*endpoint];
    let cluster = Cluster::new(&typed, &keys);
    cluster.counts(&out("cluster"));
    assert_eq!(lines(&storage, &out("cluster")), expected);
    cluster.keeps_checkpoints(&out("checkpoints"));

    // A log that is brought to the store is asked what it is asked on this machine.
    let log = repository("examples/data/access.log");
    let logs = format!("s3://{}/logs", s3.bucket());
    succeeds(&rsk(&["put", &log, &format!("{logs}/access.log")]));
    let asked = |input: &str| run("log_query", &["--conf", &endpoint, "local[2]", input], &keys);
    let (here, there) = (asked(&log), asked(&logs));
    succeeds(&there);
    assert_eq!(String::from_utf8_lossy(&there.stdout), String::from_utf8_lossy(&here.stdout));
}

fn open(storage: &Storage, out: &str, mode: SaveMode) -> CommitLog {
    CommitLog::open(storage, &Location::parse(out).unwrap(), mode).unwrap()
}

fn writes(output: &CommitLog, storage: &Storage, partition: u32, line: &str) {
    let attempt = output.target().attempt(storage, PartitionId(partition), TaskId(partition.into()));
    let mut part = PartWriter::create(attempt).unwrap();
    part.write_line(line).unwrap();
    output.grant(&part.finish().unwrap()).unwrap();
}

/// Whoever cleans up ends jobs that have not committed: nothing of them is published, whatever they write since.
fn a_job_that_was_undone_does_not_commit(storage: &Storage, out: &str) {
    let running = open(storage, out, SaveMode::Error);
    writes(&running, storage, 0, "before");
    let cleaned = clean_output(storage, &Location::parse(out).unwrap()).unwrap();
    assert_eq!(cleaned.undone + cleaned.swept, 1, "{cleaned:?}");
    writes(&running, storage, 1, "after");
    let error = running.commit().unwrap_err();
    assert!(matches!(error, WriteError::Abandoned(_) | WriteError::Gone(_)), "{error}");
    is_absent(storage, out);
    assert_eq!(clean_output(storage, &Location::parse(out).unwrap()).unwrap(), Cleaned::default());
}

fn two_jobs_append_at_a_time(storage: &Storage, out: &str) {
    let first = open(storage, out, SaveMode::Error);
    writes(&first, storage, 0, "first");
    first.commit().unwrap();
    let both = [open(storage, out, SaveMode::Append), open(storage, out, SaveMode::Append)];
    for (output, line) in both.iter().zip(["second", "third"]) {
        writes(output, storage, 0, line);
    }
    both.into_iter().rev().for_each(|output| output.commit().unwrap());
    assert_eq!(lines(storage, out), ["first", "second", "third"].map(str::to_owned).into());
}

/// A cluster whose executors know nothing of the store.
struct Cluster<'a> {
    running: TestCluster,
    typed: &'a [&'a str],
    variables: &'a [(&'a str, &'a str)],
}

impl<'a> Cluster<'a> {
    fn new(typed: &'a [&'a str], variables: &'a [(&'a str, &'a str)]) -> Self {
        Cluster { running: TestCluster::new().agents(2), typed, variables }
    }

    fn submit(&self, args: &[&str]) -> Output {
        let mut submit = self.running.command();
        submit.args(["submit", self.running.master(), "--executor-memory", "256m"]).args(self.typed);
        let output = submit.args(args).envs(self.variables.iter().copied()).output().unwrap();
        succeeds(&output);
        output
    }

    fn counts(&self, out: &str) {
        let program = example("word_count").display().to_string();
        self.submit(&[&program, &repository(INPUT), out]);
    }

    fn keeps_checkpoints(&self, folder: &str) {
        let own = std::env::current_exe().unwrap().display().to_string();
        let output =
            self.submit(&["--conf", &format!("checkpoint_dir={folder}"), &own, &format!("{ASK}checkpoint")]);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.contains(&format!("1000 squares in {folder}/application-")), "{printed}");
        assert!(printed.contains("their sum is 332833500"), "{printed}");
    }
}

fn jobs_write_to_an_hdfs_whose_data_node_dies() {
    // With both nodes on the writer's host, the NameNode would prefer the dead one for ever.
    let anywhere =
        ("dfs.namenode.block-placement-policy.default.prefer-local-node".to_owned(), "false".to_owned());
    let settings =
        HdfsSettings { data_nodes: 2, replication: 2, more: vec![anywhere], ..HdfsSettings::default() };
    let mut hdfs = Hdfs::with(&settings);
    let (storage, folder) = (of_hdfs(), tempfile::tempdir().unwrap());
    let expected = expected(folder.path());
    let out = |name: &str| format!("{}/out/{name} ü", hdfs.uri());
    let user = [("HADOOP_USER_NAME", "me")];
    let cluster = Cluster::new(&[], &user);
    cluster.counts(&out("cluster"));
    cluster.keeps_checkpoints(&out("checkpoints"));
    assert_eq!(lines(&storage, &out("cluster")), expected);
    let theirs = hdfs.shell(&["-cat", &format!("{}/part-*", out("cluster"))]);
    let theirs: BTreeSet<_> = String::from_utf8(theirs.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(theirs, expected, "Hadoop's own client reads the same");

    a_job_that_was_undone_does_not_commit(&storage, &out("undone"));

    // A file that is being written fails, and says where; nothing of it is seen.
    let (broken, after) = (out("broken"), out("after"));
    let at = Location::parse(&broken).unwrap();
    let output = CommitLog::open(&storage, &at, SaveMode::Error).unwrap();
    let mut part = PartWriter::create(output.target().attempt(&storage, PartitionId(0), TaskId(0))).unwrap();
    let piece = vec![b'x'; 9 << 20];
    part.write_record(&piece).unwrap();
    hdfs.kill_data_node(1);
    let written = (0..3).try_for_each(|_| part.write_record(&piece)).and_then(|()| part.finish().map(drop));
    let error = written.unwrap_err();
    assert!(matches!(error, WriteError::Store(..) | WriteError::Io(..)), "{error:?}");
    assert!(told(&error).contains("part-00000"), "{}", told(&error));
    drop(output);
    is_absent(&storage, &broken);
    // The NameNode still gives out the dead node: attempts fail, and wait longer and longer until it does not.
    let tried = run("word_count", &["local[2]", &repository(INPUT), &after], &user);
    succeeds(&tried);
    assert!(String::from_utf8_lossy(&tried.stderr).contains("DataNode"), "the fault is seen: {tried:?}");
    assert_eq!(lines(&storage, &after), expected);
}

/// It takes minutes, and 5 GiB of disk.
fn an_object_of_5_gib_comes_and_goes() {
    let s3 = S3::start();
    let storage = of_s3(&s3);
    let out = format!("s3://{}/large", s3.bucket());
    let endpoint = format!("s3.endpoint={}", s3.endpoint());
    let own = std::env::current_exe().unwrap();
    let mut program = std::process::Command::new(own);
    program.args(["--conf", &endpoint, "--conf", "memory=256m", "local[2]", &out, &format!("{ASK}large")]);
    let output = program
        .envs([("AWS_ACCESS_KEY_ID", s3.key()), ("AWS_SECRET_ACCESS_KEY", s3.secret())])
        .output()
        .unwrap();
    succeeds(&output);
    let files = storage.list(&out).unwrap();
    assert_eq!(files.iter().map(|file| file.bytes).collect::<Vec<_>>(), [5 << 30]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains(&format!("sum {} of", LINES * (LINES - 1) / 2)), "{printed}");
    let peak = printed.split("peak ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    assert!(peak.is_some_and(|kib| kib < 512 << 10), "{printed}");
}
