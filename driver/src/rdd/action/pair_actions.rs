//! Actions on pairs of key and value.

use super::{
    collect::Collect,
    count::count_by,
    result,
    save::{self, SaveOptions, SaveSequence},
    scan::scan_on,
};
use crate::{
    Error, Result,
    local::guarded,
    rdd::{Determinism, Rdd, partitioner::Spread},
};
use rsk_proto::{Data, PartitionId};
use rsk_storage::{Compression, Writable};
use std::{collections::BTreeMap, hash::Hash, path::Path};

/// What brings an answer about pairs to the driver. Each runs a job and waits for it.
///
/// Cost: where none is said, one pass over the records without a shuffle of its own.
pub trait PairActions<K: Data, V: Data>: Rdd<Item = (K, V)> {
    /// How many records each key has.
    ///
    /// Cost: nothing is shuffled; each task holds its distinct keys, the driver those of all. Where they are too many, use
    /// `map_values(|_| 1).reduce_by_key(|a, b| a + b)`.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let pairs = ctx.range(0..10, 3).map(|n| (n % 3, n));
    /// assert_eq!(pairs.count_by_key()?.into_iter().collect::<Vec<_>>(), [(0, 4), (1, 3), (2, 3)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn count_by_key(&self) -> Result<BTreeMap<K, u64>>
    where
        K: Hash + Ord,
    {
        count_by(self, |(key, _)| key)
    }

    /// The values of one key, in partition order.
    ///
    /// Cost: where it is known which partition has the key, as after `reduce_by_key`, and after a sort once a job has
    /// found its bounds, that partition alone is computed; otherwise all are.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..10, 3).map(|n| (n % 3, n));
    /// assert_eq!(pairs.lookup(1)?, [1, 4, 7]);
    /// assert_eq!(pairs.reduce_by_key(|a, b| a + b).lookup(1)?, [12]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn lookup(&self, key: K) -> Result<Vec<V>>
    where
        K: Sync + Eq,
    {
        let mut found = Vec::new();
        scan_on(
            self,
            &partitions_of(self, &key)?,
            key,
            |_| Vec::new(),
            |key, found, (own, value)| {
                if own == *key {
                    found.push(value);
                }
            },
            |part: Vec<V>| found.extend(part),
        )?;
        Ok(found)
    }

    /// All pairs as a map in the driver; of a key that comes more than once, the last value.
    ///
    /// Cost: they must fit in the driver's memory.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let last = ctx.range(0..10, 3).map(|n| (n % 3, n)).collect_as_map()?;
    /// assert_eq!(last.into_iter().collect::<Vec<_>>(), [(0, 9), (1, 7), (2, 8)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn collect_as_map(&self) -> Result<BTreeMap<K, V>>
    where
        K: Ord,
    {
        let mut all = BTreeMap::new();
        result::run(self, &Collect, |part: Vec<(K, V)>| all.extend(part))?;
        Ok(all)
    }

    /// Writes the pairs as Hadoop's SequenceFiles, a part a partition, for [`sequence_file`](crate::Context::sequence_file), Spark
    /// and whatever else reads them; all else is as with [`save_as_text_file`](super::Actions::save_as_text_file). Which types
    /// stand for which classes says [`Writable`].
    ///
    /// Cost: `Compression::Blocks` packs best and fastest. `Records` packs each value by itself, which is worth it where they
    /// are large.
    ///
    /// ```
    /// use rsk::{Codec, Compression, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..4, 2).map(|n| (n as i64, n.to_string()));
    /// pairs.save_as_sequence_file(&folder, Compression::Blocks(Codec::Snappy))?;
    /// let back = ctx.sequence_file::<i64, String>(&folder.display().to_string())?;
    /// assert_eq!(back.collect()?, pairs.collect()?);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_sequence_file(&self, folder: impl AsRef<Path>, compression: Compression) -> Result<()>
    where
        K: Writable,
        V: Writable,
    {
        self.save_as_sequence_file_with(folder, compression, SaveOptions::default())
    }

    /// [`save_as_sequence_file`](PairActions::save_as_sequence_file), over what is there, or beside it.
    ///
    /// Errors: `options` has a codec, which belongs into `compression`.
    ///
    /// ```
    /// use rsk::{Compression, SaveMode, SaveOptions, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let pairs = rsk::Context::new("local")?.range(0..4, 2).map(|n| (n as i64, n.to_string()));
    /// for mode in [SaveMode::Error, SaveMode::Overwrite] {
    ///     pairs.save_as_sequence_file_with(&folder, Compression::None, SaveOptions::default().mode(mode))?;
    /// }
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_sequence_file_with(
        &self,
        folder: impl AsRef<Path>,
        compression: Compression,
        options: SaveOptions,
    ) -> Result<()>
    where
        K: Writable,
        V: Writable,
    {
        options.check_unpacked("save_as_sequence_file")?;
        save::save(self, folder.as_ref(), options.save_mode(), SaveSequence(compression))
    }
}

impl<K: Data, V: Data, R: Rdd<Item = (K, V)>> PairActions<K, V> for R {}

/// Where the records of a key may be.
fn partitions_of<K: 'static>(rdd: &impl Rdd, key: &K) -> Result<Vec<PartitionId>> {
    let all = rdd.partitions();
    let partitioner = rdd.partitioning().and_then(|known| known.partitioner::<K>());
    // A partitioner that waits for a stage, such as that of a sort for its bounds, cannot be asked before; and the answer
    // must hold until the job has read the partition.
    let is_lasting = rdd.determinism() != Determinism::Indeterminate;
    let Some(partitioner) = partitioner.filter(|partitioner| partitioner.is_known() && is_lasting) else {
        return Ok((0..all).map(PartitionId::of).collect());
    };
    match guarded("asking a partitioner", || partitioner.partition(key)) {
        Ok(partition) if partition < all => Ok(vec![PartitionId::of(partition)]),
        Ok(partition) => {
            Err(Error::Argument(format!("the partitioner answers partition {partition} of {all}")))
        }
        Err(panic) => Err(Error::Argument(panic.to_string())),
    }
}
