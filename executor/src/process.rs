//! An executor as a process of its own: its slots run the driver's tasks until the driver hangs up.
//!
//! One thread listens, so that a kill is heard while tasks run; a thread a slot runs them.

mod outbox;
mod queue;
mod values;

use self::{
    outbox::Outbox,
    queue::{Queue, Wanted},
    values::SharedValues,
};
use crate::{
    DriverLink, Executor, ExecutorConfig, Program, WorkDir, WorkDirError,
    block::BlockServer,
    shuffle::{Connections, folder},
};
use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;
use rsk_proto::{
    Cause, ExecutorStart, FromExecutor, HEARTBEAT_EVERY, Keeper, MapOutputs, ProgramHash, STREAM_VERSION,
    ShuffleId, TaskError, TaskId, ToExecutor, VALUE_SHARED_FROM, ValueId, receive,
};
use rsk_storage::{Storage, StorageConfig};
use std::{
    collections::{HashMap, VecDeque},
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::Arc,
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
    /// Its folders cannot be used.
    #[error(transparent)]
    WorkDir(#[from] WorkDirError),
}

/// What a process is, as an executor.
#[derive(Debug)]
pub struct Process {
    /// The program it runs.
    pub hash: ProgramHash,
    /// How the program finds what a task names.
    pub program: Program,
    /// The stack of a slot.
    pub stack_bytes: usize,
    /// What the agent said that started it; nothing when the driver did.
    pub start: Option<ExecutorStart>,
    /// Where it gives cached blocks to other executors; nothing where it keeps them to itself.
    pub blocks: Option<TcpListener>,
}

/// Introduces itself, and runs the driver's tasks until the driver hangs up.
///
/// Bounds: [`TASKS_AHEAD_MAX`](rsk_proto::TASKS_AHEAD_MAX) tasks a slot are under way, one question a slot.
pub fn serve(
    mut from: impl Read + Send + 'static,
    to: impl Write + Send + 'static,
    Process { hash, program, stack_bytes, start, blocks }: Process,
) -> Result<(), ProcessError> {
    let keeper = start.as_ref().map(|start| Keeper {
        agent: start.agent,
        framework: start.framework,
        serves_at: start.serves_at.clone(),
    });
    let shared = start.as_ref().zip(keeper.clone()).map(|(start, keeper)| SharedValues {
        shuffles: start.shuffles.clone(),
        keeper,
        connections: Connections::default(),
    });
    let link = Arc::new(Link { to: Outbox::start(to)?, waiting: Mutex::default(), shared });
    let claim = start.as_ref().map(|start| (start.executor, start.token.clone()));
    let blocks_at = blocks.as_ref().map(TcpListener::local_addr).transpose()?.map(|at| at.to_string());
    link.say(&FromExecutor::Hello { version: STREAM_VERSION, program: hash, claim, blocks_at })?;
    let (config, work_dir, secret, storage) = match receive(&mut from)? {
        ToExecutor::Welcome { memory, slots, work_dir, secret, storage } => {
            (ExecutorConfig { slots, memory }, work_dir, secret, storage)
        }
        ToExecutor::Refused { why } => return Err(ProcessError::Refused(why)),
        _ => return Err(io::Error::other("the driver did not answer the greeting").into()),
    };
    let driver = Arc::clone(&link) as Arc<dyn DriverLink>;
    let work_dir = match &start {
        Some(start) => WorkDir::in_sandbox(&start.sandbox, &start.shuffles)?,
        None => WorkDir::of_another(work_dir),
    };
    let is_of_agent = start.is_some();
    let storage = storage.open::<StorageConfig>().map_err(io::Error::other)?;
    let executor = Executor::new(config, program, driver, work_dir, keeper, Storage::new(storage));
    secret.inspect(|secret| executor.holders().introduce(*secret));
    let gives = blocks.zip(secret).map(|(at, secret)| BlockServer::start(at, executor.blocks(), secret));
    let _gives = gives.transpose()?;
    let slots = config.slots.max(1) as usize;
    let queue = Arc::new(Queue::new(slots));
    let (end, ended) = bounded(slots);
    for slot in 0..slots {
        let serve =
            Slot { executor: Arc::clone(&executor), link: Arc::clone(&link), queue: Arc::clone(&queue) };
        let end = end.clone();
        let builder = thread::Builder::new().name(format!("slot-{slot}")).stack_size(stack_bytes);
        builder.spawn(move || end.send(serve.run()))?;
    }
    if is_of_agent {
        let link = Arc::clone(&link);
        let beat = move || {
            // The slots end, and the process with them, when nobody hears it any more.
            while link.say(&FromExecutor::Heartbeat).is_ok() {
                thread::sleep(HEARTBEAT_EVERY);
            }
        };
        thread::Builder::new().name("heartbeat".to_owned()).spawn(beat)?;
    }
    let listener = Listener { executor, link, queue };
    thread::Builder::new().name("listen".to_owned()).spawn(move || listener.run(from))?;
    // A slot ends only when it cannot talk to the driver any more.
    ended.recv().unwrap_or(Ok(())).map_err(ProcessError::Stream)
}

struct Slot {
    executor: Arc<Executor>,
    link: Arc<Link>,
    queue: Arc<Queue>,
}

impl Slot {
    fn run(self) -> io::Result<()> {
        loop {
            let Wanted { id, task, is_killed } = self.queue.take();
            let end = FromExecutor::Ended(self.executor.run(&task, is_killed).map_err(io::Error::other)?);
            // The driver waits for the last one.
            if self.queue.ended(id) { self.link.to.say_soon(&end)? } else { self.link.say(&end)? }
        }
    }
}

struct Listener {
    executor: Arc<Executor>,
    link: Arc<Link>,
    queue: Arc<Queue>,
}

impl Listener {
    /// Passes on what the driver says until it hangs up.
    fn run(self, from: impl Read) {
        let mut from = BufReader::new(from);
        while let Ok(message) = receive(&mut from) {
            if !self.heard(message) {
                break;
            }
        }
        // Nobody wants what tasks that do not look still do: they go with their driver.
        std::process::exit(1)
    }

    fn heard(&self, message: ToExecutor) -> bool {
        match message {
            // Full means that the driver sends more than it may.
            ToExecutor::Task(id, task) => return self.queue.push(id, task),
            ToExecutor::Kill(id) => self.queue.kill(id),
            ToExecutor::TakeBack(ids) => {
                return self.link.say(&FromExecutor::Returned(self.queue.take_back(&ids))).is_ok();
            }
            ToExecutor::Forget { values, rdds, shuffles } => {
                for id in values {
                    self.executor.remove_value(id);
                    self.link.shared.as_ref().inspect(|shared| shared.forget(id));
                }
                for (rdd, before) in rdds {
                    self.executor.blocks().remove(rdd, before);
                }
                for shuffle in shuffles {
                    let folder = folder(&self.executor.work_dir().shuffle(), shuffle);
                    // Another executor of the same agent may have been faster.
                    fs::remove_dir_all(folder).unwrap_or(());
                }
            }
            ToExecutor::WantResult { task, offset, bytes } => {
                let part = self.result_part(task, offset, bytes).map_err(|error| Cause::of(&error));
                return self.link.say(&FromExecutor::ResultPart(task, part)).is_ok();
            }
            ToExecutor::DropResult(task) => fs::remove_file(self.result(task)).unwrap_or(()),
            ToExecutor::Value(id, _) | ToExecutor::ValueAt(id, _) => {
                return self.link.answered(Question::Value(id), message);
            }
            ToExecutor::MapOutputs(id, _) => return self.link.answered(Question::MapOutputs(id), message),
            ToExecutor::Welcome { .. } | ToExecutor::Refused { .. } => return false,
        }
        true
    }
}

impl Listener {
    fn result(&self, task: TaskId) -> PathBuf {
        self.executor.work_dir().result().join(task.to_string())
    }

    fn result_part(&self, task: TaskId, offset: u64, bytes: u32) -> io::Result<Vec<u8>> {
        let file = File::open(self.result(task))?;
        let left = file.metadata()?.len().saturating_sub(offset).min(u64::from(bytes));
        let mut part = vec![0; rsk_proto::to_usize(left)];
        file.read_exact_at(&mut part, offset)?;
        Ok(part)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    Value(ValueId),
    MapOutputs(ShuffleId),
}

/// The driver at the other end of the stream.
struct Link {
    to: Arc<Outbox>,
    /// Who waits for an answer, by question: of several who ask the same, the first gets the first answer.
    waiting: Mutex<HashMap<Question, VecDeque<Sender<ToExecutor>>>>,
    /// Values that the agent keeps; nothing where there is no agent.
    shared: Option<SharedValues>,
}

impl Link {
    fn say(&self, message: &FromExecutor) -> io::Result<()> {
        self.to.say(message)
    }

    fn ask(&self, question: Question, is_urgent: bool) -> Result<ToExecutor, Cause> {
        let (answer, answered) = bounded(1);
        self.waiting.lock().entry(question).or_default().push_back(answer);
        let said = self.say(&match question {
            Question::Value(id) => FromExecutor::WantValue { id, is_urgent },
            Question::MapOutputs(shuffle) => FromExecutor::WantMapOutputs(shuffle),
        });
        said.map_err(|error| Cause::of(&error))?;
        answered.recv().map_err(|_| Cause::new("the driver has hung up"))
    }

    /// False where nobody asked.
    fn answered(&self, question: Question, answer: ToExecutor) -> bool {
        let mut waiting = self.waiting.lock();
        let first = waiting.get_mut(&question).and_then(VecDeque::pop_front);
        if waiting.get(&question).is_some_and(VecDeque::is_empty) {
            waiting.remove(&question);
        }
        first.is_some_and(|first| first.send(answer).is_ok())
    }
}

impl Link {
    /// The outer error is the stream's, the inner one the driver's.
    fn ask_driver(&self, id: ValueId, is_urgent: bool) -> Result<Result<Vec<u8>, Cause>, Cause> {
        match self.ask(Question::Value(id), is_urgent)? {
            ToExecutor::Value(_, value) => Ok(value),
            _ => Err(Cause::new("the driver answered another question")),
        }
    }
}

impl DriverLink for Link {
    fn value(&self, id: ValueId) -> Result<Arc<[u8]>, Cause> {
        let Some(shared) = &self.shared else { return self.ask_driver(id, false)?.map(Into::into) };
        if let Some(here) = shared.here(id) {
            return Ok(here.into());
        }
        let value = match self.ask(Question::Value(id), false)? {
            ToExecutor::Value(_, value) => value?,
            ToExecutor::ValueAt(_, at) => match shared.fetch(id, &at) {
                Ok(value) => value,
                Err(cause) => {
                    tracing::debug!(%cause, "a value is not where the driver said");
                    self.ask_driver(id, true)??
                }
            },
            _ => return Err(Cause::new("the driver answered another question")),
        };
        if value.len() >= VALUE_SHARED_FROM {
            let has = FromExecutor::HasValue(id, shared.keep(id, &value));
            self.say(&has).map_err(|error| Cause::of(&error))?;
        }
        Ok(value.into())
    }

    fn map_outputs(&self, shuffle: ShuffleId) -> Result<Arc<MapOutputs>, TaskError> {
        match self.ask(Question::MapOutputs(shuffle), false) {
            Ok(ToExecutor::MapOutputs(_, outputs)) => outputs.map(Arc::new),
            Ok(_) => Err(TaskError::Lost("the driver answered another question".to_owned())),
            Err(cause) => Err(TaskError::Lost(cause.message)),
        }
    }
}
