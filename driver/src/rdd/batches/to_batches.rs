//! Record batches of typed records.

use crate::{
    Error, Result,
    rdd::{Items, Rdd, Transform},
};
use arrow_array::RecordBatch;
use rsk_proto::{Cause, Data, OrRaise, TaskError};
use rsk_storage::{BATCH_ROWS, RowSchema, RowsError};

/// The operator that makes columns of records.
///
/// Cost: where none is said, one pass over the records without a shuffle.
pub trait Batches: Rdd<Item: Data> {
    /// The records as record batches of 8192 rows, a column a field of their type.
    ///
    /// Shape: a partition without records gives one batch without rows, so that its columns are known. Enums without data
    /// become text, maps Arrow's maps, an `Option` may be nothing.
    ///
    /// Errors: the type is no struct, or a field of it holds itself or has no type of its own: known before any task runs.
    ///
    /// Bounds: a batch and its records.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Square { of: u32, is: u64 }
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let squares = ctx.range(0..20_000, 1).map(|n| Square { of: n as u32, is: n * n });
    /// let sizes = squares.batches()?.map(|batch| (batch.num_rows(), batch.num_columns()));
    /// assert_eq!(sizes.collect()?, [(8192, 2), (8192, 2), (3616, 2)]);
    /// assert!(ctx.range(0..3, 1).batches().is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn batches(&self) -> Result<impl Rdd<Item = RecordBatch>> {
        RowSchema::of::<Self::Item>()
            .map_err(|error| Error::Argument(format!("{error}: {}", error.cause)))?;
        Ok(self.map_partitions(|items: Items<Self::Item>| {
            let schema = RowSchema::of::<Self::Item>().map_err(|error| failed(&error)).or_raise();
            let (mut items, mut is_first) = (items, true);
            std::iter::from_fn(move || {
                let rows: Vec<_> = items.by_ref().take(BATCH_ROWS).collect();
                let batch = (is_first || !rows.is_empty())
                    .then(|| schema.batch(&rows).map_err(|error| failed(&error)).or_raise());
                is_first = false;
                batch
            })
        }))
    }
}

fn failed(error: &RowsError) -> TaskError {
    TaskError::User(Cause::of(error))
}

impl<R: Rdd<Item: Data>> Batches for R {}
