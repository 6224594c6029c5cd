//! Waits before a file is written, while a DataNode that died may still be given for it.
//!
//! `hdfs-native` cannot say which DataNode it does not want. A file that fails because of one is begun anew by the next
//! attempt, which had better come when the NameNode has noticed: 30 s by Hadoop's defaults until it thinks the node stale, ten
//! minutes until it thinks it dead.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

const PAUSE_FIRST: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(32);

/// What is known of failed writes to one cluster.
#[derive(Debug, Default)]
pub(super) struct BackOff(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// No file is begun before.
    until: Option<Instant>,
    pause: Duration,
}

impl State {
    /// A file failed. The pause that begins with it; none where others wait already.
    fn failed(&mut self, now: Instant) -> Option<Duration> {
        if self.until.is_some_and(|until| until > now) {
            return None;
        }
        self.pause = if self.pause.is_zero() { PAUSE_FIRST } else { (self.pause * 4).min(PAUSE_MAX) };
        self.until = Some(now + self.pause);
        Some(self.pause)
    }

    /// A file was written to its end, which says nothing of the node while others wait: it may have been begun before.
    fn went_well(&mut self, now: Instant) {
        if self.until.is_some_and(|until| until <= now) {
            *self = State::default();
        }
    }
}

impl BackOff {
    /// Waits until a file may be begun.
    pub(super) async fn wait(&self) {
        let until = self.0.lock().until;
        if let Some(until) = until.filter(|until| *until > Instant::now()) {
            sleep_until(until).await;
        }
    }

    /// A file failed while it was written: others that were under way fail by the same node, and count once.
    pub(super) fn failed(&self) {
        if let Some(pause) = self.0.lock().failed(Instant::now()) {
            tracing::warn!(?pause, "a DataNode failed a file that was written: the next files wait");
        }
    }

    /// A file was written to its end.
    pub(super) fn went_well(&self) {
        self.0.lock().went_well(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_a_file_is_written() {
        let (mut state, mut now) = (State::default(), Instant::now());
        for expected in [2, 8, 32, 32] {
            let pause = state.failed(now).unwrap();
            assert_eq!(pause.as_secs(), expected);
            assert_eq!(state.failed(now), None, "one that was under way counts no more");
            state.went_well(now);
            now += pause;
        }
        state.went_well(now);
        assert_eq!(state.failed(now), Some(PAUSE_FIRST));
    }
}
