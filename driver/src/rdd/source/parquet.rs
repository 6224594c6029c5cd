//! `ctx.read_parquet(paths)`: the record batches of Parquet files.

use super::{Files, Format};
use crate::{Context, Result};
use arrow_array::RecordBatch;
use rsk_executor::TaskContext;
use rsk_storage::{
    ColumnRange, ColumnValue, ParquetOptions, ReadError, TextPartition, plan_batches, read_parquet,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeBounds;

/// Record batches of Parquet files, by their row groups.
pub type ParquetFiles = Files<ParquetBatches>;

/// What is read of Parquet files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ParquetBatches(ParquetOptions);

impl Format for ParquetBatches {
    type Split = TextPartition;
    type Item = RecordBatch;

    const LOOK_EVERY: u32 = 1;

    fn read(
        &self,
        split: TextPartition,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<RecordBatch, ReadError>> + 'static {
        read_parquet(task.executor().storage(), split, &self.0)
    }
}

impl Context {
    /// The record batches of Parquet files, of at most 8192 rows each: columns as Arrow has them, for programs that are fast by
    /// columns. [`rows`](crate::rdd::batches::RecordBatches::rows) makes typed rows of them. What `paths` may be is as with
    /// [`text_file`](Context::text_file).
    ///
    /// Shape: a partition for each 32 MiB of a file, and at least as many as there are slots; a row group belongs to the
    /// partition in which it begins, so that some may have none. Batches cannot be shuffled, kept or collected: what is made
    /// of them can.
    ///
    /// Cost: each task reads its files' footers, and of its row groups the columns that were asked for, page by page.
    ///
    /// Errors: input that is missing or cannot be listed; while a job reads: a file that is damaged, has shrunk, or is packed by
    /// another codec than snappy, gzip, lz4 or zstd.
    ///
    /// ```
    /// use rsk::{arrow::array::{cast::AsArray, types::Float64Type}, prelude::*};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Sale { city: String, price: f64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let sales = ctx.range(0..100, 2).map(|n| Sale { city: format!("{}", n % 7), price: n as f64 });
    /// sales.batches()?.save_as_parquet(&folder)?;
    /// let prices = ctx.read_parquet(&folder.display().to_string())?.columns(["price"]);
    /// let sums = prices.map(|batch| batch.column(0).as_primitive::<Float64Type>().values().iter().sum::<f64>());
    /// assert_eq!(sums.sum()?, 4950.0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn read_parquet(&self, paths: &str) -> Result<ParquetFiles> {
        let splits = plan_batches(&self.list(paths)?, &self.text_options());
        Ok(Files::new(self, splits, ParquetBatches(ParquetOptions::default())))
    }
}

impl Files<ParquetBatches> {
    /// These columns alone, in this order; one in another is named with a dot between, and comes within that.
    ///
    /// Errors, while a job reads: a file that has no such column, with those that it has.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Sale { city: String, price: f64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// let sales = ctx.range(0..3, 1).map(|n| Sale { city: n.to_string(), price: 0.5 });
    /// sales.batches()?.save_as_parquet(&folder)?;
    /// let files = ctx.read_parquet(&folder.display().to_string())?;
    /// assert_eq!(files.columns(["price", "city"]).map(|batch| batch.schema_ref().field(0).name().clone()).first()?, "price");
    /// let error = files.columns(["pirce"]).count().unwrap_err();
    /// assert!(format!("{error:?}").contains("its columns are city, price"));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    #[must_use]
    pub fn columns<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> ParquetFiles {
        let columns = Some(columns.into_iter().map(str::to_owned).collect());
        self.with_format(ParquetBatches(ParquetOptions { columns, ..self.format().0.clone() }))
    }

    /// Without the row groups of which the statistics say that `column` has no value in `range`. The others are whole: rows with
    /// other values are still among theirs. Where it is called twice, both must be possible.
    ///
    /// Numbers are compared with numbers (days and timestamps are numbers in their own unit), text with text; groups without
    /// statistics, or that cannot be compared, are read.
    ///
    /// Errors, while a job reads: a file that has no such column.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Sale { day: i32, price: f64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// let sales = ctx.range(0..300, 3).map(|n| Sale { day: n as i32, price: 0.5 });
    /// sales.batches()?.save_as_parquet(&folder)?;
    /// let files = ctx.read_parquet(&folder.display().to_string())?.groups_with("day", 150..=199);
    /// assert_eq!(files.map(|batch| batch.num_rows() as u64).sum()?, 100);
    /// assert_eq!(files.rows::<Sale>().filter(|sale| sale.day >= 150).count()?, 50);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    #[must_use]
    pub fn groups_with<V: Into<ColumnValue> + Clone>(
        &self,
        column: &str,
        range: impl RangeBounds<V>,
    ) -> ParquetFiles {
        let mut options = self.format().0.clone();
        options.groups_with.push(ColumnRange::new(column, range));
        self.with_format(ParquetBatches(options))
    }

    /// Batches of at most so many rows.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Number { n: u64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..100, 1).map(|n| Number { n }).batches()?.save_as_parquet(&folder)?;
    /// let files = ctx.read_parquet(&folder.display().to_string())?;
    /// assert_eq!(files.batch_rows(40).map(|batch| batch.num_rows()).collect()?, [40, 40, 20]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    #[must_use]
    pub fn batch_rows(&self, batch_rows: usize) -> ParquetFiles {
        self.with_format(ParquetBatches(ParquetOptions { batch_rows, ..self.format().0.clone() }))
    }
}
