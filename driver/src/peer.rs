//! An executor at the other end of a stream: tasks go there and their ends come back, several at a time.
//!
//! One thread listens to it: it hands ends to those who wait for them and answers what tasks ask.

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;
use rsk_executor::DriverLink;
use rsk_proto::{
    BlockEpoch, Cause, FromExecutor, Keeper, ProgramHash, RddId, STREAM_VERSION, ShuffleId, TaskEnd,
    TaskError, TaskId, ToExecutor, ValueId, receive, send,
};
use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::Path,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How often a running task's wish to be killed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A large result comes in parts of so many bytes.
const RESULT_PART_BYTES: u32 = 1 << 20;
/// A killed task that does not stop by itself meanwhile is stopped with its process.
const KILL_GRACE: Duration = Duration::from_secs(30);

/// An executor process, as its driver sees it.
pub(crate) struct Peer {
    to: Mutex<Box<dyn Write + Send>>,
    /// Who waits for the end of which task, or for a part of its result; nothing once the executor is gone.
    waiting: Mutex<Option<HashMap<TaskId, Sender<News>>>>,
}

/// What comes of a task.
#[derive(Debug)]
enum News {
    End(TaskEnd),
    ResultPart(Result<Vec<u8>, Cause>),
}

/// Who answers what the tasks of one executor ask.
pub(crate) trait Answers: Send + Sync + 'static {
    fn link(&self) -> &dyn DriverLink;

    /// It needs a value: now, or when it can be had.
    fn want_value(&self, peer: &Peer, id: ValueId, _is_urgent: bool) -> io::Result<()> {
        peer.say(&ToExecutor::Value(id, self.link().value(id).map(|bytes| bytes.to_vec())))
    }

    /// It has got a large value.
    fn has_value(&self, _: ValueId, _: Option<Keeper>) -> io::Result<()> {
        Ok(())
    }

    /// A task has ended. Given back where somebody waits for it.
    fn ended(&mut self, end: TaskEnd) -> Option<TaskEnd> {
        Some(end)
    }

    /// Tasks have not begun, and will not.
    fn returned(&mut self, _: &[TaskId]) {}

    /// All that has come so far has been heard.
    fn caught_up(&mut self) {}
}

impl Answers for Arc<dyn DriverLink> {
    fn link(&self) -> &dyn DriverLink {
        &**self
    }
}

impl Peer {
    /// An executor that has been welcomed: `from` is what it says. `answers` is who answers its questions; `on_gone` is
    /// called when it has gone.
    pub(crate) fn start(
        from: impl Read + Send + 'static,
        to: impl Write + Send + 'static,
        mut answers: impl Answers,
        on_gone: impl FnOnce() + Send + 'static,
    ) -> io::Result<Arc<Peer>> {
        let waiting = Mutex::new(Some(HashMap::new()));
        let peer = Arc::new(Peer { to: Mutex::new(Box::new(to)), waiting });
        let own = Arc::clone(&peer);
        thread::Builder::new().name("listen".to_owned()).spawn(move || {
            own.listen(from, &mut answers);
            drop(answers);
            on_gone();
        })?;
        Ok(peer)
    }

    /// Runs one task there and waits for its end.
    ///
    /// Errors: the executor has gone, or the task was killed and does not stop: the executor is to be ended then.
    pub(crate) fn run(&self, id: TaskId, task: Vec<u8>, is_killed: &AtomicBool) -> io::Result<TaskEnd> {
        let (end, ended) = bounded(1);
        self.waiting.lock().as_mut().ok_or(io::ErrorKind::UnexpectedEof)?.insert(id, end);
        let outcome = self.wait(id, task, &ended, is_killed);
        self.waiting.lock().as_mut().map(|waiting| waiting.remove(&id));
        outcome
    }

    /// Brings a large result here, where it becomes the file `path`; the executor keeps it no longer.
    ///
    /// Bounds: one part of 1 MiB is under way.
    pub(crate) fn pull(&self, task: TaskId, bytes: u64, path: &Path) -> Result<(), TaskError> {
        let lost = |error: io::Error| TaskError::Lost(format!("its result: {error}"));
        let fail = |error: io::Error| TaskError::io(path, "write", &error);
        let (part, parts) = bounded(1);
        self.waiting
            .lock()
            .as_mut()
            .ok_or_else(|| lost(io::ErrorKind::UnexpectedEof.into()))?
            .insert(task, part);
        let pull = || {
            let mut file = File::create(path).map_err(fail)?;
            let mut offset = 0;
            while offset < bytes {
                self.say(&ToExecutor::WantResult { task, offset, bytes: RESULT_PART_BYTES }).map_err(lost)?;
                let Ok(News::ResultPart(part)) = parts.recv() else {
                    return Err(lost(io::ErrorKind::UnexpectedEof.into()));
                };
                let part = part.map_err(TaskError::Io)?;
                if part.is_empty() {
                    return Err(TaskError::Lost("its result is shorter than it said".to_owned()));
                }
                file.write_all(&part).map_err(fail)?;
                offset += part.len() as u64;
            }
            Ok(())
        };
        let pulled = pull();
        self.waiting.lock().as_mut().map(|waiting| waiting.remove(&task));
        self.drop_result(task);
        if pulled.is_err() {
            fs::remove_file(path).unwrap_or(());
        }
        pulled
    }

    /// The large result of a task is not wanted.
    pub(crate) fn drop_result(&self, task: TaskId) {
        // One that is gone has no result any more.
        self.say(&ToExecutor::DropResult(task)).unwrap_or(());
    }

    fn wait(
        &self,
        id: TaskId,
        task: Vec<u8>,
        ended: &Receiver<News>,
        is_killed: &AtomicBool,
    ) -> io::Result<TaskEnd> {
        self.say(&ToExecutor::Task(id, task))?;
        let mut killed_at = None;
        loop {
            match ended.recv_timeout(LOOK_EVERY) {
                Ok(News::End(end)) => return Ok(end),
                Ok(News::ResultPart(_)) => return Err(io::Error::other("it sent a result before the end")),
                Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(RecvTimeoutError::Timeout) if is_killed.load(Ordering::Relaxed) => {
                    if killed_at.is_none() {
                        self.say(&ToExecutor::Kill(id))?;
                    }
                    if killed_at.get_or_insert_with(Instant::now).elapsed() > KILL_GRACE {
                        return Err(io::Error::other("the killed task did not stop"));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    pub(crate) fn say(&self, message: &ToExecutor) -> io::Result<()> {
        send(message, &mut *self.to.lock())
    }

    /// Says several messages, encoded one after another, at once.
    pub(crate) fn say_all(&self, messages: &[u8]) -> io::Result<()> {
        let mut to = self.to.lock();
        to.write_all(messages)?;
        to.flush()
    }

    /// Nobody waits any more for a task that was given up.
    fn tell(&self, task: TaskId, news: News) {
        let waiting = self.waiting.lock().as_ref().and_then(|waiting| waiting.get(&task).cloned());
        if waiting.is_some_and(|waiting| waiting.try_send(news).is_err()) {
            tracing::debug!(%task, "an executor said more of a task than it was asked");
        }
    }

    fn listen(&self, from: impl Read, answers: &mut impl Answers) {
        let mut from = BufReader::new(from);
        let why = loop {
            let heard = receive(&mut from).and_then(|message| self.heard(message, answers));
            if let Err(error) = heard {
                break error;
            }
            if from.buffer().is_empty() {
                answers.caught_up();
            }
        };
        answers.caught_up();
        tracing::debug!(error = %why, "an executor's stream has ended");
        // Whoever waits hears that nothing will come.
        *self.waiting.lock() = None;
    }

    fn heard(&self, message: FromExecutor, answers: &mut impl Answers) -> io::Result<()> {
        let answer = match message {
            FromExecutor::Ended(end) => {
                if let Some(end) = answers.ended(end) {
                    self.tell(end.attempt.task, News::End(end));
                }
                return Ok(());
            }
            FromExecutor::Returned(tasks) => {
                answers.returned(&tasks);
                return Ok(());
            }
            FromExecutor::ResultPart(task, part) => {
                self.tell(task, News::ResultPart(part));
                return Ok(());
            }
            FromExecutor::WantValue { id, is_urgent } => return answers.want_value(self, id, is_urgent),
            FromExecutor::HasValue(id, keeper) => return answers.has_value(id, keeper),
            FromExecutor::WantMapOutputs(shuffle) => {
                let outputs = answers.link().map_outputs(shuffle).map(|outputs| (*outputs).clone());
                ToExecutor::MapOutputs(shuffle, outputs)
            }
            FromExecutor::Heartbeat => return Ok(()),
            FromExecutor::Hello { .. } => return Err(io::Error::other("it greeted twice")),
        };
        self.say(&answer)
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").finish_non_exhaustive()
    }
}

/// The executors that live.
#[derive(Debug, Default)]
pub(crate) struct Peers(Mutex<Vec<Weak<Peer>>>);

impl Peers {
    pub(crate) fn join(&self, peer: &Arc<Peer>) {
        let mut peers = self.0.lock();
        peers.retain(|peer| peer.strong_count() > 0);
        peers.push(Arc::downgrade(peer));
    }

    /// Tells them what they need not keep any more. One that is gone keeps nothing.
    pub(crate) fn forget(&self, values: &[ValueId], rdds: &[(RddId, BlockEpoch)], shuffles: &[ShuffleId]) {
        let message = || ToExecutor::Forget {
            values: values.to_vec(),
            rdds: rdds.to_vec(),
            shuffles: shuffles.to_vec(),
        };
        let peers: Vec<_> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        for peer in peers {
            if let Err(error) = peer.say(&message()) {
                tracing::debug!(%error, "an executor that should forget something is gone");
            }
        }
    }
}

/// Why an executor that introduces itself like this cannot work for the program `own`.
pub(crate) fn refusal(hello: &FromExecutor, own: ProgramHash) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_build_with_the_same_messages_may_run_tasks() {
        let hello = |version, program| FromExecutor::Hello {
            version,
            program: ProgramHash([program; 32]),
            claim: None,
            blocks_at: None,
        };
        let own = ProgramHash([7; 32]);
        assert_eq!(refusal(&hello(STREAM_VERSION, 7), own), None);
        let why = refusal(&hello(STREAM_VERSION, 8), own).unwrap();
        assert!(why.contains(&own.to_string()) && why.contains(&ProgramHash([8; 32]).to_string()), "{why}");
        assert!(refusal(&hello(STREAM_VERSION + 1, 7), own).unwrap().contains("version"));
        assert!(refusal(&FromExecutor::Heartbeat, own).is_some());
    }
}
