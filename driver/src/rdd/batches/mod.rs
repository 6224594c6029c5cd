//! RDDs of record batches: columns of many rows, as Arrow has them.

mod rows;
mod save;
mod to_batches;

pub use rows::RecordBatches;
pub use save::ParquetSave;
pub use to_batches::Batches;
