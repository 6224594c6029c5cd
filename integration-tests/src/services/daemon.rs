//! A process of somebody else's server. It ends with the test, however that ends.

use super::{LOOK_EVERY, WITHIN};
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{LazyLock, mpsc},
    thread,
    time::Instant,
};

/// So much of a log is shown when something fails.
const TAIL_LINES: usize = 30;

#[derive(Debug)]
pub(super) struct Daemon {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts `program` in a folder; what it says goes to the end of `NAME.log` there.
    pub(super) fn start(name: &str, folder: &Path, program: &Path, args: &[String]) -> Self {
        let log = folder.join(format!("{name}.log"));
        let open = || -> io::Result<(File, File)> {
            let out = OpenOptions::new().create(true).append(true).open(&log)?;
            Ok((out.try_clone()?, out))
        };
        let (out, err) = open().unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program).args(args);
        command.current_dir(folder).stdin(Stdio::null()).stdout(out).stderr(err);
        let child = spawn(command).unwrap_or_else(|error| panic!("cannot start {name}: setpriv: {error}"));
        Daemon { name: name.to_owned(), child, log }
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits until it is as it should be; the error says what the server said if it ended instead.
    pub(super) fn wait(&mut self, what: &str, mut is_so: impl FnMut() -> bool) -> Result<(), String> {
        let until = Instant::now() + WITHIN;
        while !is_so() {
            if let Some(status) = self.ended() {
                return Err(format!("{} ended: {status}\n{}", self.name, self.tail()));
            }
            assert!(Instant::now() < until, "it is still not so that {what}\n{}", self.tail());
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// All that it said.
    pub(super) fn log(&self) -> String {
        fs::read(&self.log).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// The last of what it said.
    pub(super) fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        format!("{} says, at last:\n{}", self.name, tail.join("\n"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended already is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

type Order = (Command, mpsc::SyncSender<io::Result<Child>>);

/// Starts a process from a thread that lives as long as this process. What is told to end with its parent ends with the
/// thread that has started it, and a test may leave its servers to tests on other threads.
fn spawn(command: Command) -> io::Result<Child> {
    static PARENT: LazyLock<mpsc::SyncSender<Order>> = LazyLock::new(|| {
        let (sender, orders) = mpsc::sync_channel::<Order>(1);
        thread::spawn(move || {
            for (mut command, answer) in orders {
                // Who has asked waits for it.
                drop(answer.send(command.spawn()));
            }
        });
        sender
    });
    let (answer, answered) = mpsc::sync_channel(1);
    PARENT.send((command, answer)).map_err(io::Error::other)?;
    answered.recv().map_err(io::Error::other)?
}
