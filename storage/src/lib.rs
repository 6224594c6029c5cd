//! Where bytes live: listings, splits, lines of text, and the commit of outputs.
//!
//! It knows files, not RDDs: the driver lists and plans, tasks read one split or write one part. It calls nobody of
//! ours but the wire's error types.
//!
//! ```
//! use rsk_storage::Text;
//! let words: Vec<Text> = Text::from("to be or").words().collect();
//! assert_eq!(words, ["to", "be", "or"]);
//! ```

mod location;
mod config;
mod client;
mod storage;
mod listing;
mod reader;
mod browse;
mod plan;
mod codec;
mod open;
mod blocks;
mod lines;
mod text;
mod raw_lines;
mod splits;
mod json;
mod csv;
mod whole;
mod records;
mod object;
mod input;
mod sequence;
mod avro;
mod batches;
mod part;
mod commit;
mod read_error;
mod write_error;

pub use avro::{
    AvroCodec, AvroError, AvroPartWriter, AvroReader, AvroSchema, AvroWriter, plan_avro, read_avro,
};
pub use batches::{
    ArrowCodec, ArrowPartWriter, BATCH_ROWS, ColumnRange, ColumnValue, ParquetCodec, ParquetOptions,
    ParquetPartWriter, RowSchema, RowsError, plan_batches, read_arrow, read_parquet, rows_of,
};
pub use browse::{BrowseError, Entry};
pub use client::ClientError;
pub use codec::{Codec, CodecReader, CodecWriter};
#[cfg(any(test, feature = "testing"))]
pub use commit::commit_store;
pub use commit::{Cleaned, CommitLog, PartAttempt, PartTarget, SaveMode, clean_output, unique_name};
pub use config::{HdfsConfig, Requests, S3Config, STORAGE_KEYS, Secret, StorageConfig, StorageConfigError};
pub use csv::{CsvOptions, CsvOptionsError, CsvPartWriter, plan_csv, read_csv};
pub use json::read_json;
pub use lines::{Lines, read_lines};
pub use listing::{InputFile, ListError, Stamp};
pub use location::{Location, LocationError, Root, Scheme};
pub use object::{ObjectPart, ObjectPartWriter, read_object_part};
pub use part::{PartFile, PartWriter};
pub use plan::{InvalidUtf8, Split, TextOptions, TextPartition, plan, plan_whole};
pub use read_error::ReadError;
pub use records::{Records, plan_records, read_records};
pub use sequence::{
    Compression, SequenceError, SequencePairs, SequencePartWriter, SequenceReader, SequenceWriter, Writable,
    WritableError, plan_sequence, read_sequence,
};
pub use storage::Storage;
pub use text::{Cut, CutPattern, Text, Words};
pub use whole::{read_binary, whole_text};
pub use write_error::WriteError;
