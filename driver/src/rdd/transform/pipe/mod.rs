//! `pipe`: each partition through a program of its own.

mod lines;
mod process;
mod program;

pub use program::Program;

use super::as_parent;
use crate::{
    Error, Result,
    rdd::{Determinism, Rdd},
};
use lines::Lines;
use process::Process;
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, OrRaise, PartitionId};
use rsk_storage::Text;
use std::fmt::Display;

/// The node of `pipe`: each partition through a program of its own.
#[derive(Debug, Clone)]
pub struct Pipe<P> {
    parent: P,
    program: Program,
}

impl<P> Pipe<P> {
    pub(super) fn new(parent: P, program: Program) -> Result<Self> {
        if program.is_unnamed() {
            return Err(Error::Argument("pipe through no program: it needs a command to start".to_owned()));
        }
        Ok(Pipe { parent, program })
    }
}

impl<P: Rdd<Item: Display>> Rdd for Pipe<P> {
    type Item = Text;

    as_parent!();

    /// What a program makes of lines may depend on their order.
    fn determinism(&self) -> Determinism {
        self.parent.determinism().by_order()
    }

    fn compute(&self, partition: PartitionId, task: &TaskContext) -> impl Iterator<Item = Text> + 'static {
        let process = Process::start(&self.program).or_raise();
        Lines::new(self.parent.compute(partition, task), process, task.clone())
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        to.put(&self.program);
        self.parent.encode(partition, to);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(Pipe { program: from.get()?, parent: P::decode(from)? })
    }
}
