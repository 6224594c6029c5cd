//! `ctx.sequence_file(paths)`: the pairs of Hadoop's SequenceFiles.

use super::{Files, Format, text_file::within};
use crate::{Context, Result};
use rsk_executor::TaskContext;
use rsk_storage::{ReadError, TextOptions, TextPartition, Writable, plan_sequence, read_sequence};
use serde::{Deserialize, Serialize};
use std::{any::type_name, fmt, marker::PhantomData};

/// Pairs of SequenceFiles, split by split.
pub type SequenceFile<K, V> = Files<Pairs<K, V>>;

/// How pairs of two types are read.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Pairs<K, V>(TextOptions, PhantomData<fn() -> (K, V)>);

impl<K, V> Clone for Pairs<K, V> {
    fn clone(&self) -> Self {
        Pairs(self.0.clone(), PhantomData)
    }
}

impl<K, V> fmt::Debug for Pairs<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pairs<{}, {}>", type_name::<K>(), type_name::<V>())
    }
}

impl<K: Writable, V: Writable> Format for Pairs<K, V> {
    type Split = TextPartition;
    type Item = (K, V);

    const LOOK_EVERY: u32 = 4096;

    fn read(
        &self,
        split: TextPartition,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<(K, V), ReadError>> + 'static {
        read_sequence(task.executor().storage(), split, within(&self.0, task).record_bytes_max)
    }
}

impl Context {
    /// The pairs of Hadoop's SequenceFiles, whatever packs them: none, or gzip, zlib, bzip2, zstd, lz4 or snappy by records or
    /// by blocks. What `paths` may be is as with [`text_file`](Context::text_file); which types stand for which classes says
    /// [`Writable`].
    ///
    /// Shape: a partition for each 32 MiB of a file, and at least as many as there are slots; a pair belongs to the partition
    /// in which the sync marker before it is.
    ///
    /// Errors: input that is missing or cannot be listed; while a job reads: a file of other classes, all named; one that is no
    /// SequenceFile, of an unknown codec or version, damaged or shrunk. A file that is not packed has no checksums.
    ///
    /// ```
    /// use rsk::{Codec, Compression, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let pairs = ctx.range(0..9, 3).map(|n| (n.to_string(), n as f64));
    /// pairs.save_as_sequence_file(&folder, Compression::Blocks(Codec::Gzip))?;
    /// let path = folder.display().to_string();
    /// assert_eq!(ctx.sequence_file::<String, f64>(&path)?.collect()?, pairs.collect()?);
    /// let error = ctx.sequence_file::<String, i32>(&path)?.count().unwrap_err();
    /// assert!(format!("{error:?}").contains("values are org.apache.hadoop.io.DoubleWritable, not"));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn sequence_file<K: Writable, V: Writable>(&self, paths: &str) -> Result<SequenceFile<K, V>> {
        let options = self.text_options();
        Ok(Files::new(self, plan_sequence(&self.list(paths)?, &options), Pairs(options, PhantomData)))
    }
}
