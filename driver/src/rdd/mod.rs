//! Resilient distributed datasets: lineage as static types, composed like iterators.
//!
//! A node is its partitions, how to compute one of them, and how to send what one needs. Operators are methods of
//! [`Transform`] and actions of [`Actions`](action::Actions), so that this trait stays a page.

pub mod source;
pub mod transform;
pub mod wide;
pub mod pair;
pub mod persist;
pub mod action;
pub mod batches;
mod with;
pub(crate) mod function;
pub(crate) mod ship;
mod boxed;
pub(crate) mod dependency;
pub(crate) mod partitions;
pub(crate) mod partitioner;
pub(crate) mod partitioning;
pub(crate) mod shuffle;
pub(crate) mod gather;
pub(crate) mod draw;
mod hosts;

pub use boxed::BoxedRdd;
pub(crate) use dependency::Stage;
pub use dependency::{Dependency, Determinism};
pub use function::{Bound, Function, Stateless};
pub use hosts::PreferredHosts;
pub use partitioner::Partitioner;
pub use partitioning::Partitioning;
pub use ship::Pure;
pub use shuffle::Shuffled;
pub use transform::{Out, Program, Transform};
pub use with::With;

use crate::Context;
pub use rsk_executor::TaskContext;
pub use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};

/// An iterator whose type nobody needs to name: what `map_partitions` hands to the user.
pub type Items<T> = Box<dyn Iterator<Item = T>>;

/// A dataset in partitions. Cheap to clone: data sits behind `Arc`.
///
/// Shape: nodes are made in the driver; for each partition one travels to an executor by `encode` and `decode`, and is
/// good for that partition alone; there it is computed. A node that has travelled has no context.
///
/// Operators are made of nodes; one of your own is a node, too:
///
/// ```
/// use rsk::{Context, prelude::*, rdd::*};
///
/// /// Every second record of each partition.
/// #[derive(Clone)]
/// struct EverySecond<P>(P);
///
/// impl<P: Rdd> Rdd for EverySecond<P> {
///     type Item = P::Item;
///
///     fn context(&self) -> &Context {
///         self.0.context()
///     }
///     fn partitions(&self) -> usize {
///         self.0.partitions()
///     }
///     fn dependencies(&self, to: &mut Vec<Dependency>) {
///         self.0.dependencies(to);
///     }
///     fn determinism(&self) -> Determinism {
///         self.0.determinism().by_order() // which records are kept depends on their order
///     }
///     fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = P::Item> + 'static {
///         self.0.compute(partition, task).step_by(2)
///     }
///     fn encode(&self, partition: PartitionId, to: &mut Encoder) {
///         self.0.encode(partition, to);
///     }
///     fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
///         P::decode(from).map(EverySecond)
///     }
/// }
///
/// let ctx = Context::new("local[2]")?;
/// assert_eq!(EverySecond(ctx.range(0..8, 2)).map(|n| n * 10).collect()?, [0, 20, 40, 60]);
/// # Ok::<(), rsk::Error>(())
/// ```
pub trait Rdd: Clone + Send + Sync + 'static {
    /// What it holds.
    type Item: Send + 'static;

    /// The context it was made in. Only the driver asks.
    fn context(&self) -> &Context;

    /// How many partitions it has.
    fn partitions(&self) -> usize;

    /// The outputs of other stages that its partitions read, without going beyond them. Only the driver asks.
    fn dependencies(&self, to: &mut Vec<Dependency>);

    /// What it gives when a partition is computed again. Only the driver asks.
    fn determinism(&self) -> Determinism;

    /// How its records are spread by key, where that is known. Only the driver asks.
    fn partitioning(&self) -> Option<Partitioning> {
        None
    }

    /// Where its partitions would best be computed, where a source knows that. An operator passes on its parent's, if its
    /// partitions are the parent's. Only the driver asks.
    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        None
    }

    /// One partition. The iterator owns what it needs; it borrows neither the node nor the task. Errors leave it by
    /// [`rsk_proto::TaskError::raise`], so that `None` always means complete.
    fn compute(
        &self,
        partition: PartitionId,
        task: &TaskContext,
    ) -> impl Iterator<Item = Self::Item> + 'static;

    /// Writes what this one partition needs and no more.
    fn encode(&self, partition: PartitionId, to: &mut Encoder);

    /// A node good for the partition that was written.
    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError>;
}

/// The context a source was made in; nothing once the source has travelled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Home(Option<Context>);

impl Home {
    pub(crate) fn of(context: &Context) -> Self {
        Home(Some(context.clone()))
    }

    #[expect(clippy::expect_used, reason = "nodes that have travelled are computed and nothing else")]
    pub(crate) fn context(&self) -> &Context {
        self.0.as_ref().expect("only the driver asks a node for its context")
    }
}
