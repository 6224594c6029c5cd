//! A running program whose three streams are used by one thread that none of them can block.

use super::Program;
use rsk_proto::{Cause, TaskError};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, OwnedFd},
    io::{Errno, ioctl_fionbio},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};
use std::{
    io::{self, ErrorKind, Read, Write},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio},
};

/// As much as a pipe holds.
const PIPE_BYTES: usize = 64 << 10;
/// What is kept of the program's last words.
const TAIL_BYTES: usize = 4 << 10;
/// What it left in the pipe when it ended; its children may go on writing.
const LAST_READS_MAX: usize = 16;
/// How long to wait before asking whether the task was told to stop.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// The same where the kernel cannot tell that the program has ended (Linux before 5.3).
const LOOK_SOON: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// A program that runs. Dropped before its end, it is killed, with its children.
pub(super) struct Process {
    name: String,
    child: Child,
    /// Readable once the program has ended.
    end: Option<OwnedFd>,
    status: Option<ExitStatus>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    tail: Vec<u8>,
}

impl Process {
    pub(super) fn start(program: &Program) -> Result<Self, TaskError> {
        let name = program.to_string();
        let mut command = program.command();
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned
            .map_err(|error| TaskError::User(Cause::of(&error).within(format!("cannot start {name}"))))?;
        let end = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Process { name, child, end, status: None, stdin, stdout, stderr, tail: Vec::new() };
        process.never_block().map_err(|error| process.failed("set up", &error.into()))?;
        Ok(process)
    }

    fn never_block(&self) -> Result<(), Errno> {
        self.stdin.as_ref().map_or(Ok(()), |stream| ioctl_fionbio(stream, true))?;
        self.stdout.as_ref().map_or(Ok(()), |stream| ioctl_fionbio(stream, true))?;
        self.stderr.as_ref().map_or(Ok(()), |stream| ioctl_fionbio(stream, true))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// May it still read?
    pub(super) fn takes_input(&self) -> bool {
        self.stdin.is_some()
    }

    /// Lets it see the end of its input.
    pub(super) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// May it still write?
    pub(super) fn gives_output(&self) -> bool {
        self.stdout.is_some()
    }

    /// Waits until it reads, writes or ends, or for a moment; then moves what can be moved. Says how much of `input` it
    /// took; what it wrote is appended to `output`.
    pub(super) fn advance(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize, TaskError> {
        self.wait(!input.is_empty()).map_err(|error| self.failed("wait for", &error.into()))?;
        let taken = self.write(input).map_err(|error| self.failed("write to", &error))?;
        self.read(output).map_err(|error| self.failed("read from", &error))?;
        if !self.gives_output() && self.status.is_none() {
            self.status = self.child.try_wait().map_err(|error| self.failed("wait for", &error))?;
        }
        Ok(taken)
    }

    /// Its end, once it has written all.
    pub(super) fn status(&self) -> Option<ExitStatus> {
        self.status.filter(|_| !self.gives_output())
    }

    /// Nothing if it ended well; else what it said last.
    pub(super) fn outcome(&mut self, status: ExitStatus) -> Result<(), TaskError> {
        for _ in 0..LAST_READS_MAX {
            self.read_stderr().map_err(|error| self.failed("read from", &error))?;
        }
        let said = String::from_utf8_lossy(&self.tail);
        let said = said.trim_end();
        if status.success() {
            if !said.is_empty() {
                tracing::debug!(program = self.name, stderr = said, "a program of pipe has ended");
            }
            return Ok(());
        }
        let why = if said.is_empty() {
            "it wrote nothing to stderr".to_owned()
        } else {
            format!("it wrote to stderr: {said}")
        };
        Err(TaskError::User(Cause::new(why).within(format!("{} ended with {status}", self.name))))
    }

    fn failed(&self, doing: &str, error: &io::Error) -> TaskError {
        TaskError::Io(Cause::of(error).within(format!("cannot {doing} {}", self.name)))
    }

    fn wait(&self, has_input: bool) -> Result<(), Errno> {
        let mut all = Vec::with_capacity(4);
        let stdin = self.stdin.as_ref().filter(|_| has_input);
        all.extend(stdin.map(|stream| PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::OUT)));
        all.extend(self.stdout.as_ref().map(|s| PollFd::from_borrowed_fd(s.as_fd(), PollFlags::IN)));
        all.extend(self.stderr.as_ref().map(|s| PollFd::from_borrowed_fd(s.as_fd(), PollFlags::IN)));
        let end = self.end.as_ref().filter(|_| !self.gives_output());
        all.extend(end.map(|end| PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN)));
        let is_watched = self.gives_output() || self.end.is_some();
        match poll(&mut all, Some(if is_watched { &LOOK_EVERY } else { &LOOK_SOON })) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes as much of `input` as the pipe takes. That nobody reads any more is no error: a program need not read all.
    fn write(&mut self, input: &[u8]) -> io::Result<usize> {
        let Some(stdin) = self.stdin.as_mut().filter(|_| !input.is_empty()) else { return Ok(0) };
        match stdin.write(input) {
            Ok(taken) => Ok(taken),
            Err(error) if is_later(&error) => Ok(0),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.stdin = None;
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// Appends what there is, up to one pipe's content.
    fn read(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        self.read_stderr()?;
        if append(&mut self.stdout, output)? == Some(0) {
            self.stdout = None;
        }
        Ok(())
    }

    fn read_stderr(&mut self) -> io::Result<()> {
        if append(&mut self.stderr, &mut self.tail)? == Some(0) {
            self.stderr = None;
        }
        let old = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..old);
        Ok(())
    }
}

/// Appends one read from a stream: how many bytes came, zero at its end; nothing where none wait.
fn append(stream: &mut Option<impl Read>, to: &mut Vec<u8>) -> io::Result<Option<usize>> {
    let Some(stream) = stream else { return Ok(None) };
    let before = to.len();
    to.resize(before + PIPE_BYTES, 0);
    let read = stream.read(&mut to[before..]);
    to.truncate(before + read.as_ref().map_or(0, |bytes| *bytes));
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_later(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.status.is_some() {
            return;
        }
        // Not waited for yet, so its id and that of its group are still its own.
        if let Err(error) = kill_process_group(Pid::from_child(&self.child), Signal::KILL) {
            tracing::warn!(program = self.name, %error, "cannot kill a program of pipe");
        }
        if let Err(error) = self.child.wait() {
            tracing::warn!(program = self.name, %error, "cannot wait for a program of pipe");
        }
    }
}
