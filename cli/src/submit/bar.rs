//! A bar for what takes long.

use rsk_proto::ByteSize;
use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

const SHOWN_AFTER: Duration = Duration::from_millis(500);
const DRAWN_EVERY: Duration = Duration::from_millis(100);
const CELLS: u64 = 30;

/// How far something is, shown on a terminal once it has taken half a second.
#[derive(Debug)]
pub(super) struct Bar {
    what: String,
    whole: u64,
    began: Instant,
    draw_at: Instant,
    is_drawn: bool,
}

impl Bar {
    pub(super) fn new(what: String, whole: u64) -> Self {
        let began = Instant::now();
        Bar { what, whole, began, draw_at: began + SHOWN_AFTER, is_drawn: false }
    }

    /// So many bytes are done.
    pub(super) fn at(&mut self, done: u64) {
        let now = Instant::now();
        if now < self.draw_at || !stderr().is_terminal() {
            return;
        }
        self.draw_at = now + DRAWN_EVERY;
        self.is_drawn = true;
        draw(&line(&self.what, done, self.whole, now - self.began));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.is_drawn {
            draw("");
        }
    }
}

fn draw(text: &str) {
    // A terminal that is gone needs no bar.
    drop(write!(stderr(), "\r\x1b[K{text}"));
}

fn line(what: &str, done: u64, whole: u64, after: Duration) -> String {
    let filled = (u128::from(done.min(whole)) * u128::from(CELLS)).checked_div(u128::from(whole));
    let filled = filled.map_or(CELLS, |filled| u64::try_from(filled).unwrap_or(CELLS));
    let bar = (0..CELLS).map(|cell| if cell < filled { '█' } else { '░' }).collect::<String>();
    let a_second = u128::from(done) * 1000 / after.as_millis().max(1);
    let a_second = ByteSize(u64::try_from(a_second).unwrap_or(u64::MAX));
    format!("{what} {bar} {} of {}, {a_second}/s", ByteSize(done), ByteSize(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_up_and_nothing_divides_by_zero() {
        let half = line("app", 5 << 20, 10 << 20, Duration::from_secs(2));
        assert_eq!(half, format!("app {}{} 5 MiB of 10 MiB, 2.5 MiB/s", "█".repeat(15), "░".repeat(15)));
        assert!(line("app", 0, 0, Duration::ZERO).starts_with(&format!("app {}", "█".repeat(30))));
    }
}
