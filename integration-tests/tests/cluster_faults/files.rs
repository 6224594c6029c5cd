//! Shuffle files that are lost or damaged under an agent.

use crate::{program::MAPS, story::Story};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) const STORIES: &[(&str, fn())] = &[
    ("lost_shuffle_files_are_made_again", lost),
    ("cut_shuffle_files_are_made_again", cut),
    ("flipped_bits_in_shuffle_files_are_found_and_made_again", flipped),
];

fn outputs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(outputs(&path));
        } else if path.extension() == Some("data".as_ref()) {
            found.push(path);
        }
    }
    found
}

/// Damages what one agent keeps; it is made again, and nothing else is.
fn damage(how: fn(&Path)) {
    let story = Story::between();
    let kept = |agent| outputs(&story.cluster.agent_folder(agent));
    let (here, there) = (kept(0), kept(1));
    assert!(!here.is_empty() && here.len() + there.len() == MAPS, "{here:?} {there:?}");
    here.iter().for_each(|path| how(path));
    story.signals.open("between");
    let ended = story.ends_well();
    assert_eq!(ended.signals.came("map").len(), MAPS + here.len());
}

fn lost() {
    damage(|path| fs::remove_file(path).unwrap());
}

fn cut() {
    damage(|path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
}

fn flipped() {
    damage(|path| {
        let mut bytes = fs::read(path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(path, bytes).unwrap();
    });
}
