//! Executor processes that this driver starts: the same program, asked by its first argument to be an executor.
//!
//! A child talks through its standard input, which is one end of a socket pair: nobody else can dial in, and when either
//! side dies the other sees the stream end.

use crate::{image, local::STACK_BYTES};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use parking_lot::Mutex;
use rsk_executor::{DriverLink, Executor, ProcessError};
use rsk_proto::{
    FromExecutor, ProgramHash, RddId, STREAM_VERSION, TaskEnd, TaskError, ToExecutor, ValueId, receive, send,
};
use std::{
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The first argument of a process that is to be an executor.
const ASKED: &str = "--rsk-executor";
/// How often a running task's wish to be killed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A process that says nothing for so long will not do so any more.
const GREETING_TIMEOUT: Duration = Duration::from_mins(1);
/// A killed task that does not stop by itself meanwhile is stopped with its process.
const KILL_GRACE: Duration = Duration::from_secs(30);

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
        let slot = thread::Builder::new().stack_size(STACK_BYTES).spawn(serve);
        let outcome = slot.map(thread::JoinHandle::join);
        std::process::exit(match outcome {
            Ok(Ok(Ok(()))) => 0,
            Ok(Ok(Err(error))) => {
                // Whoever started it hears why; a closed stderr changes nothing.
                writeln!(io::stderr(), "executor: {error}").unwrap_or(());
                1
            }
            _ => 1,
        })
    }
}

/// Was this process started as an executor?
pub(crate) fn is_asked() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == ASKED)
}

fn serve() -> Result<(), ProcessError> {
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // User code that reads its input must not read the driver's messages.
    let nothing = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing).map_err(io::Error::from)?;
    if let Some(claim) = std::env::args().nth(2) {
        image::believe(&claim);
    }
    let hash = image::hash()?;
    rsk_executor::serve(stream.try_clone()?, stream, hash, crate::rdd::action::run_task)
}

/// A slot whose tasks run in a process of its own, started when the first task comes and again after it died.
pub(crate) struct ChildSlot {
    executor: Arc<Executor>,
    link: Arc<dyn DriverLink>,
    process: Option<ExecutorProcess>,
    forgotten: Arc<Forgotten>,
}

/// What an executor process need not keep any more: it hears of it with its next task.
#[derive(Debug, Default)]
pub(crate) struct Forgotten(Mutex<(Vec<ValueId>, Vec<RddId>)>);

impl Forgotten {
    pub(crate) fn value(&self, id: ValueId) {
        self.0.lock().0.push(id);
    }

    pub(crate) fn blocks(&self, rdd: RddId) {
        self.0.lock().1.push(rdd);
    }

    fn take(&self) -> Option<ToExecutor> {
        let (values, rdds) = std::mem::take(&mut *self.0.lock());
        (!values.is_empty() || !rdds.is_empty()).then_some(ToExecutor::Forget { values, rdds })
    }
}

struct ExecutorProcess {
    child: Child,
    to: UnixStream,
    said: Receiver<io::Result<FromExecutor>>,
}

impl ChildSlot {
    /// A slot with the sizes and the work directory of `executor`; `link` answers what its tasks ask.
    pub(crate) fn new(executor: Arc<Executor>, link: Arc<dyn DriverLink>) -> Self {
        ChildSlot { executor, link, process: None, forgotten: Arc::default() }
    }

    pub(crate) fn forgotten(&self) -> &Arc<Forgotten> {
        &self.forgotten
    }

    /// Runs one task.
    ///
    /// Errors: [`TaskError::Lost`] when the process cannot be started or dies under the task.
    pub(crate) fn run(&mut self, task: Vec<u8>, is_killed: &AtomicBool) -> Result<TaskEnd, TaskError> {
        let mut process = if let Some(process) = self.process.take() {
            process
        } else {
            // A new one has nothing to forget.
            self.forgotten.take();
            self.start(is_killed).map_err(|error| TaskError::Lost(format!("no executor process: {error}")))?
        };
        let forget = self.forgotten.take();
        let end = process.run(forget, task, is_killed, &*self.link);
        match end {
            Ok(end) => {
                self.process = Some(process);
                Ok(end)
            }
            Err(error) => Err(TaskError::Lost(format!("its executor process {}: {error}", process.fate()))),
        }
    }

    fn start(&self, is_killed: &AtomicBool) -> io::Result<ExecutorProcess> {
        let (to, theirs) = UnixStream::pair()?;
        let child = image::command()
            .arg(ASKED)
            .arg(image::claim()?)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()?;
        let mut process = ExecutorProcess { child, said: listen(to.try_clone()?)?, to };
        let hello = process.greeting(is_killed)?;
        if let Some(why) = refusal(&hello, image::hash()?) {
            send(&ToExecutor::Refused { why: why.clone() }, &mut process.to)?;
            return Err(io::Error::other(why));
        }
        let config = self.executor.config();
        let welcome = ToExecutor::Welcome {
            memory: config.memory,
            slots: config.slots,
            work_dir: self.executor.work_dir().path().to_owned(),
        };
        send(&welcome, &mut process.to)?;
        Ok(process)
    }
}

/// Why an executor that introduces itself like this cannot work for the program `own`.
fn refusal(hello: &FromExecutor, own: ProgramHash) -> Option<String> {
    match hello {
        FromExecutor::Hello { version, .. } if *version != STREAM_VERSION => {
            Some(format!("it speaks version {version} of the messages, its driver {STREAM_VERSION}"))
        }
        FromExecutor::Hello { program, .. } if *program != own => {
            Some(format!("it is program {program}, its driver {own}: both must be the same build"))
        }
        FromExecutor::Hello { .. } => None,
        _ => Some("it did not say who it is".to_owned()),
    }
}

/// A thread that passes on what the process says; it ends with the stream.
fn listen(mut from: UnixStream) -> io::Result<Receiver<io::Result<FromExecutor>>> {
    let (say, said) = bounded(1);
    thread::Builder::new().name("listen".to_owned()).spawn(move || {
        loop {
            let message = receive(&mut from);
            let is_last = message.is_err();
            if say.send(message).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(said)
}

impl ExecutorProcess {
    /// Its first message. A program may do other things first, but not for ever.
    fn greeting(&self, is_killed: &AtomicBool) -> io::Result<FromExecutor> {
        const REMEDY: &str = "call rsk::executor_if_asked() first in the program's main";
        let until = Instant::now() + GREETING_TIMEOUT;
        loop {
            match self.said.recv_timeout(LOOK_EVERY) {
                Err(RecvTimeoutError::Timeout) if is_killed.load(Ordering::Relaxed) => {
                    return Err(io::Error::other("its task is not wanted any more"));
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() > until => {
                    let why = format!("it did not say who it is: {REMEDY}");
                    return Err(io::Error::new(io::ErrorKind::TimedOut, why));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Err(error)) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
                Ok(Ok(hello)) => return Ok(hello),
                Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::other(format!("it ended without a word: {REMEDY}")));
                }
            }
        }
    }

    fn run(
        &mut self,
        forget: Option<ToExecutor>,
        task: Vec<u8>,
        is_killed: &AtomicBool,
        link: &dyn DriverLink,
    ) -> io::Result<TaskEnd> {
        if let Some(forget) = forget {
            send(&forget, &mut self.to)?;
        }
        send(&ToExecutor::Task(task), &mut self.to)?;
        let mut killed_at = None;
        loop {
            let message = match self.said.recv_timeout(LOOK_EVERY) {
                Ok(message) => message?,
                Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(RecvTimeoutError::Timeout) => {
                    if is_killed.load(Ordering::Relaxed) {
                        if killed_at.is_none() {
                            send(&ToExecutor::Kill, &mut self.to)?;
                        }
                        if killed_at.get_or_insert_with(Instant::now).elapsed() > KILL_GRACE {
                            return Err(io::Error::other("the killed task did not stop"));
                        }
                    }
                    continue;
                }
            };
            let answer = match message {
                FromExecutor::Ended(end) => return Ok(end),
                FromExecutor::WantValue(id) => ToExecutor::Value(link.value(id).map(|bytes| bytes.to_vec())),
                FromExecutor::WantMapOutputs(shuffle) => {
                    ToExecutor::MapOutputs(link.map_outputs(shuffle).map(|outputs| (*outputs).clone()))
                }
                FromExecutor::Hello { .. } => return Err(io::Error::other("it greeted twice")),
            };
            send(&answer, &mut self.to)?;
        }
    }

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
        if self.child.kill().and_then(|()| self.child.wait()).is_err() {
            tracing::warn!(pid = self.child.id(), "cannot stop an executor process");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_build_with_the_same_messages_may_run_tasks() {
        let hello = |version, program| FromExecutor::Hello { version, program: ProgramHash([program; 32]) };
        let own = ProgramHash([7; 32]);
        assert_eq!(refusal(&hello(STREAM_VERSION, 7), own), None);
        let why = refusal(&hello(STREAM_VERSION, 8), own).unwrap();
        assert!(why.contains(&own.to_string()) && why.contains(&ProgramHash([8; 32]).to_string()), "{why}");
        assert!(refusal(&hello(STREAM_VERSION + 1, 7), own).unwrap().contains("version"));
        assert!(refusal(&FromExecutor::WantValue(rsk_proto::ValueId([0; 32])), own).is_some());
    }
}
