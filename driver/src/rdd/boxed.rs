//! An RDD whose type is erased: for loops, struct fields and parents whose types must not show.

use super::{Dependency, Determinism, Items, Partitioning, PreferredHosts, Rdd, ship::Entry};
use crate::Context;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};
use std::{any::Any, cell::RefCell, sync::Arc};

/// An RDD of `T`s, however it was made.
///
/// Cost: one virtual call a record where it is computed; operators on either side of it still fuse among themselves.
pub struct BoxedRdd<T: Send + 'static> {
    /// Nothing only while it is dropped.
    node: Option<Arc<dyn Erased<T>>>,
}

type Decode<T> = fn(&mut Decoder<'_>) -> Result<BoxedRdd<T>, CodecError>;

/// What the driver asks a node, answered once when it is boxed: no walk through a deep lineage goes down the stack.
struct Facts {
    context: Context,
    partitions: usize,
    dependencies: Vec<Dependency>,
    determinism: Determinism,
    partitioning: Option<Partitioning>,
    preferred_hosts: Option<PreferredHosts>,
}

trait Erased<T: Send + 'static>: Send + Sync {
    fn facts(&self) -> &Facts;
    fn compute(&self, partition: PartitionId, task: &TaskContext) -> Items<T>;
    fn encode(&self, partition: PartitionId, to: &mut Encoder);
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

struct Node<R> {
    rdd: R,
    /// In the driver alone.
    facts: Option<Facts>,
}

impl<R: Rdd> Erased<R::Item> for Node<R> {
    #[expect(clippy::expect_used, reason = "nodes that have travelled are computed and nothing else")]
    fn facts(&self) -> &Facts {
        self.facts.as_ref().expect("only the driver asks a node about itself")
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> Items<R::Item> {
        Box::new(self.rdd.compute(partition, task))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        const { &Entry::new::<R>(decode_node::<R> as Decode<R::Item>) }.encode(to);
        self.rdd.encode(partition, to);
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

fn decode_node<R: Rdd>(from: &mut Decoder<'_>) -> Result<BoxedRdd<R::Item>, CodecError> {
    R::decode(from).map(|rdd| BoxedRdd { node: Some(Arc::new(Node { rdd, facts: None })) })
}

impl<T: Send + 'static> BoxedRdd<T> {
    pub(crate) fn new<R: Rdd<Item = T>>(rdd: R) -> Self {
        let mut dependencies = Vec::new();
        rdd.dependencies(&mut dependencies);
        let facts = Facts {
            context: rdd.context().clone(),
            partitions: rdd.partitions(),
            dependencies,
            determinism: rdd.determinism(),
            partitioning: rdd.partitioning(),
            preferred_hosts: rdd.preferred_hosts(),
        };
        BoxedRdd { node: Some(Arc::new(Node { rdd, facts: Some(facts) })) }
    }

    #[expect(clippy::expect_used, reason = "the node is taken only when this is dropped")]
    fn node(&self) -> &Arc<dyn Erased<T>> {
        self.node.as_ref().expect("a BoxedRdd in use has its node")
    }
}

thread_local! {
    /// Nodes that wait to be dropped by the outermost drop on this thread; nothing while none is under way.
    static DROPPING: RefCell<Option<Vec<Arc<dyn Any + Send + Sync>>>> = const { RefCell::new(None) };
}

/// Drops a chain of nodes one after another: a lineage of 10,000 steps does not go down the stack.
fn drop_flat(node: Arc<dyn Any + Send + Sync>) {
    let mut node = Some(node);
    let is_outermost = DROPPING.with_borrow_mut(|waiting| {
        if let Some(waiting) = waiting {
            waiting.extend(node.take());
            return false;
        }
        *waiting = Some(Vec::new());
        true
    });
    while is_outermost && node.is_some() {
        drop(node.take());
        node = DROPPING.with_borrow_mut(|waiting| waiting.as_mut().and_then(Vec::pop));
    }
    if is_outermost {
        DROPPING.set(None);
    }
}

impl<T: Send + 'static> Drop for BoxedRdd<T> {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            drop_flat(node.into_any());
        }
    }
}

impl<T: Send + 'static> Clone for BoxedRdd<T> {
    fn clone(&self) -> Self {
        BoxedRdd { node: self.node.clone() }
    }
}

impl<T: Send + 'static> Rdd for BoxedRdd<T> {
    type Item = T;

    fn context(&self) -> &Context {
        &self.node().facts().context
    }

    fn partitions(&self) -> usize {
        self.node().facts().partitions
    }

    fn dependencies(&self, to: &mut Vec<Dependency>) {
        to.extend_from_slice(&self.node().facts().dependencies);
    }

    fn preferred_hosts(&self) -> Option<PreferredHosts> {
        self.node().facts().preferred_hosts.clone()
    }

    fn determinism(&self) -> Determinism {
        self.node().facts().determinism
    }

    fn partitioning(&self) -> Option<Partitioning> {
        self.node().facts().partitioning.clone()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        self.node().compute(partition, task)
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        let address = Arc::as_ptr(self.node()).cast::<()>().addr();
        if !to.put_back_reference(address, partition) {
            self.node().encode(partition, to);
        }
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        let node = from.get_node(|from| {
            let decode = Entry::<Decode<T>>::decode(from)?;
            decode(from).map(Arc::new)
        })?;
        Ok((*node).clone())
    }
}

impl<T: Send + 'static> std::fmt::Debug for BoxedRdd<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BoxedRdd")
    }
}
