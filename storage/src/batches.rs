//! Record batches: columns of many records, as Arrow has them, in Parquet's files and Arrow's own, and as typed rows.
//!
//! Arrow's crates do the reading and writing; here is which batches belong to which split, what of a file is not read at all,
//! and what errors are called.

mod guard;
mod ipc;
mod parquet;
mod rows;

pub use ipc::{ArrowCodec, ArrowPartWriter, read_arrow};
pub use parquet::{ColumnRange, ColumnValue, ParquetCodec, ParquetOptions, ParquetPartWriter, read_parquet};
pub use rows::{BATCH_ROWS, RowSchema, RowsError, rows_of};

use crate::{InputFile, TextOptions, TextPartition, plan::plan_where};

/// Cuts files of record batches into partitions, as [`plan`](crate::plan) does text, whatever their names.
///
/// ```
/// use rsk_storage::{InputFile, TextOptions, plan_batches};
/// let files = [InputFile::new("a.parquet", 250)];
/// let options = TextOptions { block_bytes: 100, ..TextOptions::default() };
/// assert_eq!(plan_batches(&files, &options).len(), 3);
/// ```
pub fn plan_batches(files: &[InputFile], options: &TextOptions) -> Vec<TextPartition> {
    plan_where(files, options, |_| true)
}
