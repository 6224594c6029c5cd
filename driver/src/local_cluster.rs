//! `local-cluster[agents,cores,MiB]`: a master and agents on this machine, which end with the program.

use crate::Error;
use rsk_proto::ByteSize;
use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A cluster has so long to end by itself.
const GRACE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A cluster of this program's own. It ends when its standard input does, so that it goes even with a program that is
/// killed.
#[derive(Debug)]
pub(crate) struct LocalCluster {
    process: Child,
    address: String,
}

impl LocalCluster {
    /// Starts it by the binary `rsk`, with its files in `folder`, and waits until its master listens.
    pub(crate) fn start(
        agents: u32,
        cores: u32,
        memory: ByteSize,
        folder: &Path,
    ) -> Result<LocalCluster, Error> {
        let rsk = binary()?;
        let fail = |source| Error::LocalCluster { rsk: rsk.clone(), source };
        let process = Command::new(&rsk)
            .arg("dev")
            .args(["--agents", &agents.to_string(), "--cpus", &cores.to_string()])
            .args(["--mem", &(memory.0 >> 20).to_string()])
            .arg("--work-dir")
            .arg(folder)
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        // From here on it is ended whatever happens.
        let mut cluster = LocalCluster { process, address: String::new() };
        let mut line = String::new();
        if let Some(said) = cluster.process.stdout.take() {
            BufReader::new(said).read_line(&mut line).map_err(fail)?;
        }
        let address = line.split_whitespace().find(|word| word.contains(':'));
        let address =
            address.ok_or_else(|| fail(std::io::Error::other("it ended before its master listened")))?;
        address.clone_into(&mut cluster.address);
        Ok(cluster)
    }

    /// Where its master listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let until = Instant::now() + GRACE;
        while Instant::now() < until {
            match self.process.try_wait() {
                Ok(None) => thread::sleep(LOOK_EVERY),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        if self.process.kill().and_then(|()| self.process.wait()).is_err() {
            tracing::warn!(pid = self.process.id(), "cannot stop the local cluster");
        }
    }
}

/// The binary `rsk`: what `RSK_BIN` names, or beside the program or its folder, or on the path.
fn binary() -> Result<PathBuf, Error> {
    if let Some(named) = env::var_os("RSK_BIN") {
        return Ok(named.into());
    }
    let program = env::current_exe().unwrap_or_default();
    let beside = program.ancestors().skip(1).take(2).map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path);
    let mut found = beside.chain(on_path).map(|folder| folder.join("rsk")).filter(|path| path.is_file());
    found.next().ok_or(Error::NoBinary)
}
