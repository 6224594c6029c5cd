//! How many executors a program has while it works and while it does not.

use crate::story::Story;
use integration_tests::cluster::TestCluster;
use rsk_proto::status::ClusterStatus;
use std::{
    thread,
    time::{Duration, Instant},
};

pub(crate) const STORIES: &[(&str, fn())] =
    &[("the_least_executors_are_there_at_once_and_kept_while_others_are_given_back", least_is_kept)];

/// Of the story below. Another executor has nothing to do for so long before it is given back.
const IDLE_FOR: Duration = Duration::from_secs(1);
const LEAST: usize = 3;
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn least_is_kept() {
    let cluster = TestCluster::new().each_with("cpus:3;mem:1800").agents(2);
    let options = ["--min-cores", "3", "--conf", "executor_idle_timeout=1"];
    let story = Story::on(cluster, "bursts", &[], &options);
    // One task is there, and holds one of them.
    story.signals.wait("one", 1);
    let first = story.cluster.wait("the least is there", |status| running(status).len() == LEAST);
    let first = running(&first);
    story.signals.open("one");
    story.signals.wait("idle", 1);
    stays(&story.cluster, &first);
    story.signals.open("idle");
    story.signals.wait("many", 6);
    story.cluster.wait("a burst has more", |status| running(status).len() == 6);
    story.signals.open("many");
    story.signals.wait("idle-again", 1);
    let last = story.cluster.wait("those above the least are given back", |status| {
        assert!(status.executors.len() >= LEAST, "fewer than the least: {:?}", status.executors);
        status.executors.len() == LEAST
    });
    stays(&story.cluster, &running(&last));
    story.signals.open("idle-again");
    story.ends_well();
}

/// These executors, and no others, are there for longer than an idle one would be.
fn stays(cluster: &TestCluster, executors: &[u64]) {
    let until = Instant::now() + IDLE_FOR * 3;
    while Instant::now() < until {
        assert_eq!(running(&cluster.status()), executors);
        thread::sleep(LOOK_EVERY);
    }
}

/// The executors that run, by number.
fn running(status: &ClusterStatus) -> Vec<u64> {
    let running = status.executors.iter().filter(|executor| executor.state == "running");
    running.map(|executor| executor.key.executor.0).collect()
}
