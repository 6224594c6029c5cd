//! Narrow operators: each partition needs one of its parent. One operator a file.

mod filter;
mod flat_map;
mod map;
mod map_partitions;

pub use filter::Filter;
pub use flat_map::FlatMap;
pub use map::Map;
pub use map_partitions::MapPartitions;

use super::{BoxedRdd, Items, Pure, Rdd, With};
use rsk_proto::Data;

/// What makes a new RDD of one, record by record or partition by partition, without a shuffle.
///
/// Closures capture nothing; hand values over by [`with`](Transform::with).
pub trait Transform: Rdd {
    /// One record for each record.
    ///
    /// Cost: fused into the stage's loop.
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
        F: Fn(Self::Item) -> Out + Copy + Send + Sync + 'static,
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
        F: Fn(&Self::Item) -> bool + Copy + Send + Sync + 'static,
    {
        Filter::new(self.clone(), Pure::new(function))
    }

    /// Any number of records for each record.
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
        F: Fn(Self::Item) -> Out + Copy + Send + Sync + 'static,
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
        F: Fn(Items<Self::Item>) -> Out + Copy + Send + Sync + 'static,
    {
        MapPartitions::new(self.clone(), Pure::new(function))
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

/// What each node with one parent and one function shares: everything but how it computes.
macro_rules! one_parent {
    () => {
        fn context(&self) -> &$crate::Context {
            self.parent.context()
        }

        fn partitions(&self) -> usize {
            self.parent.partitions()
        }

        fn dependencies(&self, to: &mut Vec<$crate::rdd::Dependency>) {
            self.parent.dependencies(to);
        }

        fn determinism(&self) -> $crate::rdd::Determinism {
            self.parent.determinism()
        }

        fn encode(&self, partition: rsk_proto::PartitionId, to: &mut rsk_proto::Encoder) {
            self.parent.encode(partition, to);
            self.function.encode(to);
        }

        fn decode(from: &mut rsk_proto::Decoder<'_>) -> Result<Self, rsk_proto::CodecError> {
            Ok(Self { parent: P::decode(from)?, function: F::decode(from)? })
        }
    };
}
pub(crate) use one_parent;
