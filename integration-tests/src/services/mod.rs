//! Servers of others, as tests of storage use them: real ones, on this machine, on free ports, in temporary folders.
//!
//! `integration-tests/services/install` brings them, and `integration-tests/run` calls it. Starting one takes seconds:
//! a file of tests starts what it needs once, and its tests use folders and buckets of their own.

mod answer;
mod daemon;
mod port;
mod hdfs;
mod s3;
mod faults;

pub use faults::{Fault, FaultProxy, Injected, When};
pub use hdfs::{Hdfs, HdfsSettings};
pub use s3::S3;

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

/// What is awaited of a server comes within this, or the test fails.
pub const WITHIN: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// So often a server is started on other ports, where somebody was faster to take them.
const STARTS_MAX: usize = 3;

/// Where a service has been installed.
fn installed(name: &str) -> PathBuf {
    let home = env::var_os("RSK_SERVICES").map_or_else(
        || Path::new(&env::var_os("HOME").unwrap_or_default()).join(".cache/rsk/services"),
        PathBuf::from,
    );
    let folder = home.join(name);
    let service = name.split('-').next().unwrap_or(name);
    assert!(
        folder.exists(),
        "{} is not there: run `./integration-tests/services/install {service}` first",
        folder.display()
    );
    folder
}

fn folder(service: &str) -> tempfile::TempDir {
    tempfile::Builder::new().prefix(&format!("rsk-{service}-")).tempdir().unwrap()
}

/// Starts a server, again with other ports where it ends by itself.
fn start<T>(mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let mut said = String::new();
    for _ in 0..STARTS_MAX {
        match attempt() {
            Ok(started) => return started,
            Err(why) => said = why,
        }
    }
    panic!("{said}");
}
