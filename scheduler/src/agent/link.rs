//! When to dial which master, and when to give it up: pure, as the core that it is a part of.

use rsk_proto::Time;
use std::time::Duration;

/// How long a master may take to answer a call, and then a registration.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The first wait after a failure; it doubles.
const BACKOFF_FIRST: Duration = Duration::from_millis(250);
/// The longest wait.
const BACKOFF_MAX: Duration = Duration::from_secs(8);
/// No heartbeats faster than this, whatever a master says.
const HEARTBEAT_MIN: Duration = Duration::from_millis(50);

/// One call to a master: what is heard on an earlier one is not listened to.
pub type Call = u64;

/// The way to a master.
#[derive(Debug)]
pub(crate) struct Link {
    state: State,
    call: Call,
    masters: usize,
    master: usize,
    failures: u32,
    seed: u64,
}

#[derive(Debug)]
enum State {
    Down { dial_at: Time },
    Dialling { until: Time },
    Greeting { until: Time },
    Up { every: Duration, lost_after: Duration, beat_at: Time, lost_at: Time },
}

/// What time has brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// Dial this master.
    Dial(Call, usize),
    /// Say that the agent is there.
    Beat,
    /// The master has been silent for too long.
    Silent,
}

impl Link {
    /// Dials the first master at once. `seed` spreads the calls of many agents.
    pub(crate) fn new(masters: usize, seed: u64, now: Time) -> Self {
        Link {
            state: State::Down { dial_at: now },
            call: 0,
            masters: masters.max(1),
            master: 0,
            failures: 0,
            seed,
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// Whether the master has been greeted and has not answered.
    pub(crate) fn is_greeting(&self) -> bool {
        matches!(self.state, State::Greeting { .. })
    }

    pub(crate) fn call(&self) -> Call {
        self.call
    }

    /// Whether what comes from this call is to be listened to.
    pub(crate) fn is_under_way(&self, call: Call) -> bool {
        call == self.call && !matches!(self.state, State::Down { .. })
    }

    pub(crate) fn wake_at(&self) -> Time {
        match self.state {
            State::Down { dial_at } => dial_at,
            State::Dialling { until } | State::Greeting { until } => until,
            State::Up { beat_at, lost_at, .. } => beat_at.min(lost_at),
        }
    }

    pub(crate) fn due(&mut self, now: Time) -> Due {
        match &mut self.state {
            State::Down { dial_at } if *dial_at <= now => {
                self.call += 1;
                self.state = State::Dialling { until: now + ANSWER_WITHIN };
                Due::Dial(self.call, self.master)
            }
            State::Dialling { until } | State::Greeting { until } if *until <= now => Due::Silent,
            State::Up { lost_at, .. } if *lost_at <= now => Due::Silent,
            State::Up { beat_at, every, .. } if *beat_at <= now => {
                *beat_at = now + *every;
                Due::Beat
            }
            _ => Due::Nothing,
        }
    }

    /// Whether this call is the one that is under way, and is answered for the first time.
    pub(crate) fn connected(&mut self, call: Call, now: Time) -> bool {
        let is_new = call == self.call && matches!(self.state, State::Dialling { .. });
        if is_new {
            self.state = State::Greeting { until: now + ANSWER_WITHIN };
        }
        is_new
    }

    pub(crate) fn registered(&mut self, every: Duration, lost_after: Duration, now: Time) {
        let every = every.max(HEARTBEAT_MIN);
        let lost_after = lost_after.max(every * 2);
        self.failures = 0;
        self.state = State::Up { every, lost_after, beat_at: now + every, lost_at: now + lost_after };
    }

    /// The master said something.
    pub(crate) fn heard(&mut self, now: Time) {
        if let State::Up { lost_after, lost_at, .. } = &mut self.state {
            *lost_at = now + *lost_after;
        }
    }

    /// The call is over: another follows, to the next master, after a while. The longer it fails, the longer the while.
    pub(crate) fn down(&mut self, now: Time) {
        let longest = BACKOFF_FIRST.saturating_mul(1 << self.failures.min(10)).min(BACKOFF_MAX);
        self.failures = self.failures.saturating_add(1);
        self.master = (self.master + 1) % self.masters;
        let half = longest / 2;
        let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
        self.state = State::Down { dial_at: now + half + Duration::from_nanos(self.draw() % nanos) };
    }

    /// The next number of the sequence that the seed begins (`SplitMix64`, Steele et al. 2014).
    fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_go_round_the_masters_and_wait_longer_and_longer() {
        let mut link = Link::new(3, 7, Time::default());
        let mut now = Time::default();
        let mut last = Duration::ZERO;
        for at in 0..12 {
            assert_eq!(link.due(now), Due::Dial(at + 1, usize::try_from(at % 3).unwrap()));
            assert_eq!(link.due(now), Due::Nothing);
            link.down(now);
            let wait = link.wake_at().since(now);
            assert!(wait >= BACKOFF_FIRST / 2 && wait <= BACKOFF_MAX, "{wait:?}");
            assert!(wait >= last / 2, "{wait:?} after {last:?}");
            (now, last) = (link.wake_at(), wait);
        }
        assert!(last >= BACKOFF_MAX / 2);
    }

    #[test]
    fn agents_with_different_seeds_do_not_dial_together() {
        let wait = |seed| {
            let mut link = Link::new(1, seed, Time::default());
            link.due(Time::default());
            link.down(Time::default());
            link.wake_at()
        };
        let waits: std::collections::BTreeSet<_> = (0..100).map(wait).collect();
        assert!(waits.len() > 90);
    }

    #[test]
    fn a_silent_master_is_given_up_and_one_that_speaks_is_not() {
        let mut link = Link::new(1, 1, Time::default());
        link.due(Time::default());
        assert!(link.connected(1, Time::default()));
        assert!(!link.connected(1, Time::default()), "once is enough");
        let (every, lost) = (Duration::from_secs(5), Duration::from_secs(25));
        link.registered(every, lost, Time::default());
        let mut now = Time::default();
        for _ in 0..10 {
            now = now + every;
            assert_eq!(link.due(now), Due::Beat);
            link.heard(now);
        }
        assert_eq!(link.due(now + lost), Due::Silent);
    }
}
