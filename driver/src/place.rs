//! Where tasks run: an executor, as the dispatch sees it.

use crate::task::site::Site;
use parking_lot::{Condvar, Mutex};
use rsk_proto::{ExecutorId, TaskAttempt, TaskEnd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// One executor. It takes tasks until it is closed.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) id: ExecutorId,
    /// Tasks that it runs at a time.
    pub(crate) slots: u32,
    pub(crate) site: Site,
    /// Tasks that it has: those that run, and those that wait behind them. Written under the dispatch's lock.
    has: AtomicU32,
    is_closed: AtomicBool,
    /// What has come from it and is not folded yet.
    heard: Mutex<Vec<Heard>>,
    /// Goes with the dispatch's lock: there may be work for it, or something was heard.
    pub(crate) has_news: Condvar,
}

/// What became of a task.
#[derive(Debug)]
pub(crate) enum Heard {
    Ended(TaskEnd),
    /// It has not begun, and will not.
    Returned(TaskAttempt),
}

impl Place {
    pub(crate) fn new(id: ExecutorId, slots: u32, site: Site) -> Self {
        Place {
            id,
            slots,
            site,
            has: AtomicU32::new(0),
            is_closed: AtomicBool::new(false),
            heard: Mutex::default(),
            has_news: Condvar::new(),
        }
    }

    /// It gets a task.
    pub(crate) fn gets(&self) {
        self.has.store(self.has() + 1, Ordering::Relaxed);
    }

    /// One of its tasks is there no more.
    pub(crate) fn loses(&self) {
        self.has.store(self.has().saturating_sub(1), Ordering::Relaxed);
    }

    pub(crate) fn has(&self) -> u32 {
        self.has.load(Ordering::Relaxed)
    }

    pub(crate) fn has_free_slot(&self) -> bool {
        self.has() < self.slots
    }

    /// Keeps what was heard until it is folded.
    pub(crate) fn hear(&self, heard: Vec<Heard>) {
        self.heard.lock().extend(heard);
    }

    pub(crate) fn take_heard(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.heard.lock())
    }

    /// It takes no more tasks.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}
