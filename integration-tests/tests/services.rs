//! Servers of others that tests of storage use: they are there, and they fail in the ways that tests need.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use integration_tests::{
    Process,
    services::{Hdfs, HdfsSettings, S3, WITHIN},
};
use object_store::{Error, ObjectStoreExt, path::Path};
use std::{
    env, fs,
    net::TcpStream,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Where a test that is to be killed says what it has started.
const TOLD: &str = "RSK_TEST_TOLD";

#[track_caller]
fn shell(hdfs: &Hdfs, args: &[&str]) -> Vec<u8> {
    let output = hdfs.shell(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}\n{}", hdfs.tails());
    output.stdout
}

/// Puts a file of some blocks, and gives what it holds.
fn put(hdfs: &Hdfs, path: &str) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&file, &bytes).unwrap();
    shell(hdfs, &["-put", &file.path().display().to_string(), path]);
    bytes
}

#[test]
fn hdfs_keeps_a_file_in_blocks_and_restarts_through_safe_mode() {
    let settings =
        HdfsSettings { block_bytes: 64 << 10, safe_mode: Duration::from_secs(4), ..HdfsSettings::default() };
    let mut hdfs = Hdfs::with(&settings);
    let path = format!("{}/a b ü", hdfs.uri());
    let bytes = put(&hdfs, &path);
    assert_eq!(shell(&hdfs, &["-cat", &path]), bytes);
    assert_eq!(String::from_utf8(shell(&hdfs, &["-stat", "%o %r", &path])).unwrap(), "65536 1\n");

    assert!(!hdfs.is_in_safe_mode());
    hdfs.restart_name_node();
    assert!(hdfs.is_in_safe_mode());
    hdfs.wait_to_leave_safe_mode();
    assert_eq!(shell(&hdfs, &["-cat", &path]), bytes);
    put(&hdfs, "/later");
}

#[test]
fn hdfs_reads_on_without_a_data_node_which_is_noticed_and_comes_back() {
    let mut hdfs = Hdfs::with(&HdfsSettings { data_nodes: 2, ..HdfsSettings::default() });
    let bytes = put(&hdfs, "/a");
    hdfs.kill_data_node(0);
    assert_eq!(hdfs.live_data_nodes(), 2);
    assert_eq!(shell(&hdfs, &["-cat", "/a"]), bytes);
    hdfs.wait_for_data_nodes(1);
    hdfs.start_data_node(0);
    hdfs.wait_for_data_nodes(2);
    hdfs.kill_data_node(1);
    assert_eq!(shell(&hdfs, &["-cat", "/a"]), bytes);
}

#[test]
fn s3_keeps_an_object_for_who_has_the_key() {
    let s3 = S3::start();
    s3.make_bucket("another");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let path = Path::from("a/b ü");
        for bucket in [s3.bucket(), "another"] {
            let client = s3.client(bucket).build().unwrap();
            client.put(&path, bucket.into()).await.unwrap();
            assert_eq!(client.get(&path).await.unwrap().bytes().await.unwrap(), bucket);
        }
        let wrong = [
            s3.client(s3.bucket()).with_secret_access_key("another").build().unwrap(),
            s3.client(s3.bucket()).with_access_key_id("another").build().unwrap(),
        ];
        for client in wrong {
            let refused = client.get(&path).await;
            assert!(matches!(refused, Err(Error::PermissionDenied { .. })), "{refused:?}");
        }
        let client = s3.client("missing").build().unwrap();
        assert!(matches!(client.get(&path).await, Err(Error::NotFound { .. })));

        s3.kill();
        s3.restart();
        let client = s3.client("another").build().unwrap();
        assert_eq!(client.get(&path).await.unwrap().bytes().await.unwrap(), "another");
    });
}

#[test]
fn a_server_ends_with_a_test_that_is_killed() {
    if let Some(told) = env::var_os(TOLD) {
        let hdfs = Hdfs::start();
        fs::write(&told, hdfs.uri().trim_start_matches("hdfs://")).unwrap();
        thread::sleep(WITHIN);
        panic!("nobody has killed this");
    }
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let name = "a_server_ends_with_a_test_that_is_killed";
    let mut command = Command::new(env::current_exe().unwrap());
    let test = Process::start(command.args(["--exact", name]).env(TOLD, &told).env("TMPDIR", folder.path()));
    let until = Instant::now() + WITHIN;
    let address = loop {
        let address = fs::read_to_string(&told).unwrap_or_default();
        if !address.is_empty() {
            break address;
        }
        assert!(Instant::now() < until, "no server has been started");
        thread::sleep(Duration::from_millis(20));
    };
    assert!(TcpStream::connect(&address).is_ok());
    test.kill();
    while TcpStream::connect(&address).is_ok() {
        assert!(Instant::now() < until, "the server still runs");
        thread::sleep(Duration::from_millis(20));
    }
}
