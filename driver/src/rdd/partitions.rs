//! How many partitions there may be.

use crate::{Error, Result};
use rsk_proto::TaskError;
use serde::{Deserialize, Serialize};

/// More than anybody needs, and few enough that a list of them fits in memory.
const PARTITIONS_MAX: usize = 1 << 24;

/// Refuses a number of partitions that no RDD can have.
pub(crate) fn check_partitions(partitions: usize) -> Result<()> {
    if partitions == 0 || partitions > PARTITIONS_MAX {
        return Err(Error::Argument(format!(
            "{partitions} partitions: from 1 to {PARTITIONS_MAX} are possible"
        )));
    }
    Ok(())
}

/// So many partitions were asked for by a call that cannot fail: an impossible number fails its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked(pub(crate) usize);

impl Asked {
    /// The nearest number that is possible.
    pub(crate) fn possible(self) -> usize {
        self.0.clamp(1, PARTITIONS_MAX)
    }

    /// For tasks: was the number possible?
    pub(crate) fn check(self) -> Result<(), TaskError> {
        check_partitions(self.0).map_err(|error| TaskError::Contract(error.to_string()))
    }
}
