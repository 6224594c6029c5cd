//! Agents that are killed, and machines that are lost.

use crate::{
    program::MAPS,
    story::{Ended, Story, gone, kill},
};
use integration_tests::cluster::active;

pub(crate) const STORIES: &[(&str, fn())] = &[
    ("an_agent_killed_in_map_costs_no_task", killed_in_map),
    ("an_agent_killed_between_map_and_reduce_costs_no_map_output", killed_between),
    ("map_outputs_made_after_an_agent_was_killed_are_found", outputs_after_restart),
    ("a_machine_lost_in_map_costs_what_it_had_done", lost_in_map),
    ("a_machine_lost_between_map_and_reduce_has_its_map_outputs_made_again", lost_between),
];

/// A machine is missed after 25 s.
pub(crate) const SLOW: &[(&str, fn())] =
    &[("an_agent_cut_off_in_map_is_given_up_and_ends_what_it_has_when_it_is_back", cut_off)];

/// Kills an agent, and starts it again when the master has missed it.
fn restart(story: &mut Story, agent: usize) {
    let executors = story.executors_of(agent);
    assert!(!executors.is_empty());
    let all = active(&story.cluster.status()).count();
    story.cluster.kill_agent(agent);
    story.cluster.wait("the agent is missed", |status| active(status).count() == all - 1);
    story.cluster.start_agent(agent);
    story.cluster.wait("the agent is back", |status| active(status).count() == all);
    assert_eq!(story.executors_of(agent), executors, "executors outlive their agent");
}

fn killed_in_map() {
    let mut story = Story::start(2, "sums", &["between", "reduce"]);
    story.signals.wait("map", 2);
    restart(&mut story, 0);
    story.signals.open("map");
    let ended = story.ends_well();
    assert_eq!(ended.signals.came("map").len(), MAPS);
}

fn cut_off() {
    let story = Story::start(2, "sums", &["between", "reduce"]);
    story.signals.wait("map", 2);
    let given_up = story.executors_of(0);
    assert_eq!(given_up.len(), 1);
    story.cluster.cut_off(0);
    story.cluster.wait("the agent is missed", |status| active(status).count() == 1);
    // Its task is made again, although it still waits there.
    story.signals.open("map");
    let ended = story.ends_well_after(|cluster| {
        cluster.reconnect(0);
        cluster.wait("the agent is back", |status| active(status).count() == 2);
        given_up.iter().for_each(|executor| gone(*executor));
    });
    assert!(ended.signals.came("map").len() > MAPS, "{:?}", ended.signals.came("map"));
}

fn killed_between() {
    let mut story = Story::between();
    restart(&mut story, 0);
    story.signals.open("between");
    let ended = story.ends_well();
    assert_eq!(ended.signals.came("map").len(), MAPS, "the agent serves what was made before");
}

fn outputs_after_restart() {
    let mut story = Story::start(2, "sums", &["between", "reduce"]);
    story.signals.wait("map", 2);
    restart(&mut story, 0);
    restart(&mut story, 1);
    story.signals.open("map");
    let ended = story.ends_well();
    assert_eq!(ended.signals.came("map").len(), MAPS);
}

/// Ends an agent and its executors at once, for good.
fn lose(story: &mut Story, agent: usize) {
    let executors = story.executors_of(agent);
    assert!(!executors.is_empty());
    story.cluster.kill_agent(agent);
    executors.into_iter().for_each(kill);
}

/// The job ends on the other machine; one that comes back late has nothing left to do but to clean up.
fn ends_well_elsewhere(story: Story, agent: usize) -> Ended {
    story.ends_well_after(|cluster| cluster.start_agent(agent))
}

fn lost_in_map() {
    let mut story = Story::start(2, "sums", &["between", "reduce"]);
    let at_gate = story.signals.wait("map", 2);
    let agent = story.agent_of(at_gate[0]);
    lose(&mut story, agent);
    story.signals.open("map");
    let ended = ends_well_elsewhere(story, agent);
    assert_eq!(ended.signals.came("map").len(), MAPS + 1);
}

fn lost_between() {
    let mut story = Story::between();
    let (agent, other) = (0, story.executors_of(1));
    let made = story.signals.came("map").iter().filter(|pid| !other.contains(pid)).count();
    assert!(made > 0, "it has map outputs");
    lose(&mut story, agent);
    story.signals.open("between");
    let ended = ends_well_elsewhere(story, agent);
    assert_eq!(ended.signals.came("map").len(), MAPS + made, "what it had is made again, and no more");
}
