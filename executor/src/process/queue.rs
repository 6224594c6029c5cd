//! The tasks of an executor process: those that wait for a slot, and those that run.

use parking_lot::{Condvar, Mutex};
use rsk_proto::{TASKS_AHEAD_MAX, TaskId};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A task, and whether it is still wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) id: TaskId,
    pub(super) task: Vec<u8>,
    pub(super) is_killed: Arc<AtomicBool>,
}

/// What slots take tasks from, in the order in which they came.
#[derive(Debug)]
pub(super) struct Queue {
    tasks_max: usize,
    tasks: Mutex<Tasks>,
    has_waiting: Condvar,
}

#[derive(Debug, Default)]
struct Tasks {
    waiting: VecDeque<Wanted>,
    running: HashMap<TaskId, Arc<AtomicBool>>,
}

impl Queue {
    /// For so many slots: [`TASKS_AHEAD_MAX`] tasks for each.
    pub(super) fn new(slots: usize) -> Self {
        let tasks_max = slots * TASKS_AHEAD_MAX;
        Queue { tasks_max, tasks: Mutex::default(), has_waiting: Condvar::new() }
    }

    /// Adds a task. False where more are under way than may be.
    pub(super) fn push(&self, id: TaskId, task: Vec<u8>) -> bool {
        let mut tasks = self.tasks.lock();
        if tasks.waiting.len() + tasks.running.len() >= self.tasks_max {
            return false;
        }
        tasks.waiting.push_back(Wanted { id, task, is_killed: Arc::default() });
        self.has_waiting.notify_one();
        true
    }

    /// Waits for a task to run.
    pub(super) fn take(&self) -> Wanted {
        let mut tasks = self.tasks.lock();
        loop {
            if let Some(wanted) = tasks.waiting.pop_front() {
                tasks.running.insert(wanted.id, Arc::clone(&wanted.is_killed));
                return wanted;
            }
            self.has_waiting.wait(&mut tasks);
        }
    }

    /// A task has been run. True when another waits.
    pub(super) fn ended(&self, id: TaskId) -> bool {
        let mut tasks = self.tasks.lock();
        tasks.running.remove(&id);
        !tasks.waiting.is_empty()
    }

    /// A task is not wanted any more; it says so itself, when it looks or when its turn comes.
    pub(super) fn kill(&self, id: TaskId) {
        let tasks = self.tasks.lock();
        let waiting = tasks.waiting.iter().find(|wanted| wanted.id == id).map(|wanted| &wanted.is_killed);
        if let Some(is_killed) = waiting.or_else(|| tasks.running.get(&id)) {
            is_killed.store(true, Ordering::Relaxed);
        }
    }

    /// Removes those of these tasks that still wait, and says which.
    pub(super) fn take_back(&self, ids: &[TaskId]) -> Vec<TaskId> {
        let mut tasks = self.tasks.lock();
        let (back, stay) = tasks.waiting.drain(..).partition(|wanted| ids.contains(&wanted.id));
        tasks.waiting = stay;
        VecDeque::into_iter(back).map(|wanted| wanted.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(tasks: u64) -> Queue {
        let queue = Queue::new(1);
        (0..tasks).for_each(|id| assert!(queue.push(TaskId(id), Vec::new())));
        queue
    }

    #[test]
    fn what_has_begun_is_not_given_back_and_what_was_given_back_is_not_run() {
        let queue = filled(4);
        assert_eq!(queue.take().id, TaskId(0));
        assert_eq!(queue.take_back(&[TaskId(0), TaskId(1), TaskId(3), TaskId(7)]), [TaskId(1), TaskId(3)]);
        assert_eq!(queue.take().id, TaskId(2));
        assert!(!queue.ended(TaskId(2)));
    }

    #[test]
    fn a_kill_reaches_those_that_run_and_those_that_wait() {
        let queue = filled(2);
        let running = queue.take();
        queue.kill(TaskId(0));
        queue.kill(TaskId(1));
        assert!(running.is_killed.load(Ordering::Relaxed));
        assert!(queue.ended(TaskId(0)));
        assert!(queue.take().is_killed.load(Ordering::Relaxed));
    }

    #[test]
    fn no_more_than_agreed_are_under_way() {
        let most = TASKS_AHEAD_MAX as u64;
        let queue = filled(most);
        let first = queue.take().id;
        assert!(!queue.push(TaskId(most), Vec::new()), "it counts while it runs");
        queue.ended(first);
        assert!(queue.push(TaskId(most), Vec::new()));
    }
}
