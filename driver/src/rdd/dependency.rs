//! What must have run before an RDD's partitions can be computed: the stages behind it.

use super::PreferredHosts;
use crate::{Result, dag::version::Version};
use rsk_proto::{Encoder, PartitionId, RddId, ShuffleId, StageId, TaskOutput};
use std::{collections::BTreeSet, sync::Arc};

/// What an RDD gives when a partition is computed again. The order matters: the worst of several is their maximum.
///
/// ```
/// use rsk::rdd::Determinism::{Determinate, Indeterminate, Unordered};
/// assert_eq!(Determinate.max(Unordered), Unordered);
/// assert_eq!((Determinate.by_order(), Unordered.by_order()), (Determinate, Indeterminate));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Determinism {
    /// The same records in the same order.
    #[default]
    Determinate,
    /// The same records in any order.
    Unordered,
    /// Perhaps other records: when one of its map outputs is lost, the stage and all that read it run again.
    Indeterminate,
}

impl Determinism {
    /// What an operator gives whose records depend on the order of its input's, such as `zip_with_index`.
    #[must_use]
    pub fn by_order(self) -> Self {
        if self == Determinism::Determinate { self } else { Determinism::Indeterminate }
    }
}

/// One thing that an RDD's partitions need and that they cannot make by themselves.
///
/// Shape: opaque. An operator passes on those of its parents: `parent.dependencies(to)`.
#[derive(Clone)]
pub struct Dependency(pub(crate) Needs);

/// What a [`Dependency`] is.
#[derive(Clone)]
pub(crate) enum Needs {
    /// The output of a stage: of a shuffle, or a small value that the driver gathers.
    Stage(Arc<dyn Stage>),
    /// Blocks of a persisted RDD; while one is missing, what lies behind it.
    Persisted(Arc<Persisted>),
}

/// A persisted RDD, as the walk through the lineage sees it.
pub(crate) struct Persisted {
    pub(crate) rdd: RddId,
    pub(crate) partitions: usize,
    pub(crate) behind: Vec<Dependency>,
    pub(crate) version: Version,
}

impl std::fmt::Debug for Dependency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Needs::Stage(stage) => write!(f, "Dependency({})", stage.id()),
            Needs::Persisted(persisted) => write!(f, "Dependency(blocks of {})", persisted.rdd),
        }
    }
}

/// The tasks of one stage, whatever its records: what it takes to run them and to keep what they leave.
///
/// Three kinds implement it: the map side of a shuffle, a gather, and the result stage of a job.
pub(crate) trait Stage: Send + Sync {
    /// Its name, the same in each job that needs it.
    fn id(&self) -> StageId;
    /// What people call it, such as `map side of shuffle-3`.
    fn name(&self) -> String;
    /// How many tasks it has in all.
    fn partitions(&self) -> usize;
    /// What its tasks need.
    fn dependencies(&self, to: &mut Vec<Dependency>);
    /// Where its tasks would best run, as their source says.
    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        None
    }
    /// The shuffle that it writes, and how many reduce partitions that has.
    fn shuffle(&self) -> Option<(ShuffleId, usize)> {
        None
    }
    /// What a task gives when it is run again.
    fn determinism(&self) -> Determinism;
    /// Writes the task for one partition.
    fn encode_task(&self, partition: PartitionId, to: &mut Encoder);
    /// The partitions whose output is not there.
    fn missing(&self) -> BTreeSet<PartitionId>;
    /// Keeps the output of a partition that was missing.
    fn accept(&self, partition: PartitionId, output: TaskOutput) -> Result<()>;
    /// Forgets all outputs, and notes that in its version.
    fn reset(&self);
    /// Of what its outputs were made.
    fn version(&self) -> &Version;
}
