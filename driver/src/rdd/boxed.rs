//! An RDD whose type is erased: for loops, struct fields and the parents of shuffles.

use super::{AnyShuffle, Items, Rdd, ship::Entry};
use crate::Context;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, PartitionId};
use std::sync::Arc;

/// An RDD of `T`s, however it was made.
///
/// Cost: one virtual call a record where it is computed; operators on either side of it still fuse among themselves.
pub struct BoxedRdd<T: Send + 'static>(Arc<dyn Erased<T>>);

type Decode<T> = fn(&mut Decoder<'_>) -> Result<BoxedRdd<T>, CodecError>;

trait Erased<T: Send + 'static>: Send + Sync {
    fn context(&self) -> &Context;
    fn partitions(&self) -> usize;
    fn shuffles(&self, to: &mut Vec<Arc<dyn AnyShuffle>>);
    fn compute(&self, partition: PartitionId, task: &TaskContext) -> Items<T>;
    fn encode(&self, partition: PartitionId, to: &mut Encoder);
}

/// The node itself, under a name whose methods cannot be confused with those of [`Rdd`].
struct Node<R>(R);

impl<R: Rdd> Erased<R::Item> for Node<R> {
    fn context(&self) -> &Context {
        self.0.context()
    }

    fn partitions(&self) -> usize {
        self.0.partitions()
    }

    fn shuffles(&self, to: &mut Vec<Arc<dyn AnyShuffle>>) {
        self.0.shuffles(to);
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> Items<R::Item> {
        Box::new(self.0.compute(partition, task))
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        const { &Entry::new::<R>(decode_node::<R> as Decode<R::Item>) }.encode(to);
        self.0.encode(partition, to);
    }
}

fn decode_node<R: Rdd>(from: &mut Decoder<'_>) -> Result<BoxedRdd<R::Item>, CodecError> {
    R::decode(from).map(|node| BoxedRdd::new(node))
}

impl<T: Send + 'static> BoxedRdd<T> {
    pub(crate) fn new<R: Rdd<Item = T>>(node: R) -> Self {
        BoxedRdd(Arc::new(Node(node)))
    }
}

impl<T: Send + 'static> Clone for BoxedRdd<T> {
    fn clone(&self) -> Self {
        BoxedRdd(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Rdd for BoxedRdd<T> {
    type Item = T;

    fn context(&self) -> &Context {
        self.0.context()
    }

    fn partitions(&self) -> usize {
        self.0.partitions()
    }

    fn shuffles(&self, to: &mut Vec<Arc<dyn AnyShuffle>>) {
        self.0.shuffles(to);
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = T> + 'static {
        self.0.compute(partition, task)
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        let address = Arc::as_ptr(&self.0).cast::<()>().addr();
        if !to.put_back_reference(address, partition) {
            self.0.encode(partition, to);
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
        write!(f, "BoxedRdd({} partitions)", self.partitions())
    }
}
