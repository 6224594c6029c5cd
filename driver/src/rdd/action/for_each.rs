//! `for_each` and its kin: functions called for what they do.

use super::{
    Actions as _,
    result::{self, PartitionAction},
};
use crate::{
    Result,
    rdd::{Bound, Function, Items, Rdd, Stateless, With},
};
use rsk_executor::TaskContext;
use rsk_proto::{Cause, CodecError, Data, Decoder, Encoder, TaskError};
use std::error::Error;

/// Calls the function with each record.
#[derive(Clone)]
pub(super) struct ForEach<F>(pub(super) F);

impl<T: Send + 'static, F: Function<(T,), Out = ()>> PartitionAction<T> for ForEach<F> {
    type Out = ();

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) {
        items.for_each(|item| self.0.call((item,)));
    }

    fn encode(&self, to: &mut Encoder) {
        self.0.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        F::decode(from).map(ForEach)
    }
}

/// Fails the task with what a user's function returned.
pub(super) fn raise_user<X: Into<Box<dyn Error + Send + Sync>>>(outcome: Result<(), X>) {
    if let Err(error) = outcome {
        TaskError::User(Cause::of(&*error.into())).raise()
    }
}

impl<P: Rdd, E: Data + Sync> With<P, E> {
    /// [`for_each`](super::Actions::for_each) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..3, 2).with(3).for_each(|bound, x| assert!(x < *bound))?;
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn for_each<F>(self, function: F) -> Result<()>
    where
        F: Fn(&E, P::Item) + Stateless,
    {
        result::run(&self.parent, &ForEach(Bound::new(self.value, function)), |()| ())
    }

    /// [`try_for_each`](super::Actions::try_for_each) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// let failed = ctx.range(0..3, 2).with(1).try_for_each(|bound, x| if x > *bound { Err("too large") } else { Ok(()) });
    /// assert!(format!("{:?}", failed.unwrap_err()).contains("too large"));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn try_for_each<F, X>(self, function: F) -> Result<()>
    where
        F: Fn(&E, P::Item) -> Result<(), X> + Stateless,
        X: Into<Box<dyn Error + Send + Sync>>,
    {
        self.for_each(move |value, item| raise_user(function(value, item)))
    }

    /// [`for_each_partition`](super::Actions::for_each_partition) with the value.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..30, 3).with(10).for_each_partition(|length, items| assert_eq!(items.count(), *length))?;
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn for_each_partition<F>(self, function: F) -> Result<()>
    where
        F: Fn(&E, Items<P::Item>) + Stateless,
    {
        let called = self.map_partitions(move |value, items| {
            function(value, items);
            None::<()>
        });
        called.count().map(drop)
    }
}
