//! The record batches of the splits of Parquet files.

use super::{ColumnRange, chunks::Chunks};
use crate::{
    Location, ReadError, Split, Storage, TextPartition,
    batches::{
        BATCH_ROWS,
        guard::{LastError, guarded},
    },
    splits::{SplitReader, Splits},
};
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder,
        },
    },
    basic::Compression,
    file::metadata::RowGroupMetaData,
    schema::types::SchemaDescriptor,
};
use rsk_proto::Cause;
use serde::{Deserialize, Serialize};

/// What is read of Parquet files.
///
/// ```
/// use rsk_storage::{ColumnRange, ParquetOptions};
/// let prices = ParquetOptions {
///     columns: Some(vec!["price".to_owned()]),
///     groups_with: vec![ColumnRange::new("day", 20_500..)],
///     ..ParquetOptions::default()
/// };
/// assert_eq!(prices.batch_rows, 8192);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParquetOptions {
    /// Which columns, in which order; all if nothing. Columns in columns are named with dots between.
    pub columns: Option<Vec<String>>,
    /// Row groups of which the statistics say that a column has none of these values are not read.
    pub groups_with: Vec<ColumnRange>,
    /// How many rows a batch has at most.
    pub batch_rows: usize,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        ParquetOptions { columns: None, groups_with: Vec::new(), batch_rows: BATCH_ROWS }
    }
}

/// The batches of the row groups that begin in the splits of `partition`, which [`plan_batches`](crate::plan_batches) made.
///
/// Shape: the batches of the first split, then of the next; one split may have none. After an error comes nothing.
/// Errors: a file is missing, unreadable, shorter than it was listed, or damaged; it has no such column, or is packed by an
/// unknown codec.
///
/// Cost: a file's footer, and of each group the columns asked for, page by page. Bounds: a page of each column, and a batch.
///
/// See [`crate::ParquetPartWriter`] for an example.
pub fn read_parquet(
    storage: &Storage,
    partition: TextPartition,
    options: &ParquetOptions,
) -> impl Iterator<Item = Result<RecordBatch, ReadError>> + use<> {
    Splits::<ParquetSplit>::new(storage, partition, options.clone())
}

struct ParquetSplit {
    path: Location,
    last: LastError,
    /// Nothing where no group is read.
    reader: Option<ParquetRecordBatchReader>,
    /// Where the columns are in what is read, in the order asked for.
    order: Option<Vec<usize>>,
}

impl SplitReader for ParquetSplit {
    type Options = ParquetOptions;
    type Record = RecordBatch;

    fn open(storage: &Storage, split: Split, options: &ParquetOptions) -> Result<Self, ReadError> {
        let Split { file, start, end } = split;
        let (path, bytes) = (file.location.clone(), file.bytes);
        let last = LastError::default();
        // A file of no bytes holds nothing: other programs leave some, too.
        if end == 0 {
            return Ok(ParquetSplit { path, last, reader: None, order: None });
        }
        let file = storage.open(&file, 0, 0..0)?;
        let chunks = Chunks::new(file, bytes, last.clone());
        let footer =
            guarded(&path, &last, || ArrowReaderMetadata::load(&chunks, ArrowReaderOptions::default()))?;
        let missing = |name: &str| missing(&path, name, footer.parquet_schema());
        for range in &options.groups_with {
            find(footer.parquet_schema(), range.column()).ok_or_else(|| missing(range.column()))?;
        }
        let groups = footer.metadata().row_groups().iter().enumerate();
        let groups = groups.filter(|(_, group)| {
            (start..end).contains(&start_of(group))
                && options.groups_with.iter().all(|range| range.may_be_in(group))
        });
        let groups: Vec<_> = groups.map(|(index, _)| index).collect();
        let mut mask = ProjectionMask::all();
        let mut order = None;
        if let Some(columns) = &options.columns {
            for name in columns {
                find(footer.parquet_schema(), name).ok_or_else(|| missing(name))?;
            }
            mask = ProjectionMask::columns(footer.parquet_schema(), columns.iter().map(String::as_str));
            order = Some(columns.clone());
        }
        for group in &groups {
            check_codecs(&path, footer.metadata().row_group(*group), &mask)?;
        }
        if groups.is_empty() {
            return Ok(ParquetSplit { path, last, reader: None, order: None });
        }
        let reader = guarded(&path, &last, || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, footer)
                .with_row_groups(groups)
                .with_projection(mask)
                .with_batch_size(options.batch_rows.max(1))
                .build()
        })?;
        let schema = arrow_array::RecordBatchReader::schema(&reader);
        let order = order.map(|columns| order_of(&schema, &columns));
        Ok(ParquetSplit { path, last, reader: Some(reader), order })
    }

    fn next_record(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let order = self.order.as_deref();
        guarded(&self.path, &self.last, || {
            let batch = reader.next().transpose()?;
            batch.map(|batch| order.map_or(Ok(batch.clone()), |order| batch.project(order))).transpose()
        })
    }
}

/// Where a group begins: where its first column does.
fn start_of(group: &RowGroupMetaData) -> u64 {
    let starts = group.columns().iter().map(|column| {
        let data = column.data_page_offset();
        column.dictionary_page_offset().filter(|at| (1..data).contains(at)).unwrap_or(data)
    });
    starts.min().and_then(|start| u64::try_from(start).ok()).unwrap_or(0)
}

/// Are the columns that are read packed by what is known?
fn check_codecs(path: &Location, group: &RowGroupMetaData, mask: &ProjectionMask) -> Result<(), ReadError> {
    let mut packed = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
    let unknown = packed.find_map(|(_, column)| match column.compression() {
        Compression::BROTLI(_) => Some("brotli"),
        Compression::LZO => Some("lzo"),
        _ => None,
    });
    match unknown {
        Some(codec) => Err(ReadError::Packed { path: path.clone(), codec: codec.to_owned() }),
        None => Ok(()),
    }
}

/// A column, or one that holds columns.
fn find(schema: &SchemaDescriptor, name: &str) -> Option<()> {
    let is_it =
        |path: String| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    schema.columns().iter().any(|column| is_it(column.path().string())).then_some(())
}

fn missing(path: &Location, name: &str, schema: &SchemaDescriptor) -> ReadError {
    let names: Vec<_> = schema.columns().iter().map(|column| column.path().string()).collect();
    let cause = Cause::new(format!("its columns are {}", names.join(", ")));
    ReadError::Column { path: path.clone(), column: name.to_owned(), cause }
}

/// Where the outermost columns of these names are, each once.
fn order_of(schema: &Schema, columns: &[String]) -> Vec<usize> {
    let mut order = Vec::new();
    for column in columns {
        let outermost = column.split('.').next().unwrap_or(column);
        // A column's own name may have dots.
        let found = schema.index_of(column).or_else(|_| schema.index_of(outermost));
        order.extend(found.ok().filter(|at| !order.contains(at)));
    }
    order
}
