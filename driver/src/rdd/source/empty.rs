//! `ctx.empty()`: no record in no partition.

use crate::{
    Context,
    rdd::{Home, Rdd, source::no_parent},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};
use std::marker::PhantomData;

/// No record in no partition.
#[derive(Debug)]
pub struct Empty<T> {
    home: Home,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Empty<T> {
    fn clone(&self) -> Self {
        Empty { home: self.home.clone(), of: PhantomData }
    }
}

impl Context {
    /// An RDD without records and without partitions: where a union begins, for instance.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.empty::<String>().count()?, 0);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn empty<T: Send + 'static>(&self) -> Empty<T> {
        Empty { home: Home::of(self), of: PhantomData }
    }
}

impl<T: Send + 'static> Rdd for Empty<T> {
    type Item = T;

    no_parent!();

    fn partitions(&self) -> usize {
        0
    }

    fn compute(&self, _: PartitionId, _: &TaskContext) -> impl Iterator<Item = T> + 'static {
        std::iter::empty()
    }

    fn encode(&self, _: PartitionId, _: &mut Encoder) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Empty { home: Home::default(), of: PhantomData })
    }
}
