//! What an executor asks of its driver while a task runs.

use rsk_proto::{Cause, MapOutput, PartitionId, ShuffleId, TaskError, ValueId};
use std::sync::Arc;

/// Where the map outputs of one shuffle are, one entry a map partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapOutputs {
    /// The shuffle.
    pub shuffle: ShuffleId,
    /// Its outputs, by map partition; `None` while one must be made again.
    pub outputs: Vec<Option<MapOutput>>,
}

impl MapOutputs {
    /// All outputs in map order, or the first that is missing.
    pub fn complete(&self) -> Result<Vec<MapOutput>, TaskError> {
        let missing = |map| TaskError::MapOutputMissing { shuffle: self.shuffle, map: PartitionId::of(map) };
        self.outputs
            .iter()
            .enumerate()
            .map(|(map, output)| output.clone().ok_or_else(|| missing(map)))
            .collect()
    }
}

/// The driver, as tasks see it. In local mode a table in this process; on a cluster the stream to the driver.
pub trait DriverLink: Send + Sync + 'static {
    /// The bytes of a value that a task names by its hash.
    fn value(&self, id: ValueId) -> Result<Arc<[u8]>, Cause>;

    /// Where the outputs of a shuffle are now.
    fn map_outputs(&self, shuffle: ShuffleId) -> Result<Arc<MapOutputs>, TaskError>;
}
