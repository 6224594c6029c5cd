//! What becomes of what is there already.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a job does where its output exists already.
///
/// ```
/// assert_eq!(rsk_storage::SaveMode::default(), rsk_storage::SaveMode::Error);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SaveMode {
    /// It is refused before any task runs.
    #[default]
    Error,
    /// All that is there goes when the job has succeeded, and not before.
    ///
    /// A folder that is no output, with neither `_SUCCESS` nor a log in it, is refused unless it is empty.
    Overwrite,
    /// What is there stays, and the job's parts come beside it. Their names carry the job's name.
    Append,
}

impl fmt::Display for SaveMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SaveMode::Error => "error",
            SaveMode::Overwrite => "overwrite",
            SaveMode::Append => "append",
        })
    }
}
