//! `ctx.text_file(paths)`: the lines of text files.

use crate::{
    Context,
    rdd::{Dependency, Determinism, Home, Rdd},
};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, OrRaise, PartitionId};
use rsk_storage::{Split, Text, read_lines};
use std::sync::Arc;

/// Lines between two looks at whether the task is to stop.
const LOOK_EVERY: u32 = 4096;

/// Lines of files, a split a partition. A task carries its split alone.
#[derive(Debug, Clone)]
pub struct TextFile {
    home: Home,
    /// All splits in the driver, one in an executor.
    splits: Arc<Vec<Split>>,
}

impl TextFile {
    pub(crate) fn new(context: &Context, splits: Vec<Split>) -> Self {
        TextFile { home: Home::of(context), splits: Arc::new(splits) }
    }
}

impl Rdd for TextFile {
    type Item = Text;

    fn context(&self) -> &Context {
        self.home.context()
    }

    fn partitions(&self) -> usize {
        self.splits.len()
    }

    fn dependencies(&self, _: &mut Vec<Dependency>) {}

    fn determinism(&self) -> Determinism {
        Determinism::Determinate
    }

    fn compute(&self, _: PartitionId, task: &TaskContext) -> impl Iterator<Item = Text> + 'static {
        let task = task.clone();
        let lines = self.splits.first().cloned().map(|split| read_lines(split).or_raise());
        let mut until_look = LOOK_EVERY;
        lines.into_iter().flatten().map(move |line| {
            until_look -= 1;
            if until_look == 0 {
                until_look = LOOK_EVERY;
                task.check_killed();
            }
            line.or_raise()
        })
    }

    fn encode(&self, partition: PartitionId, to: &mut Encoder) {
        to.put(&&self.splits[partition.index()..=partition.index()]);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(TextFile { home: Home::default(), splits: Arc::new(from.get()?) })
    }
}
