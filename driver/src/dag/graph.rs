//! From lineage to stages: what a job needs that is not there.

use crate::rdd::{
    Determinism, Stage,
    dependency::{Dependency, Needs, Persisted},
};
use rsk_proto::{PartitionId, RddId, StageId};
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
    /// Stages whose output it has read by way of blocks that are there: known where a version matters.
    pub(crate) behind: BTreeSet<StageId>,
    pub(crate) determinism: Determinism,
}

/// Stages by name, each with its parents.
pub(crate) type Graph = BTreeMap<StageId, Node>;

/// How far a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Not beyond stages whose output is there, nor beyond persisted RDDs whose blocks are.
    Needed,
    /// Not beyond stages whose output is there, but beyond persisted RDDs: a block that was thought to be there was not.
    BehindBlocks,
}

/// The stages that `root` needs, itself among them, with their tasks. Where they may give other records each time, also
/// the stages behind them whether they are needed or not, so that it is known what has read what.
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
        let (missing, determinism) = (stage.missing(), stage.determinism());
        let mut node = Node {
            partitions: stage.partitions(),
            missing,
            parents: BTreeSet::new(),
            behind: BTreeSet::new(),
            determinism,
        };
        let is_whole = determinism == Determinism::Indeterminate;
        if !node.missing.is_empty() || is_whole {
            let (parents, behind) = parents_of(&*stage, reach, is_held);
            node.parents.extend(parents.iter().map(|parent| parent.id()));
            to_visit.extend(parents);
            if is_whole {
                node.behind.extend(behind.iter().map(|parent| parent.id()));
                to_visit.extend(behind);
            }
        }
        graph.insert(stage.id(), node);
        stages.insert(stage.id(), stage);
    }
    (graph, stages)
}

type Stages = Vec<Arc<dyn Stage>>;

/// The stages that one stage reads, through persisted RDDs whose blocks are not there; and those behind blocks that are.
fn parents_of(stage: &dyn Stage, reach: Reach, is_held: &dyn Fn(&Persisted) -> bool) -> (Stages, Stages) {
    let (mut parents, mut behind, mut held) = (Vec::new(), Vec::new(), Vec::new());
    let mut to_visit = Vec::new();
    stage.dependencies(&mut to_visit);
    let mut seen = BTreeSet::new();
    while let Some(Dependency(needs)) = to_visit.pop() {
        match needs {
            Needs::Stage(parent) => parents.push(parent),
            Needs::Persisted(persisted) if reach == Reach::Needed && is_held(&persisted) => {
                held.push(persisted);
            }
            Needs::Persisted(persisted) if seen.insert(persisted.rdd) => {
                to_visit.extend_from_slice(&persisted.behind);
            }
            Needs::Persisted(_) => {}
        }
    }
    while let Some(persisted) = held.pop() {
        if !seen.insert(persisted.rdd) {
            continue;
        }
        for Dependency(needs) in &persisted.behind {
            match needs {
                Needs::Stage(parent) => behind.push(Arc::clone(parent)),
                Needs::Persisted(further) => held.push(Arc::clone(further)),
            }
        }
    }
    (parents, behind)
}

/// The persisted RDDs that `stage` reads whose blocks were made from the output of one of `stages`.
pub(crate) fn blocks_behind(stage: &Arc<dyn Stage>, stages: &BTreeSet<StageId>) -> Vec<RddId> {
    let mut direct = Vec::new();
    stage.dependencies(&mut direct);
    let persisted = |dependency: &Dependency| match &dependency.0 {
        Needs::Persisted(persisted) => Some(Arc::clone(persisted)),
        Needs::Stage(_) => None,
    };
    let mut all: BTreeMap<RddId, Arc<Persisted>> = BTreeMap::new();
    let mut to_visit: Vec<_> = direct.iter().filter_map(persisted).collect();
    while let Some(found) = to_visit.pop() {
        all.entry(found.rdd).or_insert_with(|| {
            to_visit.extend(found.behind.iter().filter_map(persisted));
            found
        });
    }
    let mut stale = BTreeSet::new();
    // What lies behind an RDD is older than it, so that one pass in the order of their making is enough.
    for (rdd, found) in &all {
        let is_stale = found.behind.iter().any(|Dependency(needs)| match needs {
            Needs::Stage(parent) => stages.contains(&parent.id()),
            Needs::Persisted(further) => stale.contains(&further.rdd),
        });
        if is_stale {
            stale.insert(*rdd);
        }
    }
    stale.into_iter().collect()
}
