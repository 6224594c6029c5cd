//! What an Avro file begins with: `Obj`, 1, metadata, and the sync marker.

use super::{
    AvroCodec, AvroError, AvroSchema, SYNC_BYTES,
    datum::{read_long, write_long, write_sized},
};
use crate::input::Input;
use std::io::Read;

const MAGIC: [u8; 4] = *b"Obj\x01";
/// What metadata may take, the schema with it.
const METADATA_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug)]
pub(super) struct Header {
    pub(super) schema: AvroSchema,
    pub(super) codec: AvroCodec,
    pub(super) sync: [u8; SYNC_BYTES],
}

impl Header {
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&MAGIC);
        write_long(2, to);
        for (key, value) in [("avro.schema", self.schema.json()), ("avro.codec", self.codec.name())] {
            write_sized(key.as_bytes(), to);
            write_sized(value.as_bytes(), to);
        }
        write_long(0, to);
        to.extend_from_slice(&self.sync);
    }

    pub(super) fn read(from: &mut Input<impl Read>) -> Result<Header, AvroError> {
        if from.array()? != MAGIC {
            return Err(AvroError::NotAvro);
        }
        let (mut schema, mut codec) = (None, AvroCodec::Null);
        let mut room = METADATA_BYTES_MAX;
        loop {
            let pairs = long(from)?;
            if pairs == 0 {
                break;
            }
            if pairs < 0 {
                // Their bytes follow.
                long(from)?;
            }
            for _ in 0..pairs.unsigned_abs() {
                let (key, value) = (sized(from, &mut room)?, sized(from, &mut room)?);
                let text = || std::str::from_utf8(&value).map_err(|_| damaged("its metadata is not UTF-8"));
                match &key[..] {
                    b"avro.schema" => schema = Some(AvroSchema::parse(text()?)?),
                    b"avro.codec" => codec = AvroCodec::of_name(text()?)?,
                    _ => {}
                }
            }
        }
        let schema = schema.ok_or_else(|| damaged("it has no schema"))?;
        Ok(Header { schema, codec, sync: from.array()? })
    }
}

fn damaged(what: &str) -> AvroError {
    AvroError::Damaged(what.to_owned())
}

pub(super) fn long(from: &mut Input<impl Read>) -> Result<i64, AvroError> {
    read_long(|| Ok(from.array().map(|[byte]| byte)?))
}

/// A key or a value, of what `room` is left for; an empty one takes a byte of it.
fn sized(from: &mut Input<impl Read>, room: &mut u64) -> Result<Vec<u8>, AvroError> {
    let bytes = u64::try_from(long(from)?).map_err(|_| damaged("its metadata has less than no bytes"))?;
    if bytes >= *room {
        return Err(AvroError::too_large("its metadata", bytes, METADATA_BYTES_MAX));
    }
    *room -= bytes + 1;
    let mut value = Vec::new();
    from.fill(bytes, &mut value)?;
    Ok(value)
}
