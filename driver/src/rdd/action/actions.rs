//! The trait whose methods are the actions on any RDD.

use super::{
    LocalIterator, aggregate, approx_distinct,
    collect::Collect,
    count,
    for_each::{ForEach, raise_user},
    ordered::{End, first_by},
    result, sample,
    save::{self, SaveObjects, SaveOptions, SaveText},
    take, tree,
};
use crate::{
    Error, Result,
    rdd::{Items, Pure, Rdd, Stateless, Transform},
};
use rsk_proto::Data;
use std::{
    cmp::{self, Ordering},
    collections::BTreeMap,
    fmt::Display,
    hash::Hash,
    path::Path,
};

/// What brings an answer to the driver. Each runs a job and waits for it, from whatever thread it is called.
///
/// Cost: where none is said, one pass over the records without a shuffle of its own, and an answer a partition that
/// travels to the driver.
pub trait Actions: Rdd {
    /// All records, in partition order.
    ///
    /// Cost: they must fit in the driver's memory.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.parallelize(vec![3, 1, 2], 2)?.collect()?, [3, 1, 2]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn collect(&self) -> Result<Vec<Self::Item>>
    where
        Self::Item: Data,
    {
        let mut all = Vec::new();
        result::run(self, &Collect, |part: Vec<Self::Item>| all.extend(part))?;
        Ok(all)
    }

    /// How many records there are.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..10, 3).count()?, 10);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn count(&self) -> Result<u64> {
        count::count(self)
    }

    /// All records merged two by two: within each partition first, then the partitions in order. The function must be
    /// associative; it need not be commutative.
    ///
    /// Errors: [`Error::Empty`] when there is no record.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.range(1..101, 4).reduce(|a, b| a + b)?, 5050);
    /// assert!(ctx.range(0..0, 4).reduce(|a, b| a + b).is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn reduce<F>(&self, function: F) -> Result<Self::Item>
    where
        Self::Item: Data,
        F: Fn(Self::Item, Self::Item) -> Self::Item + Stateless,
    {
        aggregate::reduce(self, &Pure::new(function), "reduce")
    }

    /// All records merged into `zero`, which is used once a partition and once more in the driver.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..3, 2).fold(100, |a, b| a + b)?, 303);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn fold<F>(&self, zero: Self::Item, function: F) -> Result<Self::Item>
    where
        Self::Item: Data + Sync + Clone,
        F: Fn(Self::Item, Self::Item) -> Self::Item + Stateless,
    {
        let function = Pure::new(function);
        aggregate::aggregate(self, zero, function, &function)
    }

    /// Records of one type made into a value of another: `merge` takes them in, within each partition, from `zero`;
    /// `combine` then merges the partitions' values in order, from `zero` once more. It must be associative.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let (sum, count) = ctx.range(1..5, 3).aggregate((0, 0), |(s, n), x| (s + x, n + 1), |a, b| (a.0 + b.0, a.1 + b.1))?;
    /// assert_eq!((sum, count), (10, 4));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn aggregate<U, S, C>(&self, zero: U, merge: S, combine: C) -> Result<U>
    where
        U: Data + Sync + Clone,
        S: Fn(U, Self::Item) -> U + Stateless,
        C: Fn(U, U) -> U + Stateless,
    {
        aggregate::aggregate(self, zero, Pure::new(merge), &Pure::new(combine))
    }

    /// [`reduce`](Actions::reduce) for many partitions: executors merge their answers level by level, so that the driver
    /// gets about as many as the `depth`th root of their number. The order is the same, and so is the answer of an
    /// associative function.
    ///
    /// Cost: a shuffle of one record a partition for each level; none where the driver would hardly get fewer. 2 is a good
    /// depth.
    ///
    /// Errors: [`Error::Empty`] when there is no record; a depth of 0.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let letters = ctx.parallelize(('a'..='z').map(String::from).collect(), 20)?;
    /// assert_eq!(letters.tree_reduce(|a, b| a + &b, 2)?, "abcdefghijklmnopqrstuvwxyz");
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn tree_reduce<F>(&self, function: F, depth: u32) -> Result<Self::Item>
    where
        Self::Item: Data,
        F: Fn(Self::Item, Self::Item) -> Self::Item + Stateless,
    {
        tree::tree_reduce(self, &Pure::new(function), depth)
    }

    /// [`aggregate`](Actions::aggregate) for many partitions, merged as [`tree_reduce`](Actions::tree_reduce) does.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.range(0..100, 30).tree_aggregate(0, |n, _| n + 1, |a, b| a + b, 2)?, 100);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn tree_aggregate<U, S, C>(&self, zero: U, merge: S, combine: C, depth: u32) -> Result<U>
    where
        U: Data + Sync + Clone,
        S: Fn(U, Self::Item) -> U + Stateless,
        C: Fn(U, U) -> U + Stateless,
    {
        tree::tree_aggregate(self, zero, Pure::new(merge), &Pure::new(combine), depth)
    }

    /// All records in partition order, a partition at a time.
    ///
    /// Cost: a job a partition, run when the records before it have been taken; the driver holds one partition. Shuffles
    /// behind it run once.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let mut items = ctx.range(0..1_000, 10).to_local_iterator();
    /// assert_eq!(items.next().transpose()?, Some(0));
    /// assert_eq!(items.map(|item| item.unwrap()).sum::<u64>(), 499_500);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn to_local_iterator(&self) -> LocalIterator<Self>
    where
        Self::Item: Data,
    {
        LocalIterator::new(self.clone())
    }

    /// How often each value comes.
    ///
    /// Cost: nothing is shuffled; each task holds its distinct values, the driver those of all. Where they are too many,
    /// use `map(|value| (value, 1)).reduce_by_key(|a, b| a + b)`.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let counts = ctx.range(0..10, 3).map(|n| n % 3).count_by_value()?;
    /// assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(0, 4), (1, 3), (2, 3)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn count_by_value(&self) -> Result<BTreeMap<Self::Item, u64>>
    where
        Self::Item: Data + Hash + Ord,
    {
        count::count_by(self, |item| item)
    }

    /// About how many different records there are, with a standard deviation of `relative_sd` of their number: 0.05 means
    /// that two of three answers are within 5 %, and 19 of 20 within 10 %.
    ///
    /// Cost: one pass without a shuffle; (1.04 / `relative_sd`)² bytes, to the next power of two, a task.
    ///
    /// Errors: [`Error::Argument`] below 0.0011.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let about = ctx.range(0..100_000, 4).map(|n| n % 10_000).count_approx_distinct(0.01)?;
    /// assert!((9_700..10_300).contains(&about), "{about}");
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn count_approx_distinct(&self, relative_sd: f64) -> Result<u64>
    where
        Self::Item: Hash,
    {
        approx_distinct::count_approx_distinct(self, relative_sd)
    }

    /// The first `n` records, or all where there are fewer.
    ///
    /// Cost: jobs over ever more partitions until there are enough records: one at first; then four times as many as so
    /// far while nothing is found, else as many as what was found lets expect and half as many again, at most four times
    /// as many as so far. A partition is computed no further than to its `n`th record.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..1_000, 100).take(3)?, [0, 1, 2]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn take(&self, n: usize) -> Result<Vec<Self::Item>>
    where
        Self::Item: Data,
    {
        take::take(self, n)
    }

    /// The first record. Costs what [`take`](Actions::take) does.
    ///
    /// Errors: [`Error::Empty`] when there is no record.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(7..1_000, 100).first()?, 7);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn first(&self) -> Result<Self::Item>
    where
        Self::Item: Data,
    {
        self.take(1)?.pop().ok_or(Error::Empty("first"))
    }

    /// Is there no record? Costs what [`take`](Actions::take) does.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert!(ctx.range(0..10, 3).filter(|n| *n > 10).is_empty()?);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn is_empty(&self) -> Result<bool> {
        Ok(self.map(|_| ()).take(1)?.is_empty())
    }

    /// The `n` greatest records, the greatest first; among equals, those that come first.
    ///
    /// Cost: one pass without a shuffle; room for 2 n records a task and in the driver.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.parallelize(vec![3, 9, 1, 4], 2)?.top(2)?, [9, 4]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn top(&self, n: usize) -> Result<Vec<Self::Item>>
    where
        Self::Item: Data + Ord,
    {
        self.top_by(n, Ord::cmp)
    }

    /// [`top`](Actions::top) by an order of your own.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let counts = ctx.parallelize(vec![("to".to_owned(), 2), ("be".to_owned(), 2), ("or".to_owned(), 1)], 2)?;
    /// assert_eq!(counts.top_by(1, |a, b| a.1.cmp(&b.1))?, [("to".to_owned(), 2)]);
    /// assert_eq!(ctx.parallelize(vec![0.5, 2.5, 1.5], 2)?.top_by(2, f64::total_cmp)?, [2.5, 1.5]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn top_by<F>(&self, n: usize, compare: F) -> Result<Vec<Self::Item>>
    where
        Self::Item: Data,
        F: Fn(&Self::Item, &Self::Item) -> Ordering + Stateless,
    {
        first_by(self, n, End::Greatest, Pure::new(compare))
    }

    /// The `n` least records, the least first; among equals, those that come first. Costs what [`top`](Actions::top) does.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.parallelize(vec![3, 9, 1, 4], 2)?.take_ordered(2)?, [1, 3]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn take_ordered(&self, n: usize) -> Result<Vec<Self::Item>>
    where
        Self::Item: Data + Ord,
    {
        self.take_ordered_by(n, Ord::cmp)
    }

    /// [`take_ordered`](Actions::take_ordered) by an order of your own.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let shortest = ctx.parallelize(vec!["three".to_owned(), "one".to_owned()], 2)?;
    /// assert_eq!(shortest.take_ordered_by(1, |a, b| a.len().cmp(&b.len()))?, ["one"]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn take_ordered_by<F>(&self, n: usize, compare: F) -> Result<Vec<Self::Item>>
    where
        Self::Item: Data,
        F: Fn(&Self::Item, &Self::Item) -> Ordering + Stateless,
    {
        first_by(self, n, End::Least, Pure::new(compare))
    }

    /// The least record; among equals, the first. Of floating-point numbers use `reduce(f64::min)` or
    /// [`stats`](super::NumberActions::stats).
    ///
    /// Errors: [`Error::Empty`] when there is no record.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.parallelize(vec![3, 9, 1, 4], 2)?.min()?, 1);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn min(&self) -> Result<Self::Item>
    where
        Self::Item: Data + Ord,
    {
        aggregate::reduce(self, &Pure::new(cmp::min::<Self::Item>), "min")
    }

    /// The greatest record; among equals, the last. Of floating-point numbers use `reduce(f64::max)` or
    /// [`stats`](super::NumberActions::stats).
    ///
    /// Errors: [`Error::Empty`] when there is no record.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.parallelize(vec![3, 9, 1, 4], 2)?.max()?, 9);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn max(&self) -> Result<Self::Item>
    where
        Self::Item: Data + Ord,
    {
        aggregate::reduce(self, &Pure::new(cmp::max::<Self::Item>), "max")
    }

    /// `n` records at random, in random order: exactly so many, each as likely as any other. Without replacement a record
    /// comes at most once, and where there are fewer than `n`, all come. The same seed gives the same sample of the same
    /// partitions.
    ///
    /// Cost: one pass without a shuffle; each task holds and sends up to `n` records. For a share of the records, or more
    /// of them than the driver holds, use `sample`.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let mut sample = ctx.range(0..100, 4).take_sample(false, 10, 42)?;
    /// assert_eq!(sample, ctx.range(0..100, 4).take_sample(false, 10, 42)?);
    /// sample.sort();
    /// sample.dedup();
    /// assert_eq!(sample.len(), 10);
    /// assert_eq!(ctx.range(0..3, 4).take_sample(true, 10, 42)?.len(), 10);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn take_sample(&self, with_replacement: bool, n: usize, seed: u64) -> Result<Vec<Self::Item>>
    where
        Self::Item: Data + Clone,
    {
        match (n, with_replacement) {
            (0, _) => Ok(Vec::new()),
            (_, false) => sample::without_replacement(self, n, seed),
            (_, true) => sample::with_replacement(self, n, seed),
        }
    }

    /// Writes a line a record into `folder`, a file a partition: `part-00000` and so on, and `_SUCCESS` at last. The folder appears
    /// when it is complete; beside the parts it holds a log, by which rsk reads it.
    ///
    /// Errors: the folder exists, which is found before any task runs; the disk is full. Whatever fails, nothing is left
    /// there. Parts of attempts that are tried again, or cancelled, are never seen.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..4, 2).save_as_text_file(&folder)?;
    /// assert_eq!(ctx.text_file(&folder.display().to_string())?.collect()?, ["0", "1", "2", "3"]);
    /// assert!(ctx.range(0..4, 2).save_as_text_file(&folder).unwrap_err().to_string().contains("exists already"));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_text_file(&self, folder: impl AsRef<Path>) -> Result<()>
    where
        Self::Item: Display,
    {
        self.save_as_text_file_with(folder, SaveOptions::default())
    }

    /// [`save_as_text_file`](Actions::save_as_text_file), packed by a codec, over what is there, or beside it.
    ///
    /// ```
    /// use rsk::{Codec, SaveMode, SaveOptions, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..4, 2).save_as_text_file_with(&folder, SaveOptions::default().compress(Codec::Bzip2))?;
    /// assert!(folder.join("part-00001.bz2").exists());
    /// assert_eq!(ctx.text_file(&folder.display().to_string())?.collect()?, ["0", "1", "2", "3"]);
    /// ctx.range(4..6, 1).save_as_text_file_with(&folder, SaveOptions::default().mode(SaveMode::Append))?;
    /// assert_eq!(ctx.text_file(&folder.display().to_string())?.collect()?, ["0", "1", "2", "3", "4", "5"]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_text_file_with(&self, folder: impl AsRef<Path>, options: SaveOptions) -> Result<()>
    where
        Self::Item: Display,
    {
        save::save(self, folder.as_ref(), options.save_mode(), SaveText(options.codec()))
    }

    /// Writes the records so that [`object_file`](crate::Context::object_file) reads them as they are, in as many
    /// partitions; all else is as with [`save_as_text_file`](Actions::save_as_text_file).
    ///
    /// Shape: checked, compressed, and under the name of the type: a program that reads what another wrote names it in a
    /// crate that both share.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..4, 2).map(|n| (n, n.to_string()));
    /// pairs.save_as_object_file(&folder)?;
    /// let back = ctx.object_file::<(u64, String)>(&folder.display().to_string())?;
    /// assert_eq!(back.collect()?, pairs.collect()?);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_object_file(&self, folder: impl AsRef<Path>) -> Result<()>
    where
        Self::Item: Data,
    {
        self.save_as_object_file_with(folder, SaveOptions::default())
    }

    /// [`save_as_object_file`](Actions::save_as_object_file), over what is there, or beside it.
    ///
    /// Errors: `options` has a codec; object files are compressed by themselves.
    ///
    /// ```
    /// use rsk::{SaveMode, SaveOptions, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..4, 2).save_as_object_file(&folder)?;
    /// ctx.range(0..2, 1).save_as_object_file_with(&folder, SaveOptions::default().mode(SaveMode::Overwrite))?;
    /// assert_eq!(ctx.object_file::<u64>(&folder.display().to_string())?.collect()?, [0, 1]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_object_file_with(&self, folder: impl AsRef<Path>, options: SaveOptions) -> Result<()>
    where
        Self::Item: Data,
    {
        options.check_unpacked("save_as_object_file")?;
        save::save(self, folder.as_ref(), options.save_mode(), SaveObjects)
    }

    /// Calls the function with each record, for what it does.
    ///
    /// A task that is tried again calls it again.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..3, 2).for_each(|x| assert!(x < 3))?;
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn for_each<F>(&self, function: F) -> Result<()>
    where
        F: Fn(Self::Item) + Stateless,
    {
        result::run(self, &ForEach(Pure::new(function)), |()| ())
    }

    /// Calls the function with each record until it fails; then the task has failed, and is tried again.
    ///
    /// Errors: what the function returned is in the chain of causes.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let failed = ctx.range(0..3, 2).try_for_each(|x| if x > 1 { Err("too large") } else { Ok(()) });
    /// assert!(format!("{:?}", failed.unwrap_err()).contains("too large"));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn try_for_each<F, X>(&self, function: F) -> Result<()>
    where
        F: Fn(Self::Item) -> Result<(), X> + Stateless,
        X: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.for_each(move |item| raise_user(function(item)))
    }

    /// Calls the function with the records of each partition, empty ones too, for what it does: to open one connection a
    /// partition, for instance.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..30, 3).for_each_partition(|items| assert_eq!(items.count(), 10))?;
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn for_each_partition<F>(&self, function: F) -> Result<()>
    where
        F: Fn(Items<Self::Item>) + Stateless,
    {
        let called = self.map_partitions(move |items| {
            function(items);
            None::<()>
        });
        called.count().map(drop)
    }
}

impl<R: Rdd> Actions for R {}
