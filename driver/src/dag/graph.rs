//! From lineage to stages: what a job needs that is not there.

use crate::rdd::{
    Determinism, Stage,
    dependency::{Dependency, Needs, Persisted},
};
use rsk_proto::{PartitionId, StageId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// One stage as the core sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// How many tasks it has in all.
    pub(crate) partitions: usize,
    /// Those whose output is not there.
    pub(crate) missing: BTreeSet<PartitionId>,
    /// The stages whose output it reads.
    pub(crate) parents: BTreeSet<StageId>,
    pub(crate) determinism: Determinism,
}

/// Stages by name, each with its parents.
pub(crate) type Graph = BTreeMap<StageId, Node>;

/// How far a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Not beyond stages whose output is there, nor beyond persisted RDDs whose blocks are.
    Needed,
    /// Beyond persisted RDDs too: a block that was thought to be there was not.
    BehindBlocks,
    /// The whole lineage: an output that may differ when it is made again was lost.
    Whole,
}

/// The stages that `root` needs, itself among them, with their tasks.
///
/// Cost: one visit a stage; a stack of its own, however deep the lineage.
pub(crate) fn walk(
    root: &Arc<dyn Stage>,
    reach: Reach,
    is_held: &dyn Fn(&Persisted) -> bool,
) -> (Graph, BTreeMap<StageId, Arc<dyn Stage>>) {
    let (mut graph, mut stages) = (Graph::new(), BTreeMap::new());
    let mut to_visit = vec![Arc::clone(root)];
    while let Some(stage) = to_visit.pop() {
        if graph.contains_key(&stage.id()) {
            continue;
        }
        let missing = stage.missing();
        let mut parents = BTreeSet::new();
        if !missing.is_empty() || reach == Reach::Whole {
            for parent in parents_of(&*stage, reach, is_held) {
                parents.insert(parent.id());
                to_visit.push(parent);
            }
        }
        let node =
            Node { partitions: stage.partitions(), missing, parents, determinism: stage.determinism() };
        graph.insert(stage.id(), node);
        stages.insert(stage.id(), stage);
    }
    (graph, stages)
}

/// The stages that one stage reads, through persisted RDDs whose blocks are not there.
fn parents_of(stage: &dyn Stage, reach: Reach, is_held: &dyn Fn(&Persisted) -> bool) -> Vec<Arc<dyn Stage>> {
    let mut parents = Vec::new();
    let mut to_visit = Vec::new();
    stage.dependencies(&mut to_visit);
    let mut seen = BTreeSet::new();
    while let Some(Dependency(needs)) = to_visit.pop() {
        match needs {
            Needs::Stage(parent) => parents.push(parent),
            Needs::Persisted(persisted) => {
                if seen.insert(persisted.rdd) && (reach != Reach::Needed || !is_held(&persisted)) {
                    to_visit.extend_from_slice(&persisted.behind);
                }
            }
        }
    }
    parents
}
