//! Names of blocks: bytes or records that an executor keeps.

use crate::{BlockEpoch, ExecutorId, PartitionId, RddId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Named bytes on an executor.
///
/// Shape: prints as `rdd-4-part-7`, or `rdd-4-part-7-epoch-2` after the first epoch, and parses back to the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockId {
    /// The persisted RDD.
    pub rdd: RddId,
    /// Its partition.
    pub partition: PartitionId,
    /// What was made before the RDD's blocks were forgotten last is another block than what was made after it.
    pub epoch: BlockEpoch,
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.rdd, self.partition)?;
        if self.epoch == BlockEpoch::FIRST { Ok(()) } else { write!(f, "-{}", self.epoch) }
    }
}

/// An executor that is believed to hold a block, and gives it to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockHolder {
    /// The executor.
    pub executor: ExecutorId,
    /// `host:port` where it gives its blocks.
    pub at: String,
}

/// Where a persisted RDD's blocks are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StorageLevel {
    /// As records in memory; a block that does not fit is computed again when it is needed.
    MemoryOnly,
    /// As encoded bytes in memory, several times smaller; a block that does not fit is computed again.
    MemoryOnlySer,
    /// As records in memory, and on disk when there is no room.
    MemoryAndDisk,
    /// On disk.
    DiskOnly,
}

/// The text names no block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no block: expected rdd-N-part-N or rdd-N-part-N-epoch-N")]
pub struct ParseBlockError(String);

impl FromStr for BlockId {
    type Err = ParseBlockError;

    fn from_str(text: &str) -> Result<Self, ParseBlockError> {
        let parse = || {
            let (rdd, rest) = text.strip_prefix("rdd-")?.split_once("-part-")?;
            let (partition, epoch) = rest.split_once("-epoch-").unwrap_or((rest, "0"));
            Some(BlockId {
                rdd: RddId(rdd.parse().ok()?),
                partition: PartitionId(partition.parse().ok()?),
                epoch: BlockEpoch(epoch.parse().ok()?),
            })
        };
        parse().ok_or_else(|| ParseBlockError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_id_prints_and_parses_back() {
        let block = BlockId { rdd: RddId(4), partition: PartitionId(7), epoch: BlockEpoch::FIRST };
        assert_eq!(block.to_string(), "rdd-4-part-7");
        assert_eq!("rdd-4-part-7".parse(), Ok(block));
        let block = BlockId { epoch: BlockEpoch(2), ..block };
        assert_eq!(block.to_string(), "rdd-4-part-7-epoch-2");
        assert_eq!("rdd-4-part-7-epoch-2".parse(), Ok(block));
        assert!("rdd-4".parse::<BlockId>().is_err());
    }
}
