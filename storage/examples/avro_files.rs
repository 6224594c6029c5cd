//! `avro_files DIR`: the files that `tests/fixtures/avro/avro_files.py` writes, by rsk, but for their blocks' sizes.

#[path = "../tests/fixtures/avro/visit.rs"]
mod visit;

use rsk_storage::{AvroCodec, AvroSchema, AvroWriter};
use std::{error::Error, fs::File, path::Path};

const SCHEMA: &str = r#"{"type": "record", "name": "Visit", "namespace": "rsk.test", "fields": [
    {"name": "page", "type": "string"}, {"name": "at", "type": "long"}, {"name": "status", "type": "int"},
    {"name": "is_new", "type": "boolean"}, {"name": "seconds", "type": ["null", "double"]}, {"name": "ratio", "type": "float"},
    {"name": "body", "type": "bytes"}, {"name": "method", "type": {"type": "enum", "name": "Method", "symbols": ["GET", "POST"]}},
    {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}},
    {"name": "tags", "type": {"type": "array", "items": ["null", "string", "Method"]}},
    {"name": "counts", "type": {"type": "map", "values": "long"}}, {"name": "from", "type": ["null", "Visit"]}]}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("which folder?")?;
    let schema = AvroSchema::parse(SCHEMA)?;
    for codec in AvroCodec::ALL {
        let path = Path::new(&folder).join(format!("{}.avro", codec.name()));
        let mut file = AvroWriter::with_size(File::create(path)?, &schema, codec, *b"0123456789abcdef", 700)?;
        (0..60).map(visit::visit).try_for_each(|visit| file.write(&visit))?;
        file.finish()?;
    }
    Ok(())
}
