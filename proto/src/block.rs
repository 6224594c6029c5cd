//! Names of blocks: bytes or records that an executor keeps.

use crate::{PartitionId, RddId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Named bytes on an executor.
///
/// Shape: prints as `rdd-4-part-7` and parses back to the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockId {
    /// The persisted RDD.
    pub rdd: RddId,
    /// Its partition.
    pub partition: PartitionId,
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.rdd, self.partition)
    }
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
#[error("{0:?} names no block: expected rdd-N-part-N")]
pub struct ParseBlockError(String);

impl FromStr for BlockId {
    type Err = ParseBlockError;

    fn from_str(text: &str) -> Result<Self, ParseBlockError> {
        let parse = || {
            let (rdd, partition) = text.strip_prefix("rdd-")?.split_once("-part-")?;
            Some(BlockId { rdd: RddId(rdd.parse().ok()?), partition: PartitionId(partition.parse().ok()?) })
        };
        parse().ok_or_else(|| ParseBlockError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_id_prints_and_parses_back() {
        let block = BlockId { rdd: RddId(4), partition: PartitionId(7) };
        assert_eq!(block.to_string(), "rdd-4-part-7");
        assert_eq!("rdd-4-part-7".parse(), Ok(block));
        assert!("rdd-4".parse::<BlockId>().is_err());
    }
}
