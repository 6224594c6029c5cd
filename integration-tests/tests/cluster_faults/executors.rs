//! Executors that are killed and stopped.

use crate::{
    program::MAPS,
    story::{Story, gone, kill, signal, stop},
};

pub(crate) const STORIES: &[(&str, fn())] = &[
    ("an_executor_killed_in_map_costs_that_task_alone", killed_in_map),
    ("an_executor_killed_in_reduce_costs_no_map_output", killed_in_reduce),
    ("executors_killed_between_map_and_reduce_cost_no_map_output", killed_between),
];

/// They wait until somebody silent is given up.
pub(crate) const SLOW: &[(&str, fn())] = &[
    ("a_zombie_executor_is_ended_and_its_task_is_run_elsewhere", zombie),
    ("an_idle_zombie_executor_is_ended_and_replaced", idle_zombie),
    ("a_zombie_machine_that_comes_back_writes_no_part_again", zombie_machine),
];

fn killed_in_map() {
    let story = Story::start(2, "sums", &["between", "reduce"]);
    let at_gate = story.signals.wait("map", 2);
    kill(at_gate[0]);
    // Its place is taken before anything goes on.
    story.signals.wait("map", 3);
    story.signals.open("map");
    let ended = story.ends_well();
    assert_eq!(ended.signals.came("map").len(), MAPS + 1, "{:?}", ended.signals.came("map"));
}

fn killed_in_reduce() {
    let story = Story::start(2, "sums", &["map", "between"]);
    let at_gate = story.signals.wait("reduce", 1);
    kill(at_gate[0]);
    story.signals.wait("reduce", 2);
    story.signals.open("reduce");
    let ended = story.ends_well();
    assert_eq!((ended.signals.came("map").len(), ended.signals.came("reduce").len()), (MAPS, 2));
}

fn killed_between() {
    let story = Story::between();
    let all = story.cluster.processes();
    assert!(!all.is_empty());
    all.iter().copied().for_each(kill);
    story.signals.open("between");
    let ended = story.ends_well();
    assert_eq!(ended.signals.came("map").len(), MAPS, "map outputs outlive executors");
    assert!(!all.contains(&ended.signals.came("reduce")[0]));
}

fn zombie() {
    let story = Story::start(2, "parts", &["part-1", "part-2", "part-3", "again"]);
    let zombie = story.signals.wait("part-0", 1)[0];
    stop(zombie);
    story.signals.open("part-0");
    // It is ended although it hears nothing, and its task has begun again by then or will.
    gone(zombie);
    let ended = story.ends_well();
    let came = ended.signals.came("part-0");
    assert!(came.len() == 2 && came.iter().any(|pid| *pid != zombie), "{came:?}");
}

fn idle_zombie() {
    let story = Story::start(1, "sums", &["map", "reduce"]);
    story.signals.wait("between", 1);
    let zombie = story.executors_of(0)[0];
    stop(zombie);
    gone(zombie);
    story.signals.open("between");
    let ended = story.ends_well();
    assert_ne!(ended.signals.came("reduce"), [zombie]);
}

fn zombie_machine() {
    let story = Story::start(2, "parts", &["part-1", "part-2", "part-3"]);
    let zombie = story.signals.wait("part-0", 1)[0];
    let agent = story.agent_of(zombie);
    story.cluster.agent_process(agent).signal("STOP");
    stop(zombie);
    story.signals.open("part-0");
    // Its task is run elsewhere.
    let elsewhere = story.signals.wait("again", 1);
    assert_ne!(elsewhere, [zombie]);
    // It comes back while that one still runs, to a gate that is open now.
    signal(zombie, "CONT");
    gone(zombie);
    story.cluster.agent_process(agent).signal("CONT");
    story.signals.open("again");
    story.ends_well();
}
