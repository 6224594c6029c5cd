//! Faults on a real cluster: processes that are killed and stopped, files that are damaged, tasks that misbehave. Each
//! fault is seen to have fired; the output is local mode's; afterwards another job runs, and nothing is left. Those that take
//! half a minute because they wait for a timeout are of the kind `[slow]`.
//!
//! It has a `main` of its own: the programs that it submits are this one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod allocation;
mod cached;
mod executors;
mod files;
mod masters;
mod offers;
mod places;
mod program;
mod signals;
mod story;
mod tasks;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> rsk::Result<()> {
    rsk::executor_if_asked();
    if let Some(asked) = program::asked() {
        return rsk::run(|ctx| program::run(ctx, &asked));
    }
    let quick = [
        executors::STORIES,
        tasks::STORIES,
        agents::STORIES,
        masters::STORIES,
        files::STORIES,
        cached::STORIES,
        places::STORIES,
        allocation::STORIES,
    ];
    let slow = [agents::SLOW, executors::SLOW, tasks::SLOW, offers::SLOW];
    let trial = |(name, story): &(&'static str, fn())| {
        let story = *story;
        Trial::test(*name, move || {
            std::panic::catch_unwind(story).map_err(|_| Failed::from("it panicked: see above"))
        })
    };
    let mut trials: Vec<_> = quick.concat().iter().map(trial).collect();
    trials.extend(slow.concat().iter().map(trial).map(|trial| trial.with_kind("slow")));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
