//! Structs and maps, as records or maps.

use super::{listed::write_count, write_inner};
use crate::avro::{
    AvroError,
    datum::{Datum, write_long, write_sized},
    schema::{AvroSchema, Id, Kind},
};
use serde::ser::{Error, Serialize, SerializeMap, SerializeStruct, SerializeStructVariant};
use std::collections::BTreeMap;

/// Appends fields by their names.
pub(in crate::avro) struct Keyed<'a> {
    schema: &'a AvroSchema,
    to: &'a mut Vec<u8>,
    depth: u32,
    as_what: As<'a>,
    /// The name that a value follows.
    key: Vec<u8>,
}

enum As<'a> {
    Record(Record<'a>),
    /// How many there were, and their bytes.
    Map {
        of: Id,
        count: u64,
        items: Vec<u8>,
    },
}

struct Record<'a> {
    name: &'a str,
    fields: &'a [(String, Id)],
    /// The first that was not written.
    next: usize,
    /// Those that came before their turn.
    early: BTreeMap<usize, Vec<u8>>,
}

impl Record<'_> {
    /// Where the field of this name is.
    fn find(&self, name: &str) -> Result<usize, AvroError> {
        if self.fields.get(self.next).is_some_and(|(field, _)| field == name) {
            return Ok(self.next);
        }
        let Some(at) = self.fields.iter().position(|(field, _)| field == name) else {
            return Err(AvroError::custom(format!("{} has no field {name:?} in the schema", self.name)));
        };
        if at < self.next || self.early.contains_key(&at) {
            return Err(AvroError::custom(format!("the field {name:?} comes twice")));
        }
        Ok(at)
    }

    /// Those whose turn it is.
    fn write_early(&mut self, to: &mut Vec<u8>) {
        while let Some(bytes) = self.early.remove(&self.next) {
            to.extend(bytes);
            self.next += 1;
        }
    }
}

impl<'a> Keyed<'a> {
    pub(super) fn new(
        schema: &'a AvroSchema,
        kind: &'a Kind,
        to: &'a mut Vec<u8>,
        depth: u32,
    ) -> Result<Self, AvroError> {
        let as_what = match kind {
            Kind::Record { name, fields } => {
                As::Record(Record { name, fields, next: 0, early: BTreeMap::new() })
            }
            Kind::Map(of) => As::Map { of: *of, count: 0, items: Vec::new() },
            kind => {
                return Err(AvroError::custom(format!("named fields, and the schema has {}", kind.name())));
            }
        };
        Ok(Keyed { schema, to, depth, as_what, key: Vec::new() })
    }

    fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), AvroError> {
        match &mut self.as_what {
            As::Record(record) => {
                let at = record.find(name)?;
                let (_, kind) = record.fields[at];
                let mut early = Vec::new();
                let to = if at == record.next { &mut *self.to } else { &mut early };
                write_inner(self.schema, kind, to, self.depth, value)
                    .map_err(|error| AvroError::custom(format!("{name}: {error}")))?;
                if at == record.next {
                    record.next += 1;
                } else {
                    record.early.insert(at, early);
                }
                record.write_early(self.to);
                Ok(())
            }
            As::Map { of, count, items } => {
                *count += 1;
                write_sized(name.as_bytes(), items);
                write_inner(self.schema, *of, items, self.depth, value)
            }
        }
    }

    fn finish(self) -> Result<(), AvroError> {
        match self.as_what {
            As::Map { count, items, .. } => {
                if count > 0 {
                    write_count(count, self.to);
                    self.to.extend(items);
                }
                self.to.push(0);
            }
            As::Record(mut record) => {
                while let Some((name, kind)) = record.fields.get(record.next) {
                    write_null(self.schema, *kind, self.to).ok_or_else(|| {
                        AvroError::custom(format!("no value for the field {name:?} of {}", record.name))
                    })?;
                    record.next += 1;
                    record.write_early(self.to);
                }
            }
        }
        Ok(())
    }
}

/// What a field that was left out is, if it may be nothing.
fn write_null(schema: &AvroSchema, kind: Id, to: &mut Vec<u8>) -> Option<()> {
    match schema.kind(kind) {
        Kind::Null => Some(()),
        Kind::Union(branches) => {
            let at = branches.iter().position(|id| *schema.kind(*id) == Kind::Null)?;
            write_long(i64::try_from(at).ok()?, to);
            Some(())
        }
        _ => None,
    }
}

impl SerializeMap for Keyed<'_> {
    type Ok = ();
    type Error = AvroError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), AvroError> {
        self.key.clear();
        write_inner(self.schema, Id::STRING, &mut self.key, self.depth, key)
            .map_err(|error| AvroError::custom(format!("a map's key is no text: {error}")))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), AvroError> {
        let key = std::mem::take(&mut self.key);
        self.put(Datum::new(&key, 0).text()?, value)?;
        self.key = key;
        Ok(())
    }

    fn end(self) -> Result<(), AvroError> {
        self.finish()
    }
}

macro_rules! keyed {
    ($($trait:ident,)*) => {$(
        impl $trait for Keyed<'_> {
            type Ok = ();
            type Error = AvroError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), AvroError> {
                self.put(name, value)
            }

            fn end(self) -> Result<(), AvroError> {
                self.finish()
            }
        }
    )*};
}

keyed! { SerializeStruct, SerializeStructVariant, }
