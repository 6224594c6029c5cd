//! Brings tasks to one executor, many at a time where they are short, and looks after those that it has.

use super::crew::Crew;
use crate::{
    dispatch::Work,
    local::guarded,
    peer::Peer,
    place::{Heard, Place},
};
use parking_lot::Mutex;
use rsk_proto::{Cause, TaskAttempt, TaskEnd, TaskError, TaskId, TaskMetrics, ToExecutor, put_message};
use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How often the tasks that it has are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A killed task that does not stop by itself meanwhile is stopped with its executor.
const KILL_GRACE: Duration = Duration::from_secs(30);
/// So many tasks are brought at once, where they are small.
const TASKS_MAX: usize = 64;
/// So many bytes are brought at once, as far as the size of tasks is foreseen.
const BYTES_MAX: usize = 1 << 20;

/// The tasks that an executor has; none any more when it is gone.
#[derive(Debug)]
pub(super) struct Underway(Mutex<Option<BTreeMap<TaskId, Carried>>>);

#[derive(Debug)]
struct Carried {
    attempt: TaskAttempt,
    is_killed: Arc<AtomicBool>,
    killed_at: Option<Instant>,
}

impl Underway {
    pub(super) fn new() -> Self {
        Underway(Mutex::new(Some(BTreeMap::new())))
    }

    /// False when the executor is gone.
    fn begin(&self, attempt: TaskAttempt, is_killed: Arc<AtomicBool>) -> bool {
        let carried = Carried { attempt, is_killed, killed_at: None };
        self.0.lock().as_mut().map(|tasks| tasks.insert(attempt.task, carried)).is_some()
    }

    /// It has this task no more: which it was, and whether it is not wanted. Nothing when it had not.
    pub(super) fn end(&self, id: TaskId) -> Option<(TaskAttempt, Arc<AtomicBool>)> {
        self.0.lock().as_mut()?.remove(&id).map(|carried| (carried.attempt, carried.is_killed))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().as_ref().is_none_or(BTreeMap::is_empty)
    }

    /// The executor is gone, and these are lost.
    pub(super) fn close(&self, why: &str) -> Vec<Heard> {
        let lost = self.0.lock().take().unwrap_or_default().into_values();
        lost.map(|carried| failed(carried.attempt, TaskError::Lost(why.to_owned()))).collect()
    }
}

/// One that has ended without a word from its executor.
fn failed(attempt: TaskAttempt, error: TaskError) -> Heard {
    Heard::Ended(TaskEnd {
        attempt,
        outcome: Err(error),
        accumulators: Vec::new(),
        blocks: Vec::new(),
        metrics: TaskMetrics::default(),
    })
}

/// What brings tasks to one executor.
pub(super) struct Carrier {
    pub(super) crew: Arc<Crew>,
    pub(super) place: Arc<Place>,
    pub(super) peer: Arc<Peer>,
    pub(super) underway: Arc<Underway>,
}

impl Carrier {
    /// Until the executor is given back or gone, or nobody has work any more.
    pub(super) fn run(self) {
        let mut look_at = Instant::now() + LOOK_EVERY;
        let mut most = TASKS_MAX;
        while let Some(works) = self.crew.dispatch.turns(&self.place, look_at, most) {
            let mut outcome = self.bring(works, &mut most);
            if Instant::now() >= look_at {
                outcome = outcome.and_then(|()| self.look());
                look_at = Instant::now() + LOOK_EVERY;
            }
            if let Err(error) = outcome {
                self.crew.lose(&self.place);
                self.crew.dispatch.report(&self.place, self.underway.close(&self.why(&error)));
            }
        }
    }

    fn why(&self, error: &io::Error) -> String {
        format!("its {}: {error}", self.place.id)
    }

    /// Sends tasks; `most` becomes how many of their size are sent at once next time.
    fn bring(&self, works: Vec<Work>, most: &mut usize) -> io::Result<()> {
        if works.is_empty() {
            return Ok(());
        }
        let (mut bytes, mut unsent, count) = (Vec::new(), Vec::new(), works.len());
        let (mut sent_bytes, mut outcome) = (0, Ok(()));
        for work in works {
            let (attempt, is_killed) = (work.attempt, Arc::clone(&work.is_killed));
            let task = guarded("encoding a task", || work.encode()).and_then(|task| task);
            let put = task.and_then(|task| {
                put_message(&ToExecutor::Task(attempt.task, task), &mut bytes)
                    .map_err(|error| TaskError::Io(Cause::of(&error)))
            });
            if let Err(error) = put {
                unsent.push(failed(attempt, error));
            } else if !self.underway.begin(attempt, is_killed) {
                let why = self.why(&io::ErrorKind::UnexpectedEof.into());
                unsent.push(failed(attempt, TaskError::Lost(why)));
            }
            if bytes.len() >= BYTES_MAX && outcome.is_ok() {
                sent_bytes += bytes.len();
                outcome = self.peer.say_all(&bytes);
                bytes.clear();
            }
        }
        if !unsent.is_empty() {
            self.crew.dispatch.report(&self.place, unsent);
        }
        sent_bytes += bytes.len();
        *most = (BYTES_MAX * count / sent_bytes.max(1)).clamp(1, TASKS_MAX);
        outcome.and_then(|()| self.peer.say_all(&bytes))
    }

    /// Passes kills on, and takes back what waits here while others are idle.
    ///
    /// Errors: a killed task does not stop.
    fn look(&self) -> io::Result<()> {
        let now = Instant::now();
        let mut killed = Vec::new();
        let mut all = Vec::new();
        for (id, carried) in self.underway.0.lock().iter_mut().flatten() {
            all.push(*id);
            if carried.is_killed.load(Ordering::Relaxed) {
                let since = *carried.killed_at.get_or_insert_with(|| {
                    killed.push(*id);
                    now
                });
                if now - since > KILL_GRACE {
                    return Err(io::Error::other("the killed task did not stop"));
                }
            }
        }
        for id in &killed {
            self.peer.say(&ToExecutor::Kill(*id))?;
        }
        if !killed.is_empty() {
            // Those that have not begun would not notice before their turn.
            self.peer.say(&ToExecutor::TakeBack(killed))?;
        }
        if all.len() > self.place.slots as usize && self.crew.dispatch.is_idle_besides(&self.place) {
            self.peer.say(&ToExecutor::TakeBack(all))?;
        }
        Ok(())
    }
}
