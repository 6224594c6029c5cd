//! What can be done with an RDD of record batches that cannot be done with others.

use super::ParquetSave;
use crate::{
    Result, SaveOptions,
    rdd::{Rdd, Transform, action},
};
use arrow_array::RecordBatch;
use rsk_proto::{Cause, OrRaise, TaskError};
use rsk_storage::{ArrowCodec, rows_of};
use serde::de::DeserializeOwned;
use std::path::Path;

/// Operators and actions on record batches.
///
/// Cost: where none is said, one pass over the batches without a shuffle.
pub trait RecordBatches: Rdd<Item = RecordBatch> {
    /// The rows of the batches, each as the type asked for: a struct that derives `Deserialize` finds its fields by the names of
    /// columns.
    ///
    /// Errors, while a job reads: a column is missing, or is not of the field's type; a row has no value where no `Option` is.
    ///
    /// Cost: a batch's rows are in memory at a time. Where few columns are needed, ask for those first: see
    /// [`columns`](crate::rdd::source::ParquetFiles).
    ///
    /// ```
    /// use rsk::prelude::*;
    /// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    /// struct Visit { page: String, seconds: Option<f64> }
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let visits = ctx.range(0..9, 3).map(|n| Visit { page: format!("/{n}"), seconds: (n > 5).then_some(0.5) });
    /// assert_eq!(visits.batches()?.rows::<Visit>().collect()?, visits.collect()?);
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Other { page: u8 }
    /// assert!(visits.batches()?.rows::<Other>().count().is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn rows<T: DeserializeOwned + Send + 'static>(&self) -> impl Rdd<Item = T> {
        self.flat_map(|batch| {
            rows_of::<T>(&batch).map_err(|error| TaskError::BadInput(Cause::of(&error))).or_raise()
        })
    }

    /// Writes the batches as Parquet files, packed by snappy, in row groups of about 32 MiB, into parts `part-00000.parquet` and so
    /// on; all else is as with [`save_as_text_file`](crate::rdd::action::Actions::save_as_text_file). A partition without a
    /// batch has no part.
    ///
    /// Bounds: a row group, or less where a task's share of memory is small.
    ///
    /// Errors: batches of one partition with different columns.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    /// struct Number { n: u64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// let numbers = ctx.range(0..9, 3).map(|n| Number { n });
    /// numbers.batches()?.save_as_parquet(&folder)?;
    /// assert!(folder.join("part-00002.parquet").exists());
    /// assert_eq!(ctx.read_parquet(&folder.display().to_string())?.rows::<Number>().collect()?, numbers.collect()?);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_parquet(&self, folder: impl AsRef<Path>) -> Result<()> {
        self.save_as_parquet_with(folder, ParquetSave::default(), SaveOptions::default())
    }

    /// [`save_as_parquet`](RecordBatches::save_as_parquet), written in another way, over what is there, or beside it.
    ///
    /// Errors: options with a codec, as the file packs itself.
    ///
    /// ```
    /// use rsk::{ParquetCodec, SaveMode, SaveOptions, prelude::*, rdd::batches::ParquetSave};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Number { n: u64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// let parquet = ParquetSave { codec: ParquetCodec::Zstd, group_bytes: 8 << 20 };
    /// let numbers = ctx.range(0..9, 1).map(|n| Number { n }).batches()?;
    /// for mode in [SaveMode::Error, SaveMode::Overwrite, SaveMode::Append] {
    ///     numbers.save_as_parquet_with(&folder, parquet.clone(), SaveOptions::default().mode(mode))?;
    /// }
    /// assert_eq!(ctx.read_parquet(&folder.display().to_string())?.rows::<Number>().count()?, 18);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_parquet_with(
        &self,
        folder: impl AsRef<Path>,
        parquet: ParquetSave,
        options: SaveOptions,
    ) -> Result<()> {
        options.check_unpacked("save_as_parquet")?;
        action::save(self, folder.as_ref(), options.save_mode(), parquet)
    }

    /// Writes the batches as Arrow's own files, with a footer, into parts `part-00000.arrow` and so on; all else is as with
    /// [`save_as_parquet`](RecordBatches::save_as_parquet).
    ///
    /// ```
    /// use rsk::{ArrowCodec, prelude::*};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Number { n: u64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..9, 1).map(|n| Number { n }).batches()?.save_as_arrow(&folder, ArrowCodec::Lz4)?;
    /// assert_eq!(ctx.read_arrow(&folder.display().to_string())?.map(|batch| batch.num_rows()).collect()?, [9]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_arrow(&self, folder: impl AsRef<Path>, codec: ArrowCodec) -> Result<()> {
        self.save_as_arrow_with(folder, codec, SaveOptions::default())
    }

    /// [`save_as_arrow`](RecordBatches::save_as_arrow), over what is there, or beside it.
    ///
    /// Errors: options with a codec, as the file packs itself.
    ///
    /// ```
    /// use rsk::{ArrowCodec, SaveMode, SaveOptions, prelude::*};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Number { n: u64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// let numbers = ctx.range(0..9, 1).map(|n| Number { n }).batches()?;
    /// for mode in [SaveMode::Error, SaveMode::Overwrite] {
    ///     numbers.save_as_arrow_with(&folder, ArrowCodec::None, SaveOptions::default().mode(mode))?;
    /// }
    /// assert_eq!(ctx.read_arrow(&folder.display().to_string())?.map(|batch| batch.num_rows()).collect()?, [9]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_arrow_with(
        &self,
        folder: impl AsRef<Path>,
        codec: ArrowCodec,
        options: SaveOptions,
    ) -> Result<()> {
        options.check_unpacked("save_as_arrow")?;
        action::save(self, folder.as_ref(), options.save_mode(), codec)
    }
}

impl<R: Rdd<Item = RecordBatch>> RecordBatches for R {}
