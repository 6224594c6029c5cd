//! `save_as_text_file` and `save_as_object_file`: a part a partition, all of them or none.

use super::result::{self, PartitionAction};
use crate::{Result, rdd::Rdd};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, OrRaise};
use rsk_storage::{ObjectPartWriter, OutputCommit, PartFile, PartWriter, Text};
use std::{
    any::Any,
    fmt::Display,
    path::{Path, PathBuf},
};

/// Writes a line a record.
#[derive(Clone)]
struct SaveText(PathBuf);

/// The text that a record is, where it is text: known when this is compiled, so that text is copied and not formatted.
#[inline]
fn text_of<T: 'static>(record: &T) -> Option<&str> {
    let record: &dyn Any = record;
    let text = record.downcast_ref::<Text>().map(|text| &**text);
    let text = text.or_else(|| record.downcast_ref::<String>().map(String::as_str));
    text.or_else(|| record.downcast_ref::<&'static str>().copied())
}

impl<T: Display + 'static> PartitionAction<T> for SaveText {
    type Out = PartFile;

    fn run(&self, mut items: impl Iterator<Item = T>, task: &TaskContext) -> PartFile {
        let attempt = task.attempt();
        let mut part = PartWriter::create(&self.0, attempt.partition, attempt.task).or_raise();
        let mut write = |record: T| match text_of(&record) {
            Some(text) => part.write_record(text.as_bytes()).and_then(|()| part.write_record(b"\n")),
            None => part.write_line(record),
        };
        items.try_for_each(&mut write).or_raise();
        task.check_killed();
        part.finish().or_raise()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.0);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        from.get().map(SaveText)
    }
}

/// Writes records in the codec's own form.
#[derive(Clone)]
struct SaveObjects(PathBuf);

impl<T: Data> PartitionAction<T> for SaveObjects {
    type Out = PartFile;

    fn run(&self, mut items: impl Iterator<Item = T>, task: &TaskContext) -> PartFile {
        let attempt = task.attempt();
        let mut part = ObjectPartWriter::create(&self.0, attempt.partition, attempt.task).or_raise();
        items.try_for_each(|item| part.write(&item)).or_raise();
        task.check_killed();
        part.finish().or_raise()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.0);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        from.get().map(SaveObjects)
    }
}

pub(super) fn save_as_text_file<R: Rdd<Item: Display>>(rdd: &R, typed: &Path) -> Result<()> {
    save(rdd, typed, SaveText)
}

pub(super) fn save_as_object_file<R: Rdd<Item: Data>>(rdd: &R, typed: &Path) -> Result<()> {
    save(rdd, typed, SaveObjects)
}

/// Publishes the parts that the tasks wrote; whatever fails, the output is dropped uncommitted and removes itself.
fn save<R, A>(rdd: &R, typed: &Path, action: impl FnOnce(PathBuf) -> A) -> Result<()>
where
    R: Rdd,
    A: PartitionAction<R::Item, Out = PartFile>,
{
    let folder = rdd.context().output_folder(typed)?;
    let output = OutputCommit::prepare(&folder)?;
    result::try_run(rdd, &action(folder), |part| Ok(output.commit_part(&part)?))?;
    Ok(output.commit()?)
}
