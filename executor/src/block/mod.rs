//! Cached partitions: in memory or on disk, evicted when room is needed.

use std::path::PathBuf;

/// The blocks of one executor.
#[derive(Debug)]
pub struct BlockStore {
    _folder: PathBuf,
    _budget: u64,
}

impl BlockStore {
    /// A store that may hold `budget` bytes in memory and writes under `folder`.
    pub fn new(folder: PathBuf, budget: u64) -> Self {
        BlockStore { _folder: folder, _budget: budget }
    }
}
