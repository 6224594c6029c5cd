//! Files by which tasks and their test tell each other how far they are.

use integration_tests::cluster::WITHIN;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Where this is, all gates are open and nothing misbehaves.
const CALM: &str = "calm";

/// A folder of such files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Signals(PathBuf);

impl Signals {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        Signals(folder.to_owned())
    }

    /// Where all gates are open and nothing misbehaves.
    pub(crate) fn calm(folder: &Path) -> Self {
        let signals = Signals::in_folder(folder);
        File::create(signals.0.join(CALM)).unwrap();
        signals
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// Says that this process has come to a place.
    pub(crate) fn come(&self, place: &str) {
        let pid = std::process::id();
        let is_new = |n| File::create_new(self.0.join(format!("{place}.{pid}.{n}"))).is_ok();
        assert!((0..1000).any(is_new), "it cannot write into {}", self.0.display());
    }

    /// Says that this process has come to a gate, and waits there until it is open.
    pub(crate) fn pass(&self, gate: &str) {
        self.come(gate);
        let (own, all) = (self.0.join(format!("open-{gate}")), self.0.join(CALM));
        eventually(&format!("the gate {gate} is open"), || (own.exists() || all.exists()).then_some(()));
    }

    /// True for the first that asks, where something may misbehave.
    pub(crate) fn is_first(&self, fault: &str) -> bool {
        let is_first = self.may_misbehave() && self.came(fault).is_empty();
        if is_first {
            self.come(fault);
        }
        is_first
    }

    /// True for all that ask, where something may misbehave.
    pub(crate) fn is_each(&self, fault: &str) -> bool {
        if self.may_misbehave() {
            self.come(fault);
        }
        self.may_misbehave()
    }

    pub(crate) fn may_misbehave(&self) -> bool {
        !self.0.join(CALM).exists()
    }

    pub(crate) fn open(&self, gate: &str) {
        File::create(self.0.join(format!("open-{gate}"))).unwrap();
    }

    /// The processes that have come to a place, each as often as it came.
    pub(crate) fn came(&self, place: &str) -> Vec<u32> {
        let names = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        let pid = |name: String| {
            let mut parts = name.split('.');
            (parts.next() == Some(place)).then(|| parts.next()?.parse().ok()).flatten()
        };
        names.filter_map(pid).collect()
    }

    /// Waits until so many have come to a place, and says who.
    pub(crate) fn wait(&self, place: &str, count: usize) -> Vec<u32> {
        eventually(&format!("{count} have come to {place}"), || {
            let came = self.came(place);
            (came.len() >= count).then_some(came)
        })
    }
}

/// Waits for what comes, or fails.
pub(crate) fn eventually<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let until = Instant::now() + WITHIN;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "it is still not so that {what}");
        thread::sleep(LOOK_EVERY);
    }
}
