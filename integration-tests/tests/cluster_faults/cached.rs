//! Cached blocks, read where they are not.

use crate::story::{Story, kill};

pub(crate) const STORIES: &[(&str, fn())] =
    &[("cached_blocks_are_fetched_from_a_busy_executor_and_made_again_when_it_is_gone", busy_then_gone)];

/// Parts of the cached RDD.
pub(crate) const PARTS: usize = 4;

fn busy_then_gone() {
    let story = Story::start_with(2, "cached", &[], &["--conf", "locality_wait=0"]);
    // Both executors make a part before either makes another.
    story.signals.wait("make", 2);
    story.signals.open("make");
    let holder = story.signals.wait("busy", 1)[0];
    let made = story.signals.came("make");
    let held = made.iter().filter(|pid| **pid == holder).count();
    assert!(made.len() == PARTS && (1..PARTS).contains(&held), "{holder}: {made:?}");
    // It cannot run the tasks that read what it holds.
    let readers = story.signals.wait("read", PARTS);
    assert!(!readers.contains(&holder), "{holder}: {readers:?}");
    story.signals.open("busy");
    story.signals.wait("gone", 1);
    assert_eq!(story.signals.came("make").len(), PARTS, "nothing was made again");
    kill(holder);
    story.signals.open("gone");
    let ended = story.ends_well();
    assert_eq!(ended.signals.came("make").len(), PARTS + held, "what it held, and nothing else");
    assert!(ended.said.contains(" fetched from caches"), "{}", ended.said);
}
