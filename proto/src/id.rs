//! Every integer that means something is a type: arguments cannot be swapped, and logs read `stage-3`.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($int:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[cfg_attr(test, derive(proptest_derive::Arbitrary))]
        pub struct $name(pub $int);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "-{}"), self.0)
            }
        }
    };
}

id!(/// What one action starts.
    JobId(u64), "job");
id!(/// The narrow operators between two shuffles.
    StageId(u64), "stage");
id!(/// A persisted or checkpointed RDD.
    RddId(u64), "rdd");
id!(/// How often an RDD's blocks had been forgotten, because what they were made of is made again, when one was made.
    BlockEpoch(u64), "epoch");
id!(/// One shuffle boundary.
    ShuffleId(u64), "shuffle");
id!(/// One slice of an RDD.
    PartitionId(u32), "part");
id!(/// One try at one partition of one stage; never used twice in an application.
    TaskId(u64), "task");
id!(/// An accumulator of the driver.
    AccumulatorId(u64), "accumulator");
id!(/// A process that runs tasks.
    ExecutorId(u64), "executor");

impl BlockEpoch {
    /// Nothing has been forgotten.
    pub const FIRST: BlockEpoch = BlockEpoch(0);
    /// Later than all there are: what is older than it is every block.
    pub const NEVER: BlockEpoch = BlockEpoch(u64::MAX);

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        BlockEpoch(self.0.saturating_add(1))
    }
}

impl ShuffleId {
    /// The stage that writes it: the two have one number.
    pub fn stage(self) -> StageId {
        StageId(self.0)
    }
}

impl PartitionId {
    /// The partition as an index into a list of partitions.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The partition with this index.
    ///
    /// # Panics
    /// Beyond 2³² partitions; the driver refuses so many when an RDD is made.
    #[expect(clippy::expect_used, reason = "partition counts are checked when an RDD is made")]
    pub fn of(index: usize) -> Self {
        PartitionId(u32::try_from(index).expect("an RDD has at most 2^32 partitions"))
    }
}

/// The content hash (SHA-256) of an encoded value handed to `with`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ValueId(pub [u8; 32]);

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("value-")?;
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What one map task left behind for one shuffle: whose it is, and which attempt wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MapOutputId {
    /// The shuffle it belongs to.
    pub shuffle: ShuffleId,
    /// The map partition that was written.
    pub map: PartitionId,
    /// The attempt that wrote it; files of two attempts never mix.
    pub task: TaskId,
}

impl fmt::Display for MapOutputId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} map {} of {}", self.shuffle, self.map, self.task)
    }
}

/// The bytes one map task wrote for one reduce task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShuffleBlock {
    /// The map output that holds the bytes.
    pub output: MapOutputId,
    /// Who reads them.
    pub reduce: PartitionId,
}

impl fmt::Display for ShuffleBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.output, self.reduce)
    }
}

/// Which try at which partition of which stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskAttempt {
    /// Names this try alone.
    pub task: TaskId,
    /// The stage.
    pub stage: StageId,
    /// How often the stage had been submitted before, from 0.
    pub stage_attempt: u32,
    /// The partition.
    pub partition: PartitionId,
    /// How many tries at this partition failed before this one.
    pub attempt: u32,
}

impl fmt::Display for TaskAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} attempt {}", self.stage, self.partition, self.attempt + 1)
    }
}
