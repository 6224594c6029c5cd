//! `ctx.avro_file(paths)`: the records of Avro files.

use super::{Files, Format, text_file::within};
use crate::{Context, Result};
use rsk_executor::TaskContext;
use rsk_storage::{ReadError, TextOptions, TextPartition, plan_avro, read_avro};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{any::type_name, fmt, marker::PhantomData};

/// Records of Avro files, split by split.
pub type AvroFile<T> = Files<AvroRecords<T>>;

/// How records of a type are read.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct AvroRecords<T>(TextOptions, PhantomData<fn() -> T>);

impl<T> Clone for AvroRecords<T> {
    fn clone(&self) -> Self {
        AvroRecords(self.0.clone(), PhantomData)
    }
}

impl<T> fmt::Debug for AvroRecords<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AvroRecords<{}>", type_name::<T>())
    }
}

impl<T: DeserializeOwned + Send + 'static> Format for AvroRecords<T> {
    type Split = TextPartition;
    type Item = T;

    const LOOK_EVERY: u32 = 1024;

    fn read(
        &self,
        split: TextPartition,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<T, ReadError>> + 'static {
        read_avro(task.executor().storage(), split, within(&self.0, task).record_bytes_max)
    }
}

impl Context {
    /// The records of Avro's object container files, each of the type asked for, whatever packs their blocks: nothing, deflate,
    /// bzip2, snappy or zstandard. What `paths` may be is as with [`text_file`](Context::text_file).
    ///
    /// Each file's own schema says how it is read, the type what becomes of it: a struct that derives `Deserialize` finds its
    /// fields by name and passes others over, a tuple takes them in order; numbers become wider, or are checked; an `Option` is a
    /// union with null; an enum is an enum or, by the names of Avro's types, a union. Types that Avro calls logical come as what
    /// they are made of: a date as days, a timestamp as its number.
    ///
    /// Shape: a partition for each 32 MiB of a file, and at least as many as there are slots; a record belongs to the partition
    /// in which the sync marker before its block is.
    ///
    /// Errors: input that is missing or cannot be listed; while a job reads: a record that is not of the type, with its block's
    /// first byte; a file that is no Avro file, of an unknown codec, damaged or shrunk. But snappy's and bzip2's, blocks have
    /// no checksums.
    ///
    /// ```
    /// use rsk::{AvroCodec, prelude::*};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Visit { page: String, seconds: Option<f64> }
    /// let schema = r#"{"type": "record", "name": "Visit", "fields": [
    ///     {"name": "page", "type": "string"}, {"name": "seconds", "type": ["null", "double"]}]}"#;
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let visits = ctx.range(0..9, 3).map(|n| Visit { page: format!("/{n}"), seconds: (n > 5).then_some(n as f64) });
    /// visits.save_as_avro(&folder, schema, AvroCodec::Snappy)?;
    /// let path = folder.display().to_string();
    /// assert_eq!(ctx.avro_file::<Visit>(&path)?.flat_map(|visit| visit.seconds).sum()?, 21.0);
    /// assert_eq!(ctx.avro_file::<(String, Option<f64>)>(&path)?.first()?, ("/0".to_owned(), None));
    /// let error = ctx.avro_file::<(u32, f64)>(&path)?.count().unwrap_err();
    /// assert!(format!("{error:?}").contains("page: invalid type: string"));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn avro_file<T: DeserializeOwned + Send + 'static>(&self, paths: &str) -> Result<AvroFile<T>> {
        let options = self.text_options();
        Ok(Files::new(self, plan_avro(&self.list(paths)?, &options), AvroRecords(options, PhantomData)))
    }
}
