//! The trait whose methods are the narrow operators.

use super::{
    AnyError, Cartesian, Coalesce, Filter, FlatMap, FlatMapInto, Glom, IntoVec, Keyed, Map, MapPartitions,
    MapPartitionsWithIndex, Marked, Out, Pipe, Program, RandomSplit, Sample, Trying, Union, Zip,
    ZipPartitions, ZipWithIndex, ZipWithUniqueId, random_split,
};
use crate::{
    Result,
    rdd::{BoxedRdd, Determinism, Items, Pure, Rdd, Stateless, With},
};
use rsk_proto::Data;

/// What makes a new RDD of one or two, record by record or partition by partition. Nothing here shuffles, and nothing
/// runs before an action asks for it.
///
/// Closures capture nothing; hand values over by [`with`](Transform::with): every operator that takes a function is a
/// method of [`With`], too.
///
/// Cost: where none is said, the operator is fused into the loop of its stage, needs no memory and moves nothing.
pub trait Transform: Rdd {
    /// One record for each record.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.range(0..4, 2).map(|x| x * x).collect()?, [0, 1, 4, 9]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn map<Out, F>(&self, function: F) -> Map<Self, Pure<F>>
    where
        Out: Send + 'static,
        F: Fn(Self::Item) -> Out + Stateless,
    {
        Map::new(self.clone(), Pure::new(function))
    }

    /// The records for which `function` holds. Keeps partitions as they are.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..6, 2).filter(|x| x % 2 == 1).collect()?, [1, 3, 5]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn filter<F>(&self, function: F) -> Filter<Self, Pure<F>>
    where
        F: Fn(&Self::Item) -> bool + Stateless,
    {
        Filter::new(self.clone(), Pure::new(function))
    }

    /// Any number of records for each record, owned by what `function` gives. Where they are made from borrows, see
    /// [`flat_map_into`](Transform::flat_map_into).
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(1..4, 2).flat_map(|n| 0..n).collect()?, [0, 0, 1, 0, 1, 2]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn flat_map<Out, F>(&self, function: F) -> FlatMap<Self, Pure<F>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static> + 'static,
        F: Fn(Self::Item) -> Out + Stateless,
    {
        FlatMap::new(self.clone(), Pure::new(function))
    }

    /// What `function` makes of each partition, empty ones too. It gets an iterator and should not gather it.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let sums = ctx.range(0..5, 2).map_partitions(|items| std::iter::once(items.sum::<u64>()));
    /// assert_eq!(sums.collect()?, [1, 9]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn map_partitions<Out, F>(&self, function: F) -> MapPartitions<Self, Pure<F>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        F: Fn(Items<Self::Item>) -> Out + Stateless,
    {
        MapPartitions::new(self.clone(), Pure::new(function))
    }

    /// Like [`map_partitions`](Transform::map_partitions), for a function that leaves each key in its partition: RDDs that
    /// were co-partitioned still are. Nothing checks that; a function that changes keys makes later joins wrong.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let sums = ctx.range(0..10, 3).map(|n| (n % 3, n)).reduce_by_key(|a, b| a + b);
    /// let large = sums.map_partitions_keeping_keys(|pairs| pairs.filter(|(_, sum)| *sum > 12));
    /// assert_eq!(large.partitioning(), sums.partitioning());
    /// assert_eq!(large.count()?, 2);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn map_partitions_keeping_keys<Out, F>(&self, function: F) -> Marked<MapPartitions<Self, Pure<F>>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        F: Fn(Items<Self::Item>) -> Out + Stateless,
    {
        Marked::spread(self.map_partitions(function), self.partitioning())
    }

    /// Like [`map_partitions`](Transform::map_partitions), with the number of the partition, from 0.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let placed = ctx.range(0..3, 2).map_partitions_with_index(|n, items| items.map(move |x| (n, x)));
    /// assert_eq!(placed.collect()?, [(0, 0), (1, 1), (1, 2)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn map_partitions_with_index<Out, F>(&self, function: F) -> MapPartitionsWithIndex<Self, Pure<F>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        F: Fn(usize, Items<Self::Item>) -> Out + Stateless,
    {
        MapPartitionsWithIndex::new(self.clone(), Pure::new(function))
    }

    /// Any number of records for each record, put into `out` by [`push`](Out::push) or [`extend`](Extend::extend): they
    /// may be made by iterators that borrow from the record, which lives as long as the call.
    ///
    /// Cost: one buffer a task, as large as what one record makes at most; no allocation a record.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let lines = ctx.parallelize(vec!["to be or".to_owned(), "not to be".to_owned()], 2)?;
    /// let lengths = lines.flat_map_into(|line, out| out.extend(line.split(' ').map(str::len)));
    /// assert_eq!(lengths.collect()?, [2, 2, 2, 3, 2, 2]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn flat_map_into<T, F>(&self, function: F) -> FlatMapInto<Self, Pure<F>, T>
    where
        T: Send + 'static,
        F: Fn(Self::Item, &mut Out<T>) + Stateless,
    {
        FlatMapInto::new(self.clone(), Pure::new(function))
    }

    /// Each partition as one record: a list of its records, empty ones too.
    ///
    /// Cost: a whole partition is in memory at once.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..3, 2).glom().collect()?, [vec![0], vec![1, 2]]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn glom(&self) -> Glom<Self> {
        MapPartitions::new(self.clone(), IntoVec)
    }

    /// Each record with a key that `function` makes of it.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..3, 2).key_by(|x| x % 2).collect()?, [(0, 0), (1, 1), (0, 2)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn key_by<K, F>(&self, function: F) -> Map<Self, Keyed<Pure<F>>>
    where
        K: Send + 'static,
        F: Fn(&Self::Item) -> K + Stateless,
    {
        Map::new(self.clone(), Keyed::new(Pure::new(function)))
    }

    /// [`map`](Transform::map) with a function that can fail. Its error ends the task, which is tried again; then the job
    /// fails and shows the error with the chain of its causes.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let texts = ctx.parallelize(vec!["1".to_owned(), "x".to_owned()], 1)?;
    /// let numbers = texts.try_map(|text| text.parse::<u32>());
    /// assert!(format!("{:?}", numbers.collect().unwrap_err()).contains("invalid digit"));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn try_map<Out, E, F>(&self, function: F) -> Map<Self, Trying<Pure<F>>>
    where
        Out: Send + 'static,
        E: Into<AnyError> + 'static,
        F: Fn(Self::Item) -> Result<Out, E> + Stateless,
    {
        Map::new(self.clone(), Trying::new(Pure::new(function)))
    }

    /// [`filter`](Transform::filter) with a function that can fail, as in [`try_map`](Transform::try_map).
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let even = ctx.range(0..6, 2).try_filter(|n| n.checked_add(1).map(|n| n % 2 == 1).ok_or("too large"));
    /// assert_eq!(even.collect()?, [0, 2, 4]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn try_filter<E, F>(&self, function: F) -> Filter<Self, Trying<Pure<F>>>
    where
        E: Into<AnyError> + 'static,
        F: Fn(&Self::Item) -> Result<bool, E> + Stateless,
    {
        Filter::new(self.clone(), Trying::new(Pure::new(function)))
    }

    /// [`flat_map`](Transform::flat_map) with a function that can fail, as in [`try_map`](Transform::try_map).
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let all = ctx.range(1..4, 2).try_flat_map(|n| n.checked_sub(1).map(|end| 0..end).ok_or("too small"));
    /// assert_eq!(all.collect()?, [0, 0, 1]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn try_flat_map<Out, E, F>(&self, function: F) -> FlatMap<Self, Trying<Pure<F>>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static> + 'static,
        E: Into<AnyError> + 'static,
        F: Fn(Self::Item) -> Result<Out, E> + Stateless,
    {
        FlatMap::new(self.clone(), Trying::new(Pure::new(function)))
    }

    /// [`map_partitions`](Transform::map_partitions) with a function that can fail, as in
    /// [`try_map`](Transform::try_map): such as one that opens a connection a partition.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let greatest = ctx.range(0..4, 2).try_map_partitions(|items| items.max().map(Some).ok_or("no records"));
    /// assert_eq!(greatest.collect()?, [1, 3]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn try_map_partitions<Out, E, F>(&self, function: F) -> MapPartitions<Self, Trying<Pure<F>>>
    where
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        E: Into<AnyError> + 'static,
        F: Fn(Items<Self::Item>) -> Result<Out, E> + Stateless,
    {
        MapPartitions::new(self.clone(), Trying::new(Pure::new(function)))
    }

    /// All records of both, repeated ones too: the partitions of this one, then those of the other. For many RDDs see
    /// [`Context::union`](crate::Context::union).
    ///
    /// Cost: none. A partitioning is not kept.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(0..2, 1).union(&ctx.range(1..3, 1)).collect()?, [0, 1, 1, 2]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn union<R: Rdd<Item = Self::Item>>(&self, other: &R) -> Union<Self, R> {
        Union::new(self.clone(), other.clone())
    }

    /// Each record of this one with each of the other. With m and n partitions it has m·n: partition i·n + j pairs
    /// partition i of this one with partition j of the other.
    ///
    /// Cost: each partition of the other is computed m times, each of this one n times: cache what is dear. A task holds
    /// the other's partition in memory; where that takes more than half of the task's share, it holds one piece after
    /// another, and computes its partition of this one for each piece. The pairs are then in the order of the pieces.
    ///
    /// Errors: more than 2³² - 1 partitions.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let pairs = ctx.range(0..2, 1).cartesian(&ctx.range(5..7, 2))?;
    /// assert_eq!(pairs.collect()?, [(0, 5), (1, 5), (0, 6), (1, 6)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn cartesian<R>(&self, other: &R) -> Result<Cartesian<Self, R>>
    where
        Self::Item: Clone,
        R: Rdd<Item: Data + Clone>,
    {
        Cartesian::new(self.clone(), other.clone())
    }

    /// The first record with the other's first, the second with its second, and so on, in each partition.
    ///
    /// Errors: unequal numbers of partitions. While a job runs: unequal numbers of records in a partition fail it;
    /// nothing is ever left out.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let numbers = ctx.range(0..3, 2);
    /// assert_eq!(numbers.zip(&numbers.map(|x| x * x))?.collect()?, [(0, 0), (1, 1), (2, 4)]);
    /// assert!(numbers.zip(&ctx.range(0..3, 3)).is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn zip<R: Rdd>(&self, other: &R) -> Result<Zip<Self, R>> {
        Zip::new(self.clone(), other.clone())
    }

    /// What `function` makes of each partition and the other's partition of the same number. Unlike in
    /// [`zip`](Transform::zip), they may have unequal numbers of records: what that means is up to `function`.
    ///
    /// Cost: a virtual call a record.
    ///
    /// Errors: unequal numbers of partitions.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let counts = ctx.range(0..5, 2).zip_partitions(&ctx.range(0..2, 2), |a, b| [(a.count(), b.count())])?;
    /// assert_eq!(counts.collect()?, [(2, 1), (3, 1)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn zip_partitions<R, Out, F>(&self, other: &R, function: F) -> Result<ZipPartitions<Self, R, Pure<F>>>
    where
        R: Rdd,
        Out: IntoIterator<IntoIter: 'static, Item: Send + 'static>,
        F: Fn(Items<Self::Item>, Items<R::Item>) -> Out + Stateless,
    {
        ZipPartitions::new(self.clone(), other.clone(), Pure::new(function))
    }

    /// Each record with its place in the RDD, from 0.
    ///
    /// Cost: all partitions but the last are computed once more, to count them, inside the first job that needs it; not
    /// where there is only one. Where any numbers will do, [`zip_with_unique_id`](Transform::zip_with_unique_id) counts
    /// nothing.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local[2]")?;
    /// assert_eq!(ctx.range(7..10, 2).zip_with_index().collect()?, [(7, 0), (8, 1), (9, 2)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn zip_with_index(&self) -> ZipWithIndex<Self> {
        ZipWithIndex::new(self.clone())
    }

    /// Each record with a number that no other has: i·n + k for record i of partition k of n.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.range(7..10, 2).zip_with_unique_id().collect()?, [(7, 0), (8, 1), (9, 3)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn zip_with_unique_id(&self) -> ZipWithUniqueId<Self> {
        ZipWithUniqueId::new(self.clone())
    }

    /// The same records in at most `partitions` partitions: neighbours are put together, in groups whose sizes differ by
    /// at most one. Asking for more than there are changes nothing.
    ///
    /// Cost: fewer partitions are fewer tasks for all of the stage, back to its last shuffle or its source. A task opens
    /// one of its partitions after another.
    ///
    /// Errors: no partitions.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let few = ctx.range(0..10, 5).coalesce(2)?;
    /// assert_eq!(few.glom().collect()?, [vec![0, 1, 2, 3], vec![4, 5, 6, 7, 8, 9]]);
    /// assert_eq!(few.coalesce(100)?.partitions(), 2);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn coalesce(&self, partitions: usize) -> Result<Coalesce<Self>> {
        Coalesce::new(self.clone(), partitions)
    }

    /// A random part of the records: each one with the probability `fraction`; or with replacement, each one `fraction`
    /// times on average (so often as Poisson's distribution says). How many come is not exact.
    ///
    /// The same seed gives the same sample of the same RDD: in each run, release and machine, also where a partition is
    /// computed again.
    ///
    /// Errors: a fraction below 0, or above 1 without replacement.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let some = ctx.range(0..1000, 4).sample(false, 0.1, 42)?;
    /// assert!((50..150).contains(&some.count()?));
    /// assert_eq!(some.collect()?, some.collect()?);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn sample(&self, with_replacement: bool, fraction: f64, seed: u64) -> Result<Sample<Self>>
    where
        Self::Item: Clone,
    {
        Sample::new(self.clone(), with_replacement, fraction, seed)
    }

    /// An RDD for each weight: each record is in one of them by chance, with a probability in proportion to the weight.
    /// Together they hold everything once. The seed is as in [`sample`](Transform::sample).
    ///
    /// Cost: each of them computes all of this one and keeps its part: cache what is dear.
    ///
    /// Errors: no weights, one below zero, a sum of zero.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let parts = ctx.range(0..1000, 4).random_split(&[0.8, 0.2], 42)?;
    /// let (training, test) = (parts[0].count()?, parts[1].count()?);
    /// assert!(training + test == 1000 && (700..900).contains(&training));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn random_split(&self, weights: &[f64], seed: u64) -> Result<Vec<RandomSplit<Self>>> {
        random_split::random_split(self, weights, seed)
    }

    /// Each partition through a program of its own: records go in as lines, the lines that come out are the records. It
    /// runs for empty partitions, too. See [`Program`] for arguments and environment.
    ///
    /// A program need not read its input to the end. One that ends with another code than 0 fails the task, with the end
    /// of what it wrote to stderr. When a task ends early, its program and what that started are killed.
    ///
    /// Cost: a process a partition; one pipe's content of memory, and a line.
    ///
    /// Errors: no program named. While a job runs: a program that cannot be started, output that is not UTF-8.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let words = ctx.parallelize(vec!["tea".to_owned(), "rain".to_owned()], 2)?;
    /// assert_eq!(words.pipe("tr a-z A-Z")?.collect()?, ["TEA", "RAIN"]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn pipe(&self, program: impl Into<Program>) -> Result<Pipe<Self>>
    where
        Self::Item: std::fmt::Display,
    {
        Pipe::new(self.clone(), program.into())
    }

    /// Says that computing a partition again may give its records in another order: because of how the user's code or
    /// input works. Operators that look at the order, such as [`zip`](Transform::zip), then count as indeterminate.
    ///
    /// Cost: none; after a loss, tasks that read by order run again where they would not have.
    ///
    /// ```
    /// use rsk::{prelude::*, rdd::Determinism};
    /// let ctx = rsk::Context::new("local")?;
    /// let found = ctx.range(0..3, 1).unordered();
    /// assert_eq!(found.determinism(), Determinism::Unordered);
    /// assert_eq!(found.zip_with_index().determinism(), Determinism::Indeterminate);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn unordered(&self) -> Marked<Self> {
        Marked::at_best(self.clone(), Determinism::Unordered)
    }

    /// Says that computing a partition again may give other records: because the user's code draws numbers or asks the
    /// clock, or because the input changes. When output made from it is lost, all that read it is made again, or the job
    /// fails: two versions are never mixed.
    ///
    /// ```
    /// use rsk::{prelude::*, rdd::Determinism};
    /// let ctx = rsk::Context::new("local")?;
    /// let times = ctx.range(0..3, 1).map(|_| std::time::SystemTime::now()).indeterminate();
    /// assert_eq!(times.determinism(), Determinism::Indeterminate);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn indeterminate(&self) -> Marked<Self> {
        Marked::at_best(self.clone(), Determinism::Indeterminate)
    }

    /// A value for the closure of the next operator, which gets it by reference as its first argument.
    ///
    /// Cost: encoded once, sent once to each executor (inside each task up to 4 KiB), decoded once there.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let names = vec!["no".to_owned(), "yes".to_owned()];
    /// let said = ctx.range(0..3, 2).with(names).map(|names, x| names[(x % 2) as usize].clone());
    /// assert_eq!(said.collect()?, ["no", "yes", "no"]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn with<E: Data + Sync>(&self, value: E) -> With<Self, E> {
        With::new(self, value)
    }

    /// The same RDD under a type that names its items only: for loops and struct fields.
    ///
    /// Cost: one virtual call a record.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let mut rdd = ctx.range(0..3, 2).boxed();
    /// for _ in 0..10 {
    ///     rdd = rdd.map(|x| x + 1).boxed();
    /// }
    /// assert_eq!(rdd.collect()?, [10, 11, 12]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn boxed(&self) -> BoxedRdd<Self::Item> {
        BoxedRdd::new(self.clone())
    }
}

impl<R: Rdd> Transform for R {}
