//! Which version of what lies behind it something was made of: outputs and blocks outlive the jobs that made them, and
//! what they were made of may have been made again since, otherwise.
//!
//! What is made later has a higher number than what it is made of.

use crate::rdd::{
    Determinism, Stage,
    dependency::{Dependency, Needs, Persisted},
};
use rsk_proto::RddId;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// When something was forgotten last, and the epoch of what it was made of. Epochs are numbers of a context that grow.
#[derive(Debug, Default)]
pub(crate) struct Version {
    forgotten: AtomicU64,
    made_of: AtomicU64,
}

impl Version {
    /// All of it is forgotten: what was made of it is of an older epoch from now on.
    pub(crate) fn forget(&self, now: u64) {
        self.forgotten.fetch_max(now, Relaxed);
    }
}

/// The blocks that executors hold, as far as the driver knows.
pub(crate) trait Blocks {
    fn has_any(&self, rdd: RddId) -> bool;
    fn clear(&self, rdd: RddId);
}

/// One thing that lasts.
enum Made {
    Stage(Arc<dyn Stage>),
    Blocks(Arc<Persisted>),
}

impl Made {
    fn of(Dependency(needs): &Dependency) -> (u64, Made) {
        match needs {
            Needs::Stage(stage) => (stage.id().0, Made::Stage(Arc::clone(stage))),
            Needs::Persisted(rdd) => (rdd.rdd.0, Made::Blocks(Arc::clone(rdd))),
        }
    }

    fn dependencies(&self) -> Vec<Dependency> {
        match self {
            Made::Stage(stage) => dependencies(&**stage),
            Made::Blocks(rdd) => rdd.behind.clone(),
        }
    }

    fn version(&self) -> &Version {
        match self {
            Made::Stage(stage) => stage.version(),
            Made::Blocks(rdd) => &rdd.version,
        }
    }
}

fn dependencies(stage: &dyn Stage) -> Vec<Dependency> {
    let mut to = Vec::new();
    stage.dependencies(&mut to);
    to
}

/// Forgets outputs and blocks in the lineage of `root` that were made of what has been made again since.
pub(crate) fn freshen(root: &dyn Stage, blocks: &dyn Blocks) {
    epochs(root, |made, epoch| match made {
        Made::Stage(stage) => {
            let is_old = stage.version().made_of.load(Relaxed) != epoch;
            if is_old && stage.missing().len() < stage.partitions() {
                stage.reset();
            }
        }
        Made::Blocks(rdd) => {
            if rdd.version.made_of.load(Relaxed) != epoch && blocks.has_any(rdd.rdd) {
                blocks.clear(rdd.rdd);
            }
        }
    });
}

/// Notes what a stage that begins to run is made of, and so the blocks that its tasks may leave.
pub(crate) fn begin(stage: &dyn Stage, blocks: &dyn Blocks) {
    if stage.determinism() != Determinism::Indeterminate {
        return;
    }
    let of_it = epochs(stage, |_, _| ());
    let newest = |dependencies: &[Dependency]| {
        dependencies
            .iter()
            .map(|dependency| of_it.get(&Made::of(dependency).0).copied().unwrap_or(0))
            .max()
            .unwrap_or(0)
    };
    let mut to_visit = dependencies(stage);
    if stage.missing().len() == stage.partitions() {
        // Of a version before, if there was one, nothing is left but what was made of it.
        stage.reset();
        stage.version().made_of.store(newest(&to_visit), Relaxed);
    }
    let mut seen = BTreeSet::new();
    while let Some(Dependency(needs)) = to_visit.pop() {
        if let Needs::Persisted(rdd) = needs
            && seen.insert(rdd.rdd)
        {
            if !blocks.has_any(rdd.rdd) {
                rdd.version.made_of.store(newest(&rdd.behind), Relaxed);
            }
            to_visit.extend_from_slice(&rdd.behind);
        }
    }
}

/// The epochs of all that lies behind `root`; `visit` sees each, older ones first, with the epoch of what it is made of.
fn epochs(root: &dyn Stage, mut visit: impl FnMut(&Made, u64)) -> BTreeMap<u64, u64> {
    let mut all = BTreeMap::new();
    let mut to_visit = dependencies(root);
    while let Some(dependency) = to_visit.pop() {
        let (id, made) = Made::of(&dependency);
        all.entry(id).or_insert_with(|| {
            let behind = made.dependencies();
            to_visit.extend_from_slice(&behind);
            (made, behind)
        });
    }
    let mut epochs = BTreeMap::<u64, u64>::new();
    for (id, (made, behind)) in all {
        let newest =
            behind.iter().filter_map(|dependency| epochs.get(&Made::of(dependency).0).copied()).max();
        let newest = newest.unwrap_or(0);
        visit(&made, newest);
        epochs.insert(id, newest.max(made.version().forgotten.load(Relaxed)));
    }
    epochs
}
