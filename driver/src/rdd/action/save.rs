//! `save_as_text_file`: a line a record, a part a partition.

use super::result::{self, PartitionAction};
use crate::{Result, rdd::Rdd};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Decoder, Encoder, OrRaise};
use rsk_storage::{OutputCommit, PartFile, PartWriter};
use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

#[derive(Clone)]
struct SaveText(PathBuf);

impl<T: Display> PartitionAction<T> for SaveText {
    type Out = PartFile;

    fn run(&self, mut items: impl Iterator<Item = T>, task: &TaskContext) -> PartFile {
        let attempt = task.attempt();
        let mut part = PartWriter::create(&self.0, attempt.partition, attempt.task).or_raise();
        items.try_for_each(|item| part.write_line(item)).or_raise();
        part.finish().or_raise()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.0);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        from.get().map(SaveText)
    }
}

pub(super) fn save_as_text_file<R: Rdd<Item: Display>>(rdd: &R, folder: &Path) -> Result<()> {
    let output = OutputCommit::prepare(folder)?;
    let mut published = Ok(());
    result::run(rdd, &SaveText(folder.to_owned()), |part: PartFile| {
        if published.is_ok() {
            published = output.commit_part(&part);
        }
    })?;
    published?;
    Ok(output.commit()?)
}
