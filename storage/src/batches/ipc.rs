//! Arrow's own files: batches as they are in memory, behind one another (a *stream*), or with a footer that tells where each is
//! (a *file*).
//!
//! A batch of a file belongs to the split in which its first byte is; all batches of a stream to the first.

mod blocks;
mod read;
mod write;

pub use read::read_arrow;
pub use write::{ArrowCodec, ArrowPartWriter};
