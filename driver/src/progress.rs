//! What a person sees of stages that last: bars on a terminal, plain lines elsewhere. On stderr.

use crate::dispatch::{Dispatch, StageProgress};
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use rsk_proto::{StageId, Time};
use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write, stderr},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

/// Stages that end sooner are not shown.
const SHOWN_AFTER: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Between two lines about one stage where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows the stages of one context until it is dropped.
pub(crate) struct Progress {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to look. Without a thread to look from, nothing is shown.
    pub(crate) fn start(dispatch: Arc<Dispatch>) -> Self {
        let (stop, stopped) = bounded(0);
        let watch = move || {
            let mut view: Box<dyn View> =
                if stderr().is_terminal() { Box::new(Bars::default()) } else { Box::new(Lines::default()) };
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                let (now, mut stages) = dispatch.progress();
                stages.retain(|stage| now.since(stage.since) >= SHOWN_AFTER);
                view.show(now, &stages);
            }
            view.show(Time::default(), &[]);
        };
        let thread = thread::Builder::new().name("progress".to_owned()).spawn(watch);
        Progress { stop: Some(stop), thread: thread.ok() }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::debug!("the progress display panicked");
        }
    }
}

/// Shows the stages that run now; those that are not named any more have ended.
trait View {
    fn show(&mut self, now: Time, stages: &[StageProgress]);
}

/// A bar a stage; it goes when the stage ends.
#[derive(Default)]
struct Bars {
    all: MultiProgress,
    bars: BTreeMap<StageId, ProgressBar>,
}

impl View for Bars {
    fn show(&mut self, now: Time, stages: &[StageProgress]) {
        for stage in stages {
            let bar = self.bars.entry(stage.id).or_insert_with(|| {
                let bar = self.all.add(ProgressBar::new(stage.tasks as u64));
                let template = "{prefix} [{bar:30}] {pos}/{len} tasks, {msg}";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.set_prefix(stage.name.clone());
                bar
            });
            bar.set_length(stage.tasks as u64);
            bar.set_position(stage.done as u64);
            bar.set_message(format!("{} running, {} s", stage.running, now.since(stage.since).as_secs()));
        }
        self.bars.retain(|id, bar| {
            let runs = stages.iter().any(|stage| stage.id == *id);
            if !runs {
                bar.finish_and_clear();
            }
            runs
        });
    }
}

/// A line a stage now and then, and one when it has ended.
#[derive(Default)]
struct Lines(BTreeMap<StageId, Shown>);

/// A stage as it was last seen, and when it was last told of.
struct Shown {
    stage: StageProgress,
    at: Time,
    told: Option<Time>,
}

impl View for Lines {
    fn show(&mut self, now: Time, stages: &[StageProgress]) {
        for stage in stages {
            let shown =
                self.0.entry(stage.id).or_insert_with(|| Shown { stage: stage.clone(), at: now, told: None });
            (shown.stage, shown.at) = (stage.clone(), now);
            if shown.told.is_none_or(|told| now.since(told) >= LINE_EVERY) {
                shown.told = Some(now);
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
        self.0.retain(|id, Shown { stage, at, .. }| {
            let runs = stages.iter().any(|stage| stage.id == *id);
            if !runs {
                let lasted = at.since(stage.since).as_secs_f64();
                say(&format!("{}: over after {lasted:.1} s, {} tasks", stage.name, stage.tasks));
            }
            runs
        });
    }
}

/// A closed stderr is no reason to fail.
fn say(line: &str) {
    writeln!(stderr(), "{line}").unwrap_or(());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_said_at_first_and_then_now_and_then() {
        let mut lines = Lines::default();
        let stage = StageProgress {
            id: StageId(3),
            name: "map side of shuffle-3".to_owned(),
            since: Time::default(),
            tasks: 8,
            done: 2,
            running: 2,
        };
        let at = |secs| Time(Duration::from_secs(secs));
        let mut told = Vec::new();
        for secs in [1, 2, 10, 11, 12] {
            lines.show(at(secs), std::slice::from_ref(&stage));
            told.push(lines.0[&StageId(3)].told);
        }
        assert_eq!(told, [at(1), at(1), at(1), at(11), at(11)].map(Some));
        lines.show(at(23), &[]);
        assert!(lines.0.is_empty());
    }
}
