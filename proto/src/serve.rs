//! What an executor asks the agent that keeps another executor's map outputs, over one stream of bytes.
//!
//! Shape: the messages of [`send`](crate::send) and [`receive`](crate::receive), one answer a question, in their order.
//! After [`FetchReply::Block`] come so many bytes as they are in the file, without a frame. An agent that does not know
//! the messages' version hangs up. Bump [`SERVE_VERSION`] when a message changes.

use crate::{Cause, ShuffleBlock, ValueId, cluster::FrameworkId};
use serde::{Deserialize, Serialize};

/// Both sides must speak the same version.
pub const SERVE_VERSION: u32 = 1;

/// Asks for one thing that an application left with an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchRequest {
    /// [`SERVE_VERSION`].
    pub version: u32,
    /// Whose files they are.
    pub framework: FrameworkId,
    /// What is wanted.
    pub wanted: Wanted,
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    /// One reduce partition's part of one map output.
    Block {
        /// The block.
        block: ShuffleBlock,
        /// How many reduce partitions the output was written for.
        partitions: u32,
    },
    /// A value that tasks name: its name is the checksum.
    Value(ValueId),
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FetchReply {
    /// The bytes follow.
    Block {
        /// How many.
        bytes: u64,
        /// The CRC32C of a block, by the index: the reader compares, so that damage on the way is found as damage on the
        /// disk is. Zero for a value.
        crc32c: u32,
    },
    /// It is not there, or its index is not that of this output.
    Missing(Cause),
}
