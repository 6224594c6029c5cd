//! What a person sees of stages that last: bars on a terminal, plain lines elsewhere. On stderr.

use crate::{
    dispatch::{Dispatch, StageProgress},
    terminal::{self, Moment, say},
};
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;
use rsk_proto::{StageId, Time};
use std::{
    collections::BTreeMap,
    io::{IsTerminal, stderr},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

/// Stages that end sooner are not shown.
const SHOWN_AFTER: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Between two lines about one stage where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Stages beyond have no bar.
const BARS_MAX: usize = 8;
const BAR_COLUMNS: usize = 16;
/// Left free on a terminal's line, for the `^C` that it shows itself: on the next line it would keep the bar from going.
const KEPT_COLUMNS: usize = 3;

/// Shows the stages of one context until it is ended.
pub(crate) struct Progress(Mutex<Option<Display>>);

/// The thread that looks, and how to stop it.
type Display = (Sender<()>, JoinHandle<()>);

impl Progress {
    /// Begins to look. Without a thread to look from, nothing is shown.
    pub(crate) fn start(dispatch: Arc<Dispatch>) -> Self {
        let (stop, stopped) = bounded(0);
        let watch = move || {
            let mut view: Box<dyn View> =
                if stderr().is_terminal() { Box::new(Bars) } else { Box::new(Lines::default()) };
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                let seen = Moment::now();
                let (now, mut stages) = dispatch.progress();
                stages.retain(|stage| now.since(stage.since) >= SHOWN_AFTER);
                view.show(now, &stages, seen);
            }
            view.show(Time::default(), &[], Moment::now());
        };
        let thread = thread::Builder::new().name("progress".to_owned()).spawn(watch);
        Progress(Mutex::new(thread.ok().map(|thread| (stop, thread))))
    }

    /// Takes from the terminal what is shown there. Once is enough.
    pub(crate) fn end(&self) {
        let display = self.0.lock().take();
        if let Some((stop, thread)) = display {
            drop(stop);
            if thread.join().is_err() {
                tracing::debug!("the progress display panicked");
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// Shows the stages that run now; those that are not named any more have ended.
trait View {
    fn show(&mut self, now: Time, stages: &[StageProgress], seen: Moment);
}

/// A bar a stage, drawn again with each look.
struct Bars;

impl View for Bars {
    fn show(&mut self, now: Time, stages: &[StageProgress], seen: Moment) {
        let columns = terminal::width().saturating_sub(KEPT_COLUMNS);
        let lines: Vec<_> = stages.iter().take(BARS_MAX).map(|stage| bar(now, stage, columns)).collect();
        terminal::draw(seen, &lines);
    }
}

/// One stage, cut off where the line would wrap: such a line is not taken back whole.
fn bar(now: Time, stage: &StageProgress, columns: usize) -> String {
    let StageProgress { name, tasks, done, running, .. } = stage;
    let filled = done * BAR_COLUMNS / (*tasks).max(1);
    let bar = format!("{:BAR_COLUMNS$}", "=".repeat(filled.min(BAR_COLUMNS)));
    let lasts = now.since(stage.since).as_secs();
    let line = format!("[{bar}] {done}/{tasks} {name}, {running} running, {lasts} s");
    line.chars().take(columns).collect()
}

/// A line a stage now and then, and one when it has ended.
#[derive(Default)]
struct Lines(BTreeMap<StageId, Seen>);

/// A stage as it was last seen, and when it was last told of.
struct Seen {
    stage: StageProgress,
    at: Time,
    told: Option<Time>,
}

impl View for Lines {
    fn show(&mut self, now: Time, stages: &[StageProgress], _: Moment) {
        for stage in stages {
            let last =
                self.0.entry(stage.id).or_insert_with(|| Seen { stage: stage.clone(), at: now, told: None });
            (last.stage, last.at) = (stage.clone(), now);
            if last.told.is_none_or(|told| now.since(told) >= LINE_EVERY) {
                last.told = Some(now);
                say(&format!(
                    "{}: {}/{} tasks, {} running, {:.1} s",
                    stage.name,
                    stage.done,
                    stage.tasks,
                    stage.running,
                    now.since(stage.since).as_secs_f64()
                ));
            }
        }
        self.0.retain(|id, Seen { stage, at, .. }| {
            let runs = stages.iter().any(|stage| stage.id == *id);
            if !runs {
                let lasted = at.since(stage.since).as_secs_f64();
                say(&format!("{}: over after {lasted:.1} s, {} tasks", stage.name, stage.tasks));
            }
            runs
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage() -> StageProgress {
        StageProgress {
            id: StageId(3),
            name: "map side of shuffle-3".to_owned(),
            since: Time::default(),
            tasks: 8,
            done: 2,
            running: 2,
        }
    }

    #[test]
    fn a_bar_is_cut_where_its_line_ends() {
        let at = Time(Duration::from_secs(7));
        assert_eq!(bar(at, &stage(), 80), "[====            ] 2/8 map side of shuffle-3, 2 running, 7 s");
        assert_eq!(bar(at, &stage(), 37), "[====            ] 2/8 map side of sh");
        assert_eq!(bar(at, &StageProgress { tasks: 0, ..stage() }, 3), "[==");
    }

    #[test]
    fn lines_are_said_at_first_and_then_now_and_then() {
        let mut lines = Lines::default();
        let stage = stage();
        let at = |secs| Time(Duration::from_secs(secs));
        let mut told = Vec::new();
        for secs in [1, 2, 10, 11, 12] {
            lines.show(at(secs), std::slice::from_ref(&stage), Moment::default());
            told.push(lines.0[&StageId(3)].told);
        }
        assert_eq!(told, [at(1), at(1), at(1), at(11), at(11)].map(Some));
        lines.show(at(23), &[], Moment::default());
        assert!(lines.0.is_empty());
    }
}
