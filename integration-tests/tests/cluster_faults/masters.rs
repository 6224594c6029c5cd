//! Masters and drivers that are killed.

use crate::story::{Story, gone, is_well, kill};
use integration_tests::cluster::active;

pub(crate) const STORIES: &[(&str, fn())] = &[
    ("a_job_goes_on_without_its_master_and_ends_when_it_is_back", killed),
    ("an_executor_killed_while_there_is_no_master_is_replaced", executor_killed_meanwhile),
    ("a_killed_driver_takes_its_executors_and_files_with_it", driver_killed),
];

fn killed() {
    let mut story = Story::start(2, "sums", &["reduce"]);
    story.signals.wait("map", 2);
    story.cluster.kill_master();
    story.signals.open("map");
    // All tasks of a job are run while there is no master.
    story.signals.wait("between", 1);
    story.cluster.start_master();
    story.cluster.wait("all are back", |status| active(status).count() == 2 && status.frameworks.len() == 1);
    story.signals.open("between");
    story.ends_well();
}

fn executor_killed_meanwhile() {
    let mut story = Story::start(1, "sums", &["between", "reduce"]);
    let at_gate = story.signals.wait("map", 1);
    story.cluster.kill_master();
    kill(at_gate[0]);
    story.cluster.start_master();
    story.signals.wait("map", 2);
    story.signals.open("map");
    story.ends_well();
}

fn driver_killed() {
    for options in [&["--conf", "failover_timeout=1"][..], &[]] {
        let story = Story::start_with(2, "sums", &[], options);
        let executors = story.signals.wait("map", 2);
        let cluster = story.kill_program();
        executors.into_iter().for_each(gone);
        is_well(&cluster);
    }
}
