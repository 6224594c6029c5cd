//! An executor as a process of its own: it runs one task after another until its driver hangs up.
//!
//! One thread listens, so that a kill is heard while a task runs; the caller's thread runs the tasks.

use crate::{DriverLink, Executor, ExecutorConfig, Program, WorkDir};
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;
use rsk_proto::{
    Cause, FromExecutor, MapOutputs, ProgramHash, STREAM_VERSION, ShuffleId, TaskError, ToExecutor, ValueId,
    receive, send,
};
use std::{
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// An executor process cannot work for its driver.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The driver cannot be reached, or spoke nonsense.
    #[error("cannot talk to the driver")]
    Stream(#[from] io::Error),
    /// The driver does not want this executor.
    #[error("the driver refused this executor: {0}")]
    Refused(String),
}

/// A task, and whether it is still wanted.
type Wanted = (Vec<u8>, Arc<AtomicBool>);

/// Introduces itself as a program with this hash, and runs the driver's tasks with `program` until the driver hangs up.
pub fn serve(
    mut from: impl Read + Send + 'static,
    to: impl Write + Send + 'static,
    hash: ProgramHash,
    program: Program,
) -> Result<(), ProcessError> {
    let link = Arc::new(Link { to: Mutex::new(Box::new(to)), answers: Mutex::new(None) });
    link.say(&FromExecutor::Hello { version: STREAM_VERSION, program: hash })?;
    let (config, work_dir) = match receive(&mut from)? {
        ToExecutor::Welcome { memory, slots, work_dir } => (ExecutorConfig { slots, memory }, work_dir),
        ToExecutor::Refused { why } => return Err(ProcessError::Refused(why)),
        _ => return Err(io::Error::other("the driver did not answer the greeting").into()),
    };
    let driver = Arc::clone(&link) as Arc<dyn DriverLink>;
    let executor = Executor::new(config, program, driver, WorkDir::of_another(work_dir));
    // One task runs and at most one answer is awaited at a time.
    let (tasks, to_run) = bounded::<Wanted>(1);
    let (answers, answered) = bounded(1);
    *link.answers.lock() = Some(answered);
    let listener = thread::Builder::new().name("listen".to_owned());
    let own = Arc::clone(&executor);
    listener.spawn(move || listen(&mut from, &own, &tasks, &answers))?;
    for (task, is_killed) in to_run {
        let end = executor.run(&task, is_killed).map_err(io::Error::other)?;
        link.say(&FromExecutor::Ended(end))?;
    }
    Ok(())
}

/// Passes on what the driver says until it hangs up.
fn listen(from: &mut impl Read, executor: &Executor, tasks: &Sender<Wanted>, answers: &Sender<ToExecutor>) {
    let mut running = Arc::<AtomicBool>::default();
    while let Ok(message) = receive(from) {
        let is_heard = match message {
            ToExecutor::Task(task) => {
                running = Arc::default();
                tasks.send((task, Arc::clone(&running))).is_ok()
            }
            ToExecutor::Kill => {
                running.store(true, Ordering::Relaxed);
                true
            }
            ToExecutor::Forget { values, rdds } => {
                for id in values {
                    executor.remove_value(id);
                }
                for rdd in rdds {
                    executor.blocks().remove(rdd);
                }
                true
            }
            answer => answers.send(answer).is_ok(),
        };
        if !is_heard {
            return;
        }
    }
    running.store(true, Ordering::Relaxed);
    // Nobody wants what a task that does not look still does: it goes with its driver.
    std::process::exit(1)
}

/// The driver at the other end of the stream.
struct Link {
    to: Mutex<Box<dyn Write + Send>>,
    answers: Mutex<Option<Receiver<ToExecutor>>>,
}

impl Link {
    fn say(&self, message: &FromExecutor) -> io::Result<()> {
        send(message, &mut *self.to.lock())
    }

    /// Asks and waits; one question at a time.
    fn ask(&self, question: &FromExecutor) -> Result<ToExecutor, Cause> {
        let gone = || Cause::new("the driver has hung up");
        let answers = self.answers.lock();
        self.say(question).map_err(|error| Cause::of(&error))?;
        answers.as_ref().ok_or_else(gone)?.recv().map_err(|_| gone())
    }
}

impl DriverLink for Link {
    fn value(&self, id: ValueId) -> Result<Arc<[u8]>, Cause> {
        match self.ask(&FromExecutor::WantValue(id))? {
            ToExecutor::Value(value) => value.map(Into::into),
            _ => Err(Cause::new("the driver answered another question")),
        }
    }

    fn map_outputs(&self, shuffle: ShuffleId) -> Result<Arc<MapOutputs>, TaskError> {
        match self.ask(&FromExecutor::WantMapOutputs(shuffle)) {
            Ok(ToExecutor::MapOutputs(outputs)) => outputs.map(Arc::new),
            Ok(_) => Err(TaskError::Lost("the driver answered another question".to_owned())),
            Err(cause) => Err(TaskError::Lost(cause.message)),
        }
    }
}
