//! `save_as_text_file` and its like for each format: a part a partition, all of them or none.

mod avro;
mod csv;
mod format;
mod json;

pub(super) use avro::SaveAvro;
pub(super) use csv::SaveCsv;
pub(super) use json::SaveJson;

use super::result::{self, PartitionAction};
use crate::{Result, rdd::Rdd};
use format::{SaveAs, WriteFormat};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, OrRaise};
use rsk_storage::{
    Codec, Compression, ObjectPartWriter, OutputCommit, PartFile, PartWriter, SequencePartWriter, Text,
    Writable,
};
use std::{
    any::Any,
    fmt::Display,
    path::{Path, PathBuf},
};

/// How text is written.
///
/// ```
/// use rsk::{Codec, SaveOptions};
/// let options = SaveOptions::default().compress(Codec::Gzip);
/// assert_eq!(options.codec(), Some(Codec::Gzip));
/// ```
#[derive(Debug, Clone, Default)]
pub struct SaveOptions {
    codec: Option<Codec>,
}

impl SaveOptions {
    /// Packs each part, whose name ends as the codec says.
    pub fn compress(mut self, codec: Codec) -> Self {
        self.codec = Some(codec);
        self
    }

    /// What packs it.
    pub fn codec(&self) -> Option<Codec> {
        self.codec
    }
}

/// Writes a line a record.
#[derive(Clone)]
struct SaveText(PathBuf, Option<Codec>);

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
        let part = PartWriter::create_packed(&self.0, attempt.partition, attempt.task, self.1);
        let mut part = part.or_raise();
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
        to.put(&self.1);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(SaveText(from.get()?, from.get()?))
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

/// Writes pairs as Hadoop's classes.
#[derive(Clone)]
struct SaveSequence(PathBuf, Compression);

impl<K: Writable, V: Writable> PartitionAction<(K, V)> for SaveSequence {
    type Out = PartFile;

    fn run(&self, mut items: impl Iterator<Item = (K, V)>, task: &TaskContext) -> PartFile {
        let attempt = task.attempt();
        let part = SequencePartWriter::create(&self.0, attempt.partition, attempt.task, self.1);
        let mut part = part.or_raise();
        items.try_for_each(|(key, value)| part.write(&key, &value)).or_raise();
        task.check_killed();
        part.finish().or_raise()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.0);
        to.put(&self.1);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        Ok(SaveSequence(from.get()?, from.get()?))
    }
}

pub(super) fn save_as_text_file<R: Rdd<Item: Display>>(
    rdd: &R,
    typed: &Path,
    options: &SaveOptions,
) -> Result<()> {
    save(rdd, typed, |folder| SaveText(folder, options.codec))
}

pub(super) fn save_as_sequence_file<K, V, R>(rdd: &R, typed: &Path, compression: Compression) -> Result<()>
where
    K: Writable,
    V: Writable,
    R: Rdd<Item = (K, V)>,
{
    save(rdd, typed, |folder| SaveSequence(folder, compression))
}

pub(super) fn save_as_object_file<R: Rdd<Item: Data>>(rdd: &R, typed: &Path) -> Result<()> {
    save(rdd, typed, SaveObjects)
}

/// Saves in one of the formats that are written record by record.
pub(super) fn save_as<R, F>(rdd: &R, typed: &Path, format: F) -> Result<()>
where
    R: Rdd,
    F: WriteFormat<R::Item>,
{
    save(rdd, typed, |folder| SaveAs { folder, format })
}

/// Publishes the parts that the tasks wrote; whatever fails, the output is dropped uncommitted and removes itself.
fn save<R, A>(rdd: &R, typed: &Path, action: impl FnOnce(PathBuf) -> A) -> Result<()>
where
    R: Rdd,
    A: PartitionAction<R::Item, Out = PartFile>,
{
    publish(rdd, typed, action, Some)
}

/// [`save`], where a task may have nothing to write.
pub(crate) fn save_parts<R, A>(rdd: &R, typed: &Path, action: impl FnOnce(PathBuf) -> A) -> Result<()>
where
    R: Rdd,
    A: PartitionAction<R::Item, Out = Option<PartFile>>,
{
    publish(rdd, typed, action, |part| part)
}

fn publish<R, A>(
    rdd: &R,
    typed: &Path,
    action: impl FnOnce(PathBuf) -> A,
    part_of: impl Fn(A::Out) -> Option<PartFile>,
) -> Result<()>
where
    R: Rdd,
    A: PartitionAction<R::Item>,
{
    let folder = rdd.context().output_folder(typed)?;
    let output = OutputCommit::prepare(&folder)?;
    result::try_run(rdd, &action(folder), |out| match part_of(out) {
        Some(part) => Ok(output.commit_part(&part)?),
        None => Ok(()),
    })?;
    Ok(output.commit()?)
}
