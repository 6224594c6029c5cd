//! What an executor asks of its driver while a task runs.

use rsk_proto::{Cause, MapOutputs, ShuffleId, TaskError, ValueId};
use std::sync::Arc;

/// The driver, as tasks see it. In local mode a table in this process; on a cluster the stream to the driver.
pub trait DriverLink: Send + Sync + 'static {
    /// The bytes of a value that a task names by its hash.
    fn value(&self, id: ValueId) -> Result<Arc<[u8]>, Cause>;

    /// Where the outputs of a shuffle are now.
    fn map_outputs(&self, shuffle: ShuffleId) -> Result<Arc<MapOutputs>, TaskError>;
}
