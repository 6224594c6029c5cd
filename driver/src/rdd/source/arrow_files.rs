//! `ctx.read_arrow(paths)`: the record batches of Arrow's own files.

use super::{Files, Format, text_file::within};
use crate::{Context, Result};
use arrow_array::RecordBatch;
use rsk_executor::TaskContext;
use rsk_storage::{ReadError, TextOptions, TextPartition, plan_batches, read_arrow};
use serde::{Deserialize, Serialize};

/// Record batches of Arrow's files.
pub type ArrowFiles = Files<ArrowBatches>;

/// What is read of Arrow's files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArrowBatches {
    columns: Option<Vec<String>>,
    options: TextOptions,
}

impl Format for ArrowBatches {
    type Split = TextPartition;
    type Item = RecordBatch;

    const LOOK_EVERY: u32 = 1;

    fn read(
        &self,
        split: TextPartition,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<RecordBatch, ReadError>> + 'static {
        read_arrow(
            task.executor().storage(),
            split,
            self.columns.clone(),
            within(&self.options, task).record_bytes_max,
        )
    }
}

impl Context {
    /// The record batches of Arrow's own files (IPC, also called Feather), as they were written. What `paths` may be is as with
    /// [`text_file`](Context::text_file).
    ///
    /// Shape: a partition for each 32 MiB of a file, and at least as many as there are slots; a batch belongs to the partition
    /// in which it begins. A stream, which has no footer, is read by one task. All else is as with
    /// [`read_parquet`](Context::read_parquet).
    ///
    /// Bounds: a batch that takes more than 256 MiB, or than a task's share of memory, is an error.
    ///
    /// ```
    /// use rsk::{ArrowCodec, prelude::*};
    /// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    /// struct Number { n: u64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let numbers = ctx.range(0..100, 2).map(|n| Number { n });
    /// numbers.batches()?.save_as_arrow(&folder, ArrowCodec::Zstd)?;
    /// let back = ctx.read_arrow(&folder.display().to_string())?.rows::<Number>();
    /// assert_eq!(back.collect()?, numbers.collect()?);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn read_arrow(&self, paths: &str) -> Result<ArrowFiles> {
        let options = self.text_options();
        let splits = plan_batches(&self.list(paths)?, &options);
        Ok(Files::new(self, splits, ArrowBatches { columns: None, options }))
    }
}

impl Files<ArrowBatches> {
    /// These columns alone, in this order.
    ///
    /// Errors, while a job reads: a file that has no such column, with those that it has.
    ///
    /// ```
    /// use rsk::{ArrowCodec, prelude::*};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Sale { city: String, price: f64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// let sales = ctx.range(0..3, 1).map(|n| Sale { city: n.to_string(), price: 0.5 });
    /// sales.batches()?.save_as_arrow(&folder, ArrowCodec::None)?;
    /// let files = ctx.read_arrow(&folder.display().to_string())?;
    /// assert_eq!(files.columns(["price"]).map(|batch| batch.num_columns()).first()?, 1);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    #[must_use]
    pub fn columns<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> ArrowFiles {
        let columns = Some(columns.into_iter().map(str::to_owned).collect());
        self.with_format(ArrowBatches { columns, ..self.format().clone() })
    }
}
