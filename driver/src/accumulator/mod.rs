//! Accumulators: sums that tasks add to and the driver reads.

mod accumulate;
mod sum;
mod table;

pub use accumulate::Accumulate;
pub(crate) use table::{AccumulatorTable, AnySum};

use crate::Context;
use rsk_executor::TaskContext;
use rsk_proto::{AccumulatorId, TaskError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, sync::Arc};
use sum::Sum;

/// A sum that tasks add to and the driver alone reads: see [`Context::accumulator`]. A cheap clone.
///
/// Exactly once: what a task of an action added counts when its attempt is the one that is accepted, so neither failed
/// attempts nor repeated ones count. A transformation that adds may count more than once: once in each job that computes
/// it again, and again when a lost map output is made again. Put what must be exact into
/// [`for_each`](crate::rdd::action::Actions::for_each), or into a transformation right before one action.
///
/// Each attempt has a sum of its own, and the sums of a stage merge in partition order: floating-point numbers and lists
/// come out the same each time.
///
/// Cost: a look-up in a thread-local table for each [`add`](Accumulator::add). What an attempt added travels with its
/// end; sums wait in the driver, encoded, for those of earlier partitions.
///
/// ```
/// use rsk::prelude::*;
/// let ctx = rsk::Context::new("local[2]")?;
/// let odd = ctx.accumulator(0u64);
/// let seen = ctx.accumulator(Vec::new());
/// ctx.range(0..5, 2).with((odd.clone(), seen.clone())).for_each(|(odd, seen), n| {
///     odd.add(n % 2);
///     seen.add(vec![n]);
/// })?;
/// assert_eq!(odd.value(), 2);
/// assert_eq!(seen.value(), [0, 1, 2, 3, 4]);
/// # Ok::<(), rsk::Error>(())
/// ```
pub struct Accumulator<T: Accumulate> {
    id: AccumulatorId,
    /// In the driver alone.
    sum: Option<Arc<Sum<T>>>,
}

impl Context {
    /// A sum that starts at `zero`; tasks start at nothing, so `zero` counts once.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let total = ctx.accumulator(100.0);
    /// ctx.range(0..4, 2).with(total.clone()).for_each(|total, n| total.add(n as f64 / 2.0))?;
    /// assert_eq!(total.value(), 103.0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn accumulator<T: Accumulate>(&self, zero: T) -> Accumulator<T> {
        self.new_accumulator(None, zero)
    }

    /// [`accumulator`](Context::accumulator) with a name, which logs show.
    ///
    /// ```
    /// let ctx = rsk::Context::new("local")?;
    /// let bad = ctx.named_accumulator("bad lines", 0u64);
    /// assert_eq!(format!("{bad:?}"), "Accumulator(\"bad lines\")");
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn named_accumulator<T: Accumulate>(&self, name: impl Into<String>, zero: T) -> Accumulator<T> {
        self.new_accumulator(Some(name.into()), zero)
    }

    fn new_accumulator<T: Accumulate>(&self, name: Option<String>, zero: T) -> Accumulator<T> {
        let id = AccumulatorId(self.next_id());
        let name = name.unwrap_or_else(|| id.to_string());
        Accumulator { id, sum: Some(Sum::register(id, name, zero, self.accumulators())) }
    }
}

impl<T: Accumulate> Accumulator<T> {
    /// Adds: in a task to what its attempt hands over when it ends, in the driver at once.
    ///
    /// # Panics
    /// In the driver, on a handle that came back inside a record.
    ///
    /// ```
    /// let ctx = rsk::Context::new("local")?;
    /// let sum = ctx.accumulator(1);
    /// sum.add(2);
    /// assert_eq!(sum.value(), 3);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn add(&self, value: T) {
        match TaskContext::current() {
            Some(task) => task.accumulate(
                self.id,
                || None,
                |sum: &mut Option<T>| match sum {
                    Some(sum) => sum.merge(value),
                    None => *sum = Some(value),
                },
            ),
            None => self.sum().add(value),
        }
    }

    /// The sum of what all accepted attempts have added so far. For the driver.
    ///
    /// Errors: in a task, which sees its own attempt alone, the job fails and says so.
    ///
    /// # Panics
    /// On a handle that came back inside a record; or when merging panicked before.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let sum = ctx.accumulator(0u64);
    /// let read = ctx.range(0..4, 2).with(sum).map(|sum, n| sum.value() + n);
    /// assert!(format!("{:?}", read.count().unwrap_err()).contains("read in a task"));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn value(&self) -> T
    where
        T: Clone,
    {
        if TaskContext::current().is_some() {
            let why = format!("{} was read in a task: only the driver can read it", self.id);
            TaskError::Contract(why).raise();
        }
        self.sum().value()
    }

    #[expect(clippy::expect_used, reason = "documented under Panics")]
    fn sum(&self) -> &Sum<T> {
        self.sum.as_ref().expect("an accumulator that came back inside a record cannot be used in the driver")
    }
}

impl<T: Accumulate> Clone for Accumulator<T> {
    fn clone(&self) -> Self {
        Accumulator { id: self.id, sum: self.sum.clone() }
    }
}

impl<T: Accumulate> Serialize for Accumulator<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.id.serialize(to)
    }
}

impl<'de, T: Accumulate> Deserialize<'de> for Accumulator<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Accumulator { id: AccumulatorId::deserialize(from)?, sum: None })
    }
}

impl<T: Accumulate> fmt::Debug for Accumulator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sum {
            Some(sum) => f.debug_tuple("Accumulator").field(&sum.name()).finish(),
            None => write!(f, "Accumulator({})", self.id),
        }
    }
}

#[cfg(test)]
mod tests;
