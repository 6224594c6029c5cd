//! A process that a test has started, and what a test does to it.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    said: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts it, with its stdout kept for [`Process::line`].
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let said = child.stdout.take().map(BufReader::new);
        Process { child, said }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints; empty when it has ended.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Sends it a signal by name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Closes its stdin, if that was kept.
    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits until it has ended, and gives what else it printed.
    pub fn end(mut self, within: Duration) -> (ExitStatus, String) {
        let said = self.said.take().map(|mut said| {
            thread::spawn(move || {
                let mut text = String::new();
                said.read_to_string(&mut text).map(|_| text)
            })
        });
        let until = Instant::now() + within;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > until => panic!("process {} has not ended in {within:?}", self.id()),
                None => thread::sleep(LOOK_EVERY),
            }
        };
        (status, said.map(|said| said.join().unwrap().unwrap()).unwrap_or_default())
    }

    /// Ends it by force, at once.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Sends a signal by name to a process that somebody of the test's has started.
pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(sent.success(), "cannot send {name} to {process}");
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
