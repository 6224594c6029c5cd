//! Executor processes that this driver starts: the same program, asked by its first argument to be an executor.
//!
//! A child talks through its standard input, which is one end of a socket pair: nobody else can dial in, and when either
//! side dies the other sees the stream end.

use crate::{
    files, image,
    local::STACK_BYTES,
    peer::{Peer, Peers, refusal},
};
use rsk_executor::{DriverLink, Executor, Process, ProcessError, block};
use rsk_proto::{
    ByteSize, EXECUTOR_ARGUMENT, EXECUTOR_PROGRAM, EXECUTOR_START, ExecutorStart, Sealed, TaskEnd, TaskError,
    TaskId, ToExecutor, receive, send,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::TcpStream,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The first argument of a process that is to be an executor.
const ASKED: &str = EXECUTOR_ARGUMENT;
/// How often a process that has not greeted yet is looked at.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// A process that says nothing for so long will not do so any more.
const GREETING_TIMEOUT: Duration = Duration::from_mins(1);
const REMEDY: &str = "call rsk::executor_if_asked() first in the program's main";

/// Becomes an executor and never returns, if a driver started this process as one. To be called first in a `main` that
/// does not call [`run`](crate::run) first.
///
/// ```
/// rsk::executor_if_asked(); // goes on here: nobody asked
/// let ctx = rsk::Context::new("local")?;
/// # Ok::<(), rsk::Error>(())
/// ```
pub fn executor_if_asked() {
    if is_asked() {
        std::process::exit(match serve() {
            Ok(()) => 0,
            Err(error) => {
                // Whoever started it hears why; a closed stderr changes nothing.
                writeln!(io::stderr(), "executor: {error}").unwrap_or(());
                1
            }
        })
    }
}

/// Was this process started as an executor?
pub(crate) fn is_asked() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == ASKED)
}

fn serve() -> Result<(), ProcessError> {
    if let Ok(start) = std::env::var(EXECUTOR_START) {
        return serve_agent(&start);
    }
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // User code that reads its input must not read the driver's messages.
    let nothing = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing).map_err(io::Error::from)?;
    if let Some(claim) = std::env::args().nth(2) {
        image::believe(&claim);
    }
    let program = crate::rdd::action::run_task;
    let process =
        Process { hash: image::hash()?, program, stack_bytes: STACK_BYTES, start: None, blocks: None };
    rsk_executor::serve(stream.try_clone()?, stream, process)
}

/// The executor that an agent started: it dials the driver.
fn serve_agent(start: &str) -> Result<(), ProcessError> {
    let start: ExecutorStart = ExecutorStart::from_text(start).map_err(io::Error::other)?;
    let stream = TcpStream::connect(&start.driver)?;
    stream.set_nodelay(true)?;
    let program = crate::rdd::action::run_task;
    // Without a port, others make this executor's blocks again.
    let blocks = block::bind(stream.local_addr()?.ip(), &start.serves_at);
    let blocks = blocks.inspect_err(|error| tracing::warn!(%error, "no port to give cached blocks at")).ok();
    if let Ok(claim) = std::env::var(EXECUTOR_PROGRAM) {
        image::believe(&claim);
    }
    let hash = image::hash()?;
    let process = Process { hash, program, stack_bytes: STACK_BYTES, start: Some(start), blocks };
    rsk_executor::serve(stream.try_clone()?, stream, process)
}

/// A slot whose tasks run in a process of its own, started when the first task comes and again after it died.
pub(crate) struct ChildSlot {
    executor: Arc<Executor>,
    link: Arc<dyn DriverLink>,
    peers: Arc<Peers>,
    files: BTreeMap<String, PathBuf>,
    process: Option<ExecutorProcess>,
}

struct ExecutorProcess {
    child: Child,
    peer: Arc<Peer>,
}

impl ChildSlot {
    /// A slot with its part of the memory of `executor`, and its work directory; `link` answers what its tasks ask.
    pub(crate) fn new(
        executor: Arc<Executor>,
        link: Arc<dyn DriverLink>,
        peers: Arc<Peers>,
        files: BTreeMap<String, PathBuf>,
    ) -> Self {
        ChildSlot { executor, link, peers, files, process: None }
    }

    /// Runs one task.
    ///
    /// Errors: [`TaskError::Lost`] when the process cannot be started or dies under the task.
    pub(crate) fn run(
        &mut self,
        id: TaskId,
        task: Vec<u8>,
        is_killed: &AtomicBool,
    ) -> Result<TaskEnd, TaskError> {
        let mut process = if let Some(process) = self.process.take() {
            process
        } else {
            self.start(is_killed).map_err(|error| TaskError::Lost(format!("no executor process: {error}")))?
        };
        match process.peer.run(id, task, is_killed) {
            Ok(end) => {
                self.process = Some(process);
                Ok(end)
            }
            Err(error) => Err(TaskError::Lost(format!("its executor process {}: {error}", process.fate()))),
        }
    }

    fn start(&self, is_killed: &AtomicBool) -> io::Result<ExecutorProcess> {
        let (mut to, theirs) = UnixStream::pair()?;
        let mut command = image::command();
        command.env(files::OF_CHILD, files::to_text(&self.files));
        command.arg(ASKED).arg(image::claim()?).stdin(Stdio::from(OwnedFd::from(theirs)));
        let mut child = Unwelcome(Some(command.spawn()?));
        // The command holds the other end of the stream, too.
        drop(command);
        wait_for_greeting(&to, is_killed)?;
        let hello = receive(&mut to).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other(format!("it ended without a word: {REMEDY}")),
            _ => error,
        })?;
        if let Some(why) = refusal(&hello, image::hash()?) {
            send(&ToExecutor::Refused { why: why.clone() }, &mut to)?;
            return Err(io::Error::other(why));
        }
        let config = self.executor.config();
        let welcome = ToExecutor::Welcome {
            memory: ByteSize(config.memory.0 / u64::from(config.slots.max(1))),
            slots: 1,
            work_dir: self.executor.work_dir().path().to_owned(),
            secret: None,
            storage: Sealed::of(self.executor.storage().config()).map_err(io::Error::other)?,
        };
        send(&welcome, &mut to)?;
        let peer = Peer::start(to.try_clone()?, to, Arc::clone(&self.link), || ())?;
        self.peers.join(&peer);
        let child = child.0.take().ok_or_else(|| io::Error::other("it is gone"))?;
        Ok(ExecutorProcess { child, peer })
    }
}

/// A program may do other things before its first message, but not for ever.
fn wait_for_greeting(from: &UnixStream, is_killed: &AtomicBool) -> io::Result<()> {
    let until = Instant::now() + GREETING_TIMEOUT;
    while poll(&mut [PollFd::new(from, PollFlags::IN)], Some(&LOOK_EVERY))? == 0 {
        if is_killed.load(Ordering::Relaxed) {
            return Err(io::Error::other("its task is not wanted any more"));
        }
        if Instant::now() > until {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it did not say who it is: {REMEDY}"),
            ));
        }
    }
    Ok(())
}

/// A process that has been started and is ended again unless it comes to be welcome.
struct Unwelcome(Option<Child>);

impl Drop for Unwelcome {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    if child.kill().and_then(|()| child.wait()).is_err() {
        tracing::warn!(pid = child.id(), "cannot stop an executor process");
    }
}

impl ExecutorProcess {
    /// Makes sure that it is gone, and says how it went.
    fn fate(&mut self) -> String {
        let gone = self.child.kill().and_then(|()| self.child.wait());
        gone.map_or_else(
            |error| format!("cannot be stopped ({error})"),
            |status| format!("ended by {status}"),
        )
    }
}

impl Drop for ExecutorProcess {
    fn drop(&mut self) {
        // It ends by itself when the stream does; one that is stuck in a task is not waited for.
        end(&mut self.child);
    }
}
