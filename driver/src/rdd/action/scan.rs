//! What derived actions are made of: a state a partition, given one record after another, and merged in the driver.

use super::result::{self, PartitionAction};
use crate::{
    Result,
    rdd::{Pure, Rdd, Stateless},
    value::Captured,
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};
use std::marker::PhantomData;

/// Makes a state from `with` and gives it each record of a partition.
pub(super) struct Scan<E, A, I, S> {
    with: Captured<E>,
    start: Pure<I>,
    step: Pure<S>,
    of: PhantomData<fn() -> A>,
}

impl<E, A, I, S> Clone for Scan<E, A, I, S> {
    fn clone(&self) -> Self {
        Scan { with: self.with.clone(), of: PhantomData, ..*self }
    }
}

impl<T, E, A, I, S> PartitionAction<T> for Scan<E, A, I, S>
where
    T: Send + 'static,
    E: Data + Sync,
    A: Data,
    I: Fn(&E) -> A + Stateless,
    S: Fn(&E, &mut A, T) + Stateless,
{
    type Out = A;

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) -> A {
        let (with, step) = (self.with.get(), self.step.function());
        let mut state = self.start.function()(with);
        items.for_each(|item| step(with, &mut state, item));
        state
    }

    fn encode(&self, to: &mut Encoder) {
        self.with.encode(to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let with = Captured::decode(from)?;
        Ok(Scan { with, start: Pure::decoded(), step: Pure::decoded(), of: PhantomData })
    }
}

/// Scans each partition of `rdd`; `take` gets the states in partition order.
pub(super) fn scan<R, E, A, I, S>(rdd: &R, with: E, start: I, step: S, take: impl FnMut(A)) -> Result<()>
where
    R: Rdd,
    E: Data + Sync,
    A: Data,
    I: Fn(&E) -> A + Stateless,
    S: Fn(&E, &mut A, R::Item) + Stateless,
{
    let all: Vec<_> = (0..rdd.partitions()).map(PartitionId::of).collect();
    scan_on(rdd, &all, with, start, step, take)
}

/// Scans some partitions of `rdd`; `take` gets the states in the order given.
pub(super) fn scan_on<R, E, A, I, S>(
    rdd: &R,
    partitions: &[PartitionId],
    with: E,
    start: I,
    step: S,
    take: impl FnMut(A),
) -> Result<()>
where
    R: Rdd,
    E: Data + Sync,
    A: Data,
    I: Fn(&E) -> A + Stateless,
    S: Fn(&E, &mut A, R::Item) + Stateless,
{
    let with = Captured::new(with, rdd.context().values());
    let action = Scan { with, start: Pure::new(start), step: Pure::new(step), of: PhantomData };
    result::run_on(rdd, partitions, &action, take)
}
