//! Parquet: groups of rows, a chunk of bytes for each of their columns.
//!
//! A row group belongs to the split in which its first byte is. Each task reads its file's footer; of the groups in its splits,
//! the chunks of the columns that were asked for, page by page.

mod chunks;
mod range;
mod read;
mod write;

pub use range::{ColumnRange, ColumnValue};
pub use read::{ParquetOptions, read_parquet};
pub use write::{ParquetCodec, ParquetPartWriter};

#[cfg(test)]
mod tests;
