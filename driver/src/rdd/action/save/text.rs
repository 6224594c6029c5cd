//! Lines of text.

use super::WriteFormat;
use rsk_executor::TaskContext;
use rsk_storage::{Codec, PartAttempt, PartFile, PartWriter, Text, WriteError};
use serde::{Deserialize, Serialize};
use std::{any::Any, fmt::Display};

/// Writes a line a record.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::rdd::action) struct SaveText(pub(in crate::rdd::action) Option<Codec>);

impl<T: Display + 'static> WriteFormat<T> for SaveText {
    type Part = PartWriter;

    fn create(&self, attempt: PartAttempt, _: &TaskContext) -> Result<PartWriter, WriteError> {
        PartWriter::create_named(attempt, "", self.0)
    }

    #[inline]
    fn write(part: &mut PartWriter, record: &T) -> Result<(), WriteError> {
        match text_of(record) {
            Some(text) => part.write_record(text.as_bytes()).and_then(|()| part.write_record(b"\n")),
            None => part.write_line(record),
        }
    }

    fn finish(part: PartWriter) -> Result<Option<PartFile>, WriteError> {
        part.finish().map(Some)
    }
}

/// The text that a record is, where it is text: known when this is compiled, so that text is copied and not formatted.
#[inline]
fn text_of<T: 'static>(record: &T) -> Option<&str> {
    let record: &dyn Any = record;
    let text = record.downcast_ref::<Text>().map(|text| &**text);
    let text = text.or_else(|| record.downcast_ref::<String>().map(String::as_str));
    text.or_else(|| record.downcast_ref::<&'static str>().copied())
}
