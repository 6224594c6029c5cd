//! Actions: what starts a job and brings an answer to the driver. Results merge in partition order.

mod collect;
mod count;
mod fold;
mod for_each;
mod result;
mod save;

pub(crate) use count::Count;
pub(crate) use result::{PartitionAction, ResultTask, RunTask, read_output, run, run_on, run_task};

use super::{Bound, Function, Pure, Rdd, With};
use crate::Result;
use collect::Collect;
use for_each::ForEach;
use rsk_proto::Data;

/// What brings an answer to the driver. Each runs a job and waits for it.
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
        let mut count = 0;
        result::run(self, &Count, |part: u64| count += part)?;
        Ok(count)
    }

    /// All records merged two by two: within each partition first, then the partitions in order. The function must be
    /// associative; it need not be commutative.
    ///
    /// Errors: [`Error::Empty`](crate::Error::Empty) when there is no record.
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
        F: Fn(Self::Item, Self::Item) -> Self::Item + Copy + Send + Sync + 'static,
    {
        fold::reduce(self, &Pure::new(function))
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
        F: Fn(Self::Item, Self::Item) -> Self::Item + Copy + Send + Sync + 'static,
    {
        fold::fold(self, zero, &Pure::new(function))
    }

    /// Writes a line a record into `folder`, a file a partition: `part-00000` and so on, and `_SUCCESS` at last.
    ///
    /// Errors: the folder exists. Whatever fails, nothing half-written is left.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let folder = std::env::temp_dir().join(format!("rsk-doc-{}", std::process::id()));
    /// ctx.range(0..4, 2).save_as_text_file(&folder)?;
    /// assert_eq!(ctx.text_file(&folder.display().to_string())?.collect()?, ["0", "1", "2", "3"]);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_text_file(&self, folder: impl AsRef<std::path::Path>) -> Result<()>
    where
        Self::Item: std::fmt::Display,
    {
        save::save_as_text_file(self, folder.as_ref())
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
        F: Fn(Self::Item) + Copy + Send + Sync + 'static,
    {
        result::run(self, &ForEach(Pure::new(function)), |()| ())
    }
}

impl<R: Rdd> Actions for R {}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`reduce`](Actions::reduce) with the value.
    pub fn reduce<F>(self, function: F) -> Result<P::Item>
    where
        P::Item: Data,
        F: Fn(&E, P::Item, P::Item) -> P::Item + Copy + Send + Sync + 'static,
    {
        fold::reduce(&self.parent, &Bound::new(self.value, function))
    }

    /// [`fold`](Actions::fold) with the value.
    pub fn fold<F>(self, zero: P::Item, function: F) -> Result<P::Item>
    where
        P::Item: Data + Sync + Clone,
        F: Fn(&E, P::Item, P::Item) -> P::Item + Copy + Send + Sync + 'static,
    {
        fold::fold(&self.parent, zero, &Bound::new(self.value, function))
    }

    /// [`for_each`](Actions::for_each) with the value.
    pub fn for_each<F>(self, function: F) -> Result<()>
    where
        F: Fn(&E, P::Item) + Copy + Send + Sync + 'static,
    {
        result::run(&self.parent, &ForEach(Bound::new(self.value, function)), |()| ())
    }
}
