//! Where tasks run: an executor, as the dispatch sees it.

use crate::task::site::Site;
use rsk_proto::ExecutorId;
use std::sync::atomic::{AtomicBool, Ordering};

/// One executor. Its lanes take tasks until it is closed.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) id: ExecutorId,
    /// Tasks that it runs at a time. More lanes than slots send short tasks ahead.
    pub(crate) slots: u32,
    pub(crate) site: Site,
    is_closed: AtomicBool,
}

impl Place {
    pub(crate) fn new(id: ExecutorId, slots: u32, site: Site) -> Self {
        Place { id, slots, site, is_closed: AtomicBool::new(false) }
    }

    /// It takes no more tasks.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}
