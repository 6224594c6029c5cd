//! From a value to the bytes of a record, by the schema.

mod choose;
mod keyed;
mod listed;

use super::{
    AvroError, DEPTH_MAX,
    datum::{write_long, write_sized},
    schema::{AvroSchema, Id, Kind},
};
use choose::Choice;
use keyed::Keyed;
use listed::Listed;
use serde::ser::{Error, Serialize, Serializer};

/// Appends a value by its schema.
pub(super) struct Writer<'a> {
    schema: &'a AvroSchema,
    kind: Id,
    to: &'a mut Vec<u8>,
    depth: u32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(schema: &'a AvroSchema, to: &'a mut Vec<u8>) -> Self {
        Writer { schema, kind: schema.root(), to, depth: DEPTH_MAX }
    }

    /// Goes to the branch that such a value belongs to, if this is a union; else sees that it is such a value's type.
    ///
    /// `fits` says how well a type stands for the value, the least number best.
    fn choose(&mut self, what: &str, fits: impl Fn(&Kind) -> Choice) -> Result<&'a Kind, AvroError> {
        let schema = self.schema;
        let kind = schema.kind(self.kind);
        if let Kind::Union(branches) = kind {
            let fitting =
                branches.iter().enumerate().filter_map(|(at, id)| Some((fits(schema.kind(*id))?, at)));
            let Some((_, at)) = fitting.min() else {
                let names: Vec<_> = branches.iter().map(|id| schema.kind(*id).name()).collect();
                return Err(AvroError::custom(format!("{what}, and the schema has one of {names:?}")));
            };
            self.go_to_branch(branches, at);
        } else if fits(kind).is_none() {
            return Err(AvroError::custom(format!("{what}, and the schema has {}", kind.name())));
        }
        Ok(schema.kind(self.kind))
    }

    fn go_to_branch(&mut self, branches: &[Id], at: usize) {
        write_long(i64::try_from(at).unwrap_or(i64::MAX), self.to);
        self.kind = branches[at];
    }

    /// Goes to the branch of this name. A type that is no union stays.
    fn choose_variant(&mut self, variant: &str) -> Result<(), AvroError> {
        let schema = self.schema;
        let Kind::Union(branches) = schema.kind(self.kind) else { return Ok(()) };
        let found = branches.iter().position(|id| schema.kind(*id).name() == variant);
        let at = found
            .ok_or_else(|| AvroError::custom(format!("no branch of the union is called {variant:?}")))?;
        self.go_to_branch(branches, at);
        Ok(())
    }

    fn integer(mut self, number: i64, what: &str) -> Result<(), AvroError> {
        match self.choose(what, choose::integer(number))? {
            #[expect(clippy::cast_precision_loss, reason = "the schema says that a float is enough")]
            Kind::Float => self.to.extend_from_slice(&(number as f32).to_le_bytes()),
            #[expect(clippy::cast_precision_loss, reason = "the schema says that a double is enough")]
            Kind::Double => self.to.extend_from_slice(&(number as f64).to_le_bytes()),
            _ => write_long(number, self.to),
        }
        Ok(())
    }

    fn listed(mut self, what: &str, length: Option<usize>, is_tuple: bool) -> Result<Listed<'a>, AvroError> {
        let kind = self.choose(what, choose::list(is_tuple))?;
        Listed::new(self.schema, kind, self.to, self.depth, length)
    }

    fn keyed(mut self, what: &str) -> Result<Keyed<'a>, AvroError> {
        let kind = self.choose(what, choose::map)?;
        Keyed::new(self.schema, kind, self.to, self.depth)
    }
}

/// Appends what lies within a value.
fn write_inner<T: Serialize + ?Sized>(
    schema: &AvroSchema,
    kind: Id,
    to: &mut Vec<u8>,
    depth: u32,
    value: &T,
) -> Result<(), AvroError> {
    let depth = depth.checked_sub(1);
    let depth = depth.ok_or_else(|| AvroError::custom(format!("it is more than {DEPTH_MAX} deep")))?;
    value.serialize(Writer { schema, kind, to, depth })
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = AvroError;
    type SerializeSeq = Listed<'a>;
    type SerializeTuple = Listed<'a>;
    type SerializeTupleStruct = Listed<'a>;
    type SerializeTupleVariant = Listed<'a>;
    type SerializeMap = Keyed<'a>;
    type SerializeStruct = Keyed<'a>;
    type SerializeStructVariant = Keyed<'a>;

    fn serialize_bool(mut self, value: bool) -> Result<(), AvroError> {
        self.choose("a bool", choose::boolean)?;
        self.to.push(value.into());
        Ok(())
    }

    fn serialize_i8(self, number: i8) -> Result<(), AvroError> {
        self.integer(number.into(), "an i8")
    }

    fn serialize_i16(self, number: i16) -> Result<(), AvroError> {
        self.integer(number.into(), "an i16")
    }

    fn serialize_i32(self, number: i32) -> Result<(), AvroError> {
        self.integer(number.into(), "an i32")
    }

    fn serialize_i64(self, number: i64) -> Result<(), AvroError> {
        self.integer(number, "an i64 (beyond Avro's int, if that is what the schema has)")
    }

    fn serialize_u8(self, number: u8) -> Result<(), AvroError> {
        self.integer(number.into(), "a u8")
    }

    fn serialize_u16(self, number: u16) -> Result<(), AvroError> {
        self.integer(number.into(), "a u16")
    }

    fn serialize_u32(self, number: u32) -> Result<(), AvroError> {
        self.integer(number.into(), "a u32")
    }

    fn serialize_u64(self, number: u64) -> Result<(), AvroError> {
        let signed = i64::try_from(number);
        let signed = signed.map_err(|_| AvroError::custom(format!("{number} is beyond Avro's long")))?;
        self.integer(signed, "a u64")
    }

    fn serialize_f32(mut self, number: f32) -> Result<(), AvroError> {
        match self.choose("an f32", choose::float)? {
            Kind::Double => self.to.extend_from_slice(&f64::from(number).to_le_bytes()),
            _ => self.to.extend_from_slice(&number.to_le_bytes()),
        }
        Ok(())
    }

    fn serialize_f64(mut self, number: f64) -> Result<(), AvroError> {
        match self.choose("an f64", choose::double)? {
            #[expect(clippy::cast_possible_truncation, reason = "the schema says that a float is enough")]
            Kind::Float => self.to.extend_from_slice(&(number as f32).to_le_bytes()),
            _ => self.to.extend_from_slice(&number.to_le_bytes()),
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), AvroError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(mut self, text: &str) -> Result<(), AvroError> {
        match self.choose(&format!("the text {text:?}"), choose::text(text))? {
            Kind::Enum { symbols, .. } => {
                let at = symbols.iter().position(|symbol| symbol == text).unwrap_or_default();
                write_long(i64::try_from(at).unwrap_or(i64::MAX), self.to);
            }
            Kind::Fixed { .. } => self.to.extend_from_slice(text.as_bytes()),
            _ => write_sized(text.as_bytes(), self.to),
        }
        Ok(())
    }

    fn serialize_bytes(mut self, bytes: &[u8]) -> Result<(), AvroError> {
        match self.choose(&format!("{} bytes", bytes.len()), choose::bytes(bytes.len()))? {
            Kind::Fixed { .. } => self.to.extend_from_slice(bytes),
            _ => write_sized(bytes, self.to),
        }
        Ok(())
    }

    fn serialize_none(mut self) -> Result<(), AvroError> {
        self.choose("none", choose::null).map(|_| ())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), AvroError> {
        value.serialize(self)
    }

    fn serialize_unit(mut self) -> Result<(), AvroError> {
        self.choose("a unit", choose::null).map(|_| ())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), AvroError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), AvroError> {
        let schema = self.schema;
        if let Kind::Union(branches) = schema.kind(self.kind)
            && variant == "null"
            && let Some(at) = branches.iter().position(|id| *schema.kind(*id) == Kind::Null)
        {
            self.go_to_branch(branches, at);
            return Ok(());
        }
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), AvroError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), AvroError> {
        self.choose_variant(variant)?;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Listed<'a>, AvroError> {
        self.listed("a list", length, false)
    }

    fn serialize_tuple(self, length: usize) -> Result<Listed<'a>, AvroError> {
        self.listed("a tuple", Some(length), true)
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Listed<'a>, AvroError> {
        self.serialize_tuple(length)
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Listed<'a>, AvroError> {
        self.choose_variant(variant)?;
        self.serialize_tuple(length)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Keyed<'a>, AvroError> {
        self.keyed("a map")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Keyed<'a>, AvroError> {
        self.keyed(name)
    }

    fn serialize_struct_variant(
        mut self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Keyed<'a>, AvroError> {
        self.choose_variant(variant)?;
        self.serialize_struct(name, length)
    }
}
