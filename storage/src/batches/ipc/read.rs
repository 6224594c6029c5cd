//! The record batches of the splits of Arrow's files.

use super::blocks::{Checked, Layout};
use crate::{
    Location, ReadError, Split, Storage, TextPartition,
    batches::guard::{LastError, guarded},
    reader::Reader,
    splits::{SplitReader, Splits},
};
use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;
use rsk_proto::{ByteSize, Cause};
use std::io::{BufReader, Read, Seek, SeekFrom};

const MAGIC: [u8; 6] = *b"ARROW1";

/// The batches of Arrow's files that begin in the splits of `partition`, which [`plan_batches`](crate::plan_batches) made: of
/// some columns, in the order asked for, or of all. All batches of a stream, which has no footer, are in the file's first split.
///
/// Shape: the batches of the first split, then of the next; one split may have none. After an error comes nothing.
/// Errors: a file is missing, unreadable, shorter than it was listed, none of Arrow's, or damaged; it has no such column.
///
/// Bounds: a batch, and what is packed of it. One that would take more than the limit is an error, whatever it claims.
///
/// See [`crate::ArrowPartWriter`] for an example.
pub fn read_arrow(
    storage: &Storage,
    partition: TextPartition,
    columns: Option<Vec<String>>,
    batch_bytes_max: u64,
) -> impl Iterator<Item = Result<RecordBatch, ReadError>> + use<> {
    Splits::<ArrowSplit>::new(storage, partition, Options { columns, batch_bytes_max })
}

struct Options {
    columns: Option<Vec<String>>,
    batch_bytes_max: u64,
}

struct ArrowSplit {
    path: Location,
    from: Batches,
    /// Where the columns are in what is read, in the order asked for.
    order: Option<Vec<usize>>,
}

enum Batches {
    None,
    /// Those of a file that are in the split.
    File(Box<FileReader<BufReader<Reader>>>, std::vec::IntoIter<usize>),
    Stream(Box<StreamReader<BufReader<Reader>>>),
}

impl SplitReader for ArrowSplit {
    type Options = Options;
    type Record = RecordBatch;

    fn open(storage: &Storage, split: Split, options: &Options) -> Result<Self, ReadError> {
        let Split { file, start, end } = split;
        let (path, bytes) = (file.location.clone(), file.bytes);
        let nothing = |path| Ok(ArrowSplit { path, from: Batches::None, order: None });
        // A file of no bytes holds nothing: other programs leave some, too.
        if end == 0 {
            return nothing(path);
        }
        let mut from = BufReader::new(storage.open(&file, 0, start..end)?);
        let is_file = is_file(&mut from, &path)?;
        if !is_file && start > 0 {
            return nothing(path);
        }
        let batch_bytes_max = options.batch_bytes_max;
        let mut checked = Checked { from: &mut from, bytes, batch_bytes_max, too_large: None };
        let layout = reading(&path, || if is_file { checked.file() } else { checked.stream() });
        if let Some(bytes) = checked.too_large {
            let (what, limit) = (format!("a batch of {path}"), ByteSize(batch_bytes_max));
            return Err(ReadError::TooLarge { what, bytes: ByteSize(bytes), limit });
        }
        let layout = layout?;
        let order = options.columns.as_ref().map(|columns| order_of(&path, &layout, columns)).transpose()?;
        let (projection, order) = order.map(projected).unzip();
        let from = reading(&path, || {
            from.seek(SeekFrom::Start(0))?;
            if !is_file {
                return Ok(Batches::Stream(Box::new(StreamReader::try_new(from, projection)?)));
            }
            let own = layout.starts.iter().enumerate().filter(|(_, at)| (start..end).contains(at));
            let own: Vec<_> = own.map(|(index, _)| index).collect();
            Ok(Batches::File(Box::new(FileReader::try_new(from, projection)?), own.into_iter()))
        })?;
        Ok(ArrowSplit { path, from, order })
    }

    fn next_record(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        let (from, order) = (&mut self.from, self.order.as_deref());
        reading(&self.path, || {
            let batch = match from {
                Batches::None => None,
                Batches::Stream(from) => from.next().transpose()?,
                Batches::File(from, own) => match own.next() {
                    Some(index) => {
                        from.set_index(index)?;
                        let batch = from.next().transpose()?;
                        Some(batch.ok_or_else(|| ArrowError::IpcError("a batch is not there".to_owned()))?)
                    }
                    None => None,
                },
            };
            batch.map(|batch| order.map_or(Ok(batch.clone()), |order| batch.project(order))).transpose()
        })
    }
}

/// Calls a reader of Arrow's, whose errors keep those of the file.
fn reading<T>(path: &Location, read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ReadError> {
    let last = LastError::default();
    guarded(path, &last, || {
        read().map_err(|error| match error {
            ArrowError::IoError(_, error) => ArrowError::from(last.keep(error)),
            error => error,
        })
    })
}

/// Has it a footer?
fn is_file(from: &mut (impl Read + Seek), path: &Location) -> Result<bool, ReadError> {
    let mut magic = [0; MAGIC.len()];
    let fail = |error| ReadError::unpacking(path, error);
    from.read_exact(&mut magic).map_err(fail)?;
    from.seek(SeekFrom::Start(0)).map_err(fail)?;
    // Streams begin with a mark, or, in old ones, with a length.
    let is_stream = magic.starts_with(&[0xff; 4]) || matches!(magic, [_, _, 0, 0, ..]);
    match magic {
        MAGIC => Ok(true),
        _ if is_stream => Ok(false),
        _ => Err(ReadError::Format { path: path.clone(), format: "a file or a stream of Arrow's" }),
    }
}

/// Where the columns of these names are, each once.
fn order_of(path: &Location, layout: &Layout, columns: &[String]) -> Result<Vec<usize>, ReadError> {
    let mut order = Vec::new();
    for column in columns {
        let at = layout.schema.index_of(column).map_err(|_| {
            let names: Vec<_> = layout.schema.fields().iter().map(|field| field.name().as_str()).collect();
            let cause = Cause::new(format!("its columns are {}", names.join(", ")));
            ReadError::Column { path: path.clone(), column: column.clone(), cause }
        })?;
        if !order.contains(&at) {
            order.push(at);
        }
    }
    Ok(order)
}

/// The columns in the file's order, and where those asked for are among them.
fn projected(order: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
    let mut sorted = order.clone();
    sorted.sort_unstable();
    let order = order.into_iter().filter_map(|at| sorted.binary_search(&at).ok()).collect();
    (sorted, order)
}
