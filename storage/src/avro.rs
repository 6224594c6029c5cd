//! Avro's object container files: records of a schema that the file itself tells.
//!
//! Shape: `Obj`, 1, a map of metadata (the schema as JSON, the codec's name), the *sync marker* of 16 bytes; then blocks: how
//! many records, how many bytes, the records, packed, and the marker. A reader may begin behind any marker.
//!
//! Numbers are zig-zag varints; records have no marks of their own, so that only the schema tells where one ends. Nothing marks
//! the end of a file, and but snappy's and bzip2's blocks nothing is checked: a file cut between two blocks looks whole.
//!
//! Source: the specification of Avro 1.12.

mod codec;
mod datum;
mod de;
mod error;
mod header;
mod part;
mod read;
mod schema;
mod ser;
mod split;
mod write;

pub use codec::AvroCodec;
pub use error::AvroError;
pub use part::AvroPartWriter;
pub use read::AvroReader;
pub use schema::AvroSchema;
pub use split::{plan_avro, read_avro};
pub use write::AvroWriter;

const SYNC_BYTES: usize = 16;
/// How deep records, lists and maps may be in each other.
const DEPTH_MAX: u32 = 64;

#[cfg(test)]
mod tests;
