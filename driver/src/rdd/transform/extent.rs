//! How much of a node is here: for operators whose partitions are not those of their parents one by one.

use crate::rdd::{Items, Rdd};
use rsk_executor::TaskContext;
use rsk_proto::{Cause, CodecError, Decoder, Encoder, PartitionId};

/// A node's parents in the driver, and the little of them that one task carries.
#[derive(Debug, Clone)]
pub(crate) enum Extent<All, One> {
    /// In the driver: for all partitions.
    All(All),
    /// In a task: for its partition.
    One(One),
}

impl<All, One> Extent<All, One> {
    #[expect(clippy::panic, reason = "nodes that have travelled are computed and nothing else")]
    pub(crate) fn all(&self) -> &All {
        match self {
            Extent::All(all) => all,
            Extent::One(_) => panic!("only the driver asks a node about itself"),
        }
    }

    #[expect(clippy::panic, reason = "nodes are computed where they have travelled to")]
    pub(crate) fn one(&self) -> &One {
        match self {
            Extent::One(one) => one,
            Extent::All(_) => panic!("a node is computed in a task"),
        }
    }

    /// Has `write` write one partition's part.
    pub(crate) fn encode(&self, to: &mut Encoder, write: impl FnOnce(&All, &mut Encoder)) {
        match self {
            Extent::All(all) => write(all, to),
            Extent::One(_) => to.fail(CodecError::Encode {
                type_name: std::any::type_name::<One>().to_owned(),
                cause: Cause::new("a node that has travelled does not travel again"),
            }),
        }
    }
}

/// One partition of a parent, as a task carries it.
#[derive(Debug, Clone)]
pub(crate) struct Part<R> {
    rdd: R,
    partition: PartitionId,
}

impl<R: Rdd> Part<R> {
    pub(crate) fn encode(rdd: &R, partition: PartitionId, to: &mut Encoder) {
        to.put(&partition);
        rdd.encode(partition, to);
    }

    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Part { partition: from.get()?, rdd: R::decode(from)? })
    }

    pub(crate) fn compute(&self, task: &TaskContext) -> impl Iterator<Item = R::Item> + 'static {
        self.rdd.compute(self.partition, task)
    }

    /// The same for one that is opened while another iterator runs. A virtual call a record.
    pub(crate) fn items(&self, task: &TaskContext) -> Items<R::Item> {
        Box::new(self.compute(task))
    }
}
