//! Tasks that misbehave.

use crate::{
    program::FAULT,
    story::{Story, gone},
};

pub(crate) const STORIES: &[(&str, fn())] = &[
    ("a_task_that_panics_once_is_run_again", panics_once),
    ("a_task_that_panics_each_time_fails_its_job", panics_always),
    ("a_task_that_exits_once_is_run_by_another_executor", exits_once),
    ("a_task_that_exits_each_time_fails_its_job", exits_always),
    ("a_task_that_leaks_once_is_run_by_another_executor", leaks_once),
    ("a_task_that_leaks_each_time_fails_its_job_and_says_what_it_used", leaks_always),
    ("a_task_that_waits_behind_a_long_one_goes_to_an_idle_executor", waits_behind),
    ("short_tasks_of_one_pool_do_not_keep_another_waiting", pools),
    ("an_interrupted_program_takes_a_task_that_never_looks_up_with_it", loops_until_interrupted),
];

/// It waits until a task that was told to stop is stopped by force.
pub(crate) const SLOW: &[(&str, fn())] =
    &[("a_cancelled_task_that_never_looks_up_goes_with_its_executor", loops)];

fn panics_once() {
    let story = Story::start(2, "panic_once", &[]);
    let ended = story.ends_well();
    assert_eq!(ended.signals.came(FAULT).len(), 1);
    assert!(ended.said.contains("1 stage, 5 tasks, 1 retry, "), "{}", ended.said);
}

fn panics_always() {
    let story = Story::start(2, "panic_always", &[]);
    let ended = story.fails(&["on purpose", "part-1", "4"]);
    assert_eq!(ended.signals.came(FAULT).len(), 4);
}

/// What an agent says of an executor that had too little of it.
const MEMORY: &str = "MiB of memory where it had 400 MiB: give it more";

fn leaks_once() {
    let story = Story::start(2, "leak_once", &[]);
    let ended = story.ends_well();
    assert_eq!(ended.signals.came(FAULT).len(), 1);
    assert!(ended.said.contains(MEMORY), "{}", ended.said);
}

fn leaks_always() {
    let story = Story::start(2, "leak_always", &[]);
    let ended = story.fails(&["part-1", MEMORY]);
    assert_eq!(ended.signals.came(FAULT).len(), 4);
}

fn waits_behind() {
    let story = Story::start(2, "crowd", &[]);
    story.signals.wait("long", 2);
    story.signals.open("long");
    story.ends_well();
}

fn pools() {
    Story::start_with(1, "pools", &[], &["--conf", "job_order=fair"]).ends_well();
}

fn exits_once() {
    let story = Story::start(2, "exit_once", &[]);
    let ended = story.ends_well();
    assert_eq!(ended.signals.came(FAULT).len(), 1);
}

fn exits_always() {
    let story = Story::start(2, "exit_always", &[]);
    let ended = story.fails(&["part-1", "executor"]);
    // The task that an executor has next goes with it, and counts as tried.
    assert!((1..=4).contains(&ended.signals.came(FAULT).len()), "{:?}", ended.signals.came(FAULT));
}

fn loops() {
    let story = Story::start(1, "loop", &[]);
    let stuck = story.signals.wait(FAULT, 1)[0];
    gone(stuck);
    story.ends_well();
}

fn loops_until_interrupted() {
    let story = Story::start(1, "loop", &[]);
    let stuck = story.signals.wait(FAULT, 1)[0];
    story.program().signal("INT");
    gone(stuck);
    story.ends_interrupted();
}
