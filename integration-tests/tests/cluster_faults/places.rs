//! Where tasks run: near their data, and not where they fail.

use crate::{program::FAULT, signals::eventually, story::Story};
use integration_tests::cluster::TestCluster;

pub(crate) const STORIES: &[(&str, fn())] = &[
    ("tasks_run_where_their_blocks_are_and_else_in_the_rack_of_their_host", near),
    ("an_agent_at_which_all_tasks_fail_is_done_without", bad_place),
];

fn near() {
    let cluster = TestCluster::new().in_racks(&["r1", "r1", "r2"]).agents(3);
    let story = Story::on(cluster, "places", &[], &[]);
    story.signals.wait("made", 3);
    story.signals.open("made");
    let near = story.signals.wait("near", 2);
    for n in 0..3 {
        let [made, read] = ["made", "read"].map(|what| story.signals.came(&format!("{what}-{n}")));
        assert_eq!((made.len(), &made), (1, &read), "where the block is");
    }
    let mut agents: Vec<_> = near.iter().map(|executor| story.agent_of(*executor)).collect();
    agents.sort_unstable();
    assert_eq!(agents, [0, 1], "on the host that is preferred, and beside it in its rack");
    story.signals.open("near");
    story.ends_well();
}

fn bad_place() {
    let cluster = TestCluster::new().in_racks(&["r1", "r1"]).agents(2);
    let story = Story::on(cluster, "bad_place", &[], &["--conf", "log=error"]);
    // Both are there, so that there is another to go to.
    story.signals.wait("good", 1);
    story.signals.wait("bad", 1);
    story.signals.open("bad");
    story.signals.wait(FAULT, 2);
    let app = story.cluster.status().frameworks[0].id.to_string();
    for asked in ["apps", "executors"] {
        eventually("people see what is excluded, and why", || {
            let said = story.cluster.rsk(&[asked, &app]);
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            (said.contains("EXCLUDED") && said.contains("a bad place")).then_some(())
        });
    }
    story.signals.open("good");
    let ended = story.ends_well();
    // Those that were on their way there failed, too.
    assert!((2..=4).contains(&ended.signals.came(FAULT).len()), "{:?}", ended.signals.came(FAULT));
}
