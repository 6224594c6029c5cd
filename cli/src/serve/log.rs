//! Where masters and agents log: stderr, or a file that is renamed before it grows too long.

use crate::settings::Settings;
use anyhow::{Context, Result};
use std::{
    fs::{self, File},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::Mutex,
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

const FILE_BYTES_MAX: u64 = 64 << 20;

/// Begins to log as settings say; `name` is the file's.
pub(super) fn start(settings: &Settings, name: &str) -> Result<()> {
    let level: LevelFilter = settings.parsed("log.level")?;
    // What libraries say is told only where something is wrong.
    let ours = ["rsk", "rsk_scheduler", "rsk_proto"].map(|own| (own, level));
    let filter = Targets::new().with_targets(ours).with_default(level.min(LevelFilter::WARN));
    let fmt = fmt::layer().with_target(false);
    let started = match settings.some("log.dir") {
        None => {
            let fmt = fmt.with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
            tracing_subscriber::registry().with(fmt.with_filter(filter)).try_init()
        }
        Some(folder) => {
            let file = LogFile::open(Path::new(&folder), name).with_context(|| {
                format!("cannot log into the folder {folder}: take another with --log-dir")
            })?;
            let fmt = fmt.with_writer(Mutex::new(file)).with_ansi(false);
            tracing_subscriber::registry().with(fmt.with_filter(filter)).try_init()
        }
    };
    started.context("cannot log")
}

/// `NAME.log`, and the one before as `NAME.log.1`.
struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl LogFile {
    fn open(folder: &Path, name: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(LogFile { path, file, bytes })
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        let mut before = self.path.clone().into_os_string();
        before.push(".1");
        fs::rename(&self.path, before)?;
        self.file = File::options().create(true).append(true).open(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.bytes + line.len() as u64 > FILE_BYTES_MAX && self.bytes > 0 {
            self.begin_anew()?;
        }
        let written = self.file.write(line)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_keeps_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile::open(folder.path(), "master").unwrap();
        log.write_all(b"first\n").unwrap();
        log.bytes = FILE_BYTES_MAX;
        log.write_all(b"second\n").unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!((read("master.log.1").as_str(), read("master.log").as_str()), ("first\n", "second\n"));
    }
}
