//! What an executor says to its driver. Ends of tasks that follow each other closely go together.

use parking_lot::{Condvar, Mutex};
use rsk_proto::{FromExecutor, put_message};
use std::{
    io::{self, Write},
    sync::Arc,
    thread,
    time::Duration,
};

/// An end waits for others no longer than this.
const LINGER: Duration = Duration::from_millis(1);
/// Nor when so much waits.
const FULL_BYTES: usize = 16 << 10;

/// The way to the driver.
pub(super) struct Outbox {
    inner: Mutex<Inner>,
    /// Something waits that nobody has promised to send.
    has_waiting: Condvar,
}

struct Inner {
    to: Box<dyn Write + Send>,
    waiting: Vec<u8>,
    /// The stream has broken: nothing more can be said.
    is_broken: bool,
}

impl Outbox {
    /// One thread sends what has waited long enough, until the stream breaks.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Arc<Outbox>> {
        let inner = Inner { to: Box::new(to), waiting: Vec::new(), is_broken: false };
        let outbox = Arc::new(Outbox { inner: Mutex::new(inner), has_waiting: Condvar::new() });
        let own = Arc::clone(&outbox);
        thread::Builder::new().name("send".to_owned()).spawn(move || own.send_what_waits())?;
        Ok(outbox)
    }

    /// Says it, after all that waits.
    ///
    /// Errors: the stream has broken.
    pub(super) fn say(&self, message: &FromExecutor) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.put(message)?;
        inner.send()
    }

    /// Says it soon: within a millisecond, whatever else the caller does then.
    ///
    /// Errors: the stream has broken.
    pub(super) fn say_soon(&self, message: &FromExecutor) -> io::Result<()> {
        let mut inner = self.inner.lock();
        let is_first = inner.waiting.is_empty();
        inner.put(message)?;
        if inner.waiting.len() >= FULL_BYTES {
            return inner.send();
        }
        if is_first {
            self.has_waiting.notify_one();
        }
        Ok(())
    }

    fn send_what_waits(&self) {
        let mut inner = self.inner.lock();
        while !inner.is_broken {
            if inner.waiting.is_empty() {
                self.has_waiting.wait(&mut inner);
                parking_lot::MutexGuard::unlocked(&mut inner, || thread::sleep(LINGER));
            }
            // Whoever says something next hears that the stream has broken.
            inner.send().unwrap_or(());
        }
    }
}

impl Inner {
    fn put(&mut self, message: &FromExecutor) -> io::Result<()> {
        if self.is_broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        put_message(message, &mut self.waiting)
    }

    fn send(&mut self) -> io::Result<()> {
        let sent = self.to.write_all(&self.waiting).and_then(|()| self.to.flush());
        self.waiting.clear();
        // A large part of a result need not be kept room for.
        self.waiting.shrink_to(2 * FULL_BYTES);
        self.is_broken |= sent.is_err();
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsk_proto::{TaskId, receive};
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_is_said_comes_in_order_and_what_may_wait_comes_by_itself() {
        let (to, mut from) = UnixStream::pair().unwrap();
        let outbox = Outbox::start(to).unwrap();
        for round in 0..100 {
            outbox.say_soon(&FromExecutor::Returned(vec![TaskId(round)])).unwrap();
            if round % 3 == 0 {
                outbox.say(&FromExecutor::Heartbeat).unwrap();
            }
            let heard = receive(&mut from).unwrap();
            assert!(matches!(heard, FromExecutor::Returned(tasks) if tasks == [TaskId(round)]));
            if round % 3 == 0 {
                assert!(matches!(receive(&mut from).unwrap(), FromExecutor::Heartbeat));
            }
        }
        drop(from);
        assert!(outbox.say(&FromExecutor::Heartbeat).is_err());
        assert!(outbox.say_soon(&FromExecutor::Heartbeat).is_err());
    }
}
