//! Lists and tuples, as arrays, records or bytes.

use super::write_inner;
use crate::avro::{
    AvroError,
    datum::{Datum, write_long, write_sized},
    schema::{AvroSchema, Id, Kind},
};
use serde::ser::{
    Error, Serialize, SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};

/// Appends the items of a list, or the fields of a record in order.
pub(in crate::avro) struct Listed<'a> {
    schema: &'a AvroSchema,
    to: &'a mut Vec<u8>,
    depth: u32,
    as_what: As<'a>,
    items: u64,
}

enum As<'a> {
    /// How many there are, if that was said and written.
    Array {
        of: Id,
        counted: Option<u64>,
        items: Vec<u8>,
    },
    Record {
        fields: &'a [(String, Id)],
    },
    Bytes(Vec<u8>),
    Fixed(usize, Vec<u8>),
}

impl<'a> Listed<'a> {
    pub(super) fn new(
        schema: &'a AvroSchema,
        kind: &'a Kind,
        to: &'a mut Vec<u8>,
        depth: u32,
        length: Option<usize>,
    ) -> Result<Self, AvroError> {
        let as_what = match kind {
            Kind::Array(of) => {
                let counted = length.map(|length| length as u64);
                if let Some(counted) = counted.filter(|counted| *counted > 0) {
                    write_count(counted, to);
                }
                As::Array { of: *of, counted, items: Vec::new() }
            }
            Kind::Record { fields, .. } => As::Record { fields },
            Kind::Bytes => As::Bytes(Vec::new()),
            Kind::Fixed { bytes, .. } => As::Fixed(*bytes, Vec::new()),
            kind => return Err(AvroError::custom(format!("a list, and the schema has {}", kind.name()))),
        };
        Ok(Listed { schema, to, depth, as_what, items: 0 })
    }

    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), AvroError> {
        let at = rsk_proto::to_usize(self.items);
        self.items += 1;
        match &mut self.as_what {
            As::Array { of, counted, items } => {
                let to = if counted.is_some() { &mut *self.to } else { items };
                write_inner(self.schema, *of, to, self.depth, value)
            }
            As::Record { fields } => match fields.get(at) {
                Some((name, of)) => write_inner(self.schema, *of, self.to, self.depth, value)
                    .map_err(|error| AvroError::custom(format!("{name}: {error}"))),
                None => Err(AvroError::custom("a tuple has more fields than the schema")),
            },
            As::Bytes(bytes) | As::Fixed(_, bytes) => {
                // What is a byte is told by writing it as a number.
                let mut number = Vec::new();
                write_inner(self.schema, Id::LONG, &mut number, self.depth, value)?;
                let byte = u8::try_from(Datum::new(&number, 0).long()?);
                bytes.push(byte.map_err(|_| AvroError::custom("a list of other numbers than bytes"))?);
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<(), AvroError> {
        match self.as_what {
            As::Array { counted: Some(counted), .. } if counted != self.items => {
                let what = format!("a list said that it has {counted} items, and has {}", self.items);
                return Err(AvroError::custom(what));
            }
            As::Array { counted, items, .. } => {
                if counted.is_none() && self.items > 0 {
                    write_count(self.items, self.to);
                    self.to.extend(items);
                }
                self.to.push(0);
            }
            As::Record { fields } if fields.len() as u64 != self.items => {
                let what = format!("a tuple of {}, and the schema has {} fields", self.items, fields.len());
                return Err(AvroError::custom(what));
            }
            As::Record { .. } => {}
            As::Bytes(bytes) => write_sized(&bytes, self.to),
            As::Fixed(length, bytes) if length == bytes.len() => self.to.extend(bytes),
            As::Fixed(length, bytes) => {
                return Err(AvroError::custom(format!("{} bytes, and the schema has {length}", bytes.len())));
            }
        }
        Ok(())
    }
}

pub(super) fn write_count(count: u64, to: &mut Vec<u8>) {
    write_long(i64::try_from(count).unwrap_or(i64::MAX), to);
}

macro_rules! listed {
    ($($trait:ident: $put:ident,)*) => {$(
        impl $trait for Listed<'_> {
            type Ok = ();
            type Error = AvroError;

            fn $put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), AvroError> {
                self.put(value)
            }

            fn end(self) -> Result<(), AvroError> {
                self.finish()
            }
        }
    )*};
}

listed! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}
