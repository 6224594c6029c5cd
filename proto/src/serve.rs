//! What an executor asks the agent that keeps another executor's map outputs, over one stream of bytes.
//!
//! Shape: the messages of [`send`](crate::send) and [`receive`](crate::receive), one answer a question, in their order.
//! After [`FetchReply::Block`] come so many bytes as they are in the file, without a frame. An agent that does not know
//! the messages' version hangs up. Bump [`SERVE_VERSION`] when a message changes.

use crate::{Cause, ShuffleBlock, cluster::FrameworkId};
use serde::{Deserialize, Serialize};

/// Both sides must speak the same version.
pub const SERVE_VERSION: u32 = 1;

/// Asks for one reduce partition's part of one map output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchRequest {
    /// [`SERVE_VERSION`].
    pub version: u32,
    /// Whose files they are.
    pub framework: FrameworkId,
    /// What is wanted.
    pub block: ShuffleBlock,
    /// How many reduce partitions the output was written for.
    pub partitions: u32,
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FetchReply {
    /// The bytes follow.
    Block {
        /// How many.
        bytes: u64,
        /// Their CRC32C, by the index: the reader compares, so that damage on the way is found as damage on the disk is.
        crc32c: u32,
    },
    /// It is not there, or its index is not that of this output.
    Missing(Cause),
}
