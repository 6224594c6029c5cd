//! What an executor asks another that holds a cached block, over one stream of bytes: one question a connection.
//!
//! Shape: a [`BlockRequest`] and a [`BlockReply`], each as [`send`](crate::send) sends it. After [`BlockReply::Sections`]
//! comes the block as it would be in a file of its executor, to the section that ends it; then the holder hangs up, as it
//! does at once on who speaks another version or does not know the secret. Bump [`BLOCK_FETCH_VERSION`] when a message
//! changes.

use crate::{BlockId, Cause};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Both sides must speak the same version.
pub const BLOCK_FETCH_VERSION: u32 = 1;

/// What the executors of one application know, and nobody else.
///
/// ```
/// use rsk_proto::BlockSecret;
/// let ours = BlockSecret::new([7; 16]);
/// assert!(ours.is(BlockSecret::new([7; 16])) && !ours.is(BlockSecret::new([8; 16])));
/// assert_eq!(format!("{ours:?}"), "BlockSecret", "it is not for logs");
/// ```
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct BlockSecret([u8; 16]);

impl BlockSecret {
    /// These random bytes.
    pub const fn new(random: [u8; 16]) -> Self {
        BlockSecret(random)
    }

    /// Is it the same? Takes the same time wherever they differ.
    pub fn is(&self, other: BlockSecret) -> bool {
        self.0.iter().zip(other.0).fold(0, |differences, (own, theirs)| differences | (own ^ theirs)) == 0
    }
}

impl fmt::Debug for BlockSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockSecret")
    }
}

/// Asks for one block.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct BlockRequest {
    /// [`BLOCK_FETCH_VERSION`].
    pub version: u32,
    /// What shows that it is asked for by the same application.
    pub secret: BlockSecret,
    /// The block.
    pub block: BlockId,
}

/// What the holder answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockReply {
    /// The block follows.
    Sections,
    /// It is not there, evicted for instance.
    Missing(Cause),
}
