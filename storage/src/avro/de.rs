//! From the bytes of a record to a type, by the schema.

use super::{
    AvroError, DEPTH_MAX,
    datum::Datum,
    schema::{AvroSchema, Id, Kind},
};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess,
    Visitor,
    value::{StrDeserializer, U8Deserializer},
};

/// One value, whose bytes come next.
pub(super) struct Value<'a, 'de> {
    schema: &'a AvroSchema,
    kind: Id,
    from: &'a mut Datum<'de>,
    depth: u32,
    /// Is it a branch of a union of several, which a variant stands for?
    is_branch: bool,
}

impl<'a, 'de> Value<'a, 'de> {
    pub(super) fn new(schema: &'a AvroSchema, from: &'a mut Datum<'de>) -> Self {
        Value { schema, kind: schema.root(), from, depth: DEPTH_MAX, is_branch: false }
    }

    /// What lies within it.
    fn inner(&mut self, kind: Id) -> Result<Value<'_, 'de>, AvroError> {
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| AvroError::Damaged(format!("a record holds others more than {DEPTH_MAX} deep")))?;
        Ok(Value { schema: self.schema, kind, from: self.from, depth, is_branch: false })
    }

    /// The branch of a union that comes next.
    fn branch(&mut self, branches: &[Id]) -> Result<Id, AvroError> {
        let index = self.from.long()?;
        let branch = usize::try_from(index).ok().and_then(|index| branches.get(index));
        branch
            .copied()
            .ok_or_else(|| AvroError::Damaged(format!("branch {index} of a union of {}", branches.len())))
    }

    /// The symbol that comes next.
    fn symbol(&mut self, symbols: &'a [String]) -> Result<&'a str, AvroError> {
        let index = self.from.long()?;
        let symbol = usize::try_from(index).ok().and_then(|index| symbols.get(index));
        let symbol =
            symbol.ok_or_else(|| AvroError::Damaged(format!("symbol {index} of {}", symbols.len())))?;
        Ok(symbol)
    }
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = AvroError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, AvroError> {
        let schema = self.schema;
        match schema.kind(self.kind) {
            Kind::Null => visitor.visit_unit(),
            Kind::Boolean => match self.from.array()? {
                [0] => visitor.visit_bool(false),
                [1] => visitor.visit_bool(true),
                [other] => Err(AvroError::Damaged(format!("{other} where a boolean should be"))),
            },
            Kind::Int => {
                let number = self.from.long()?;
                let int = i32::try_from(number);
                visitor.visit_i32(int.map_err(|_| AvroError::Damaged(format!("{number} is no int")))?)
            }
            Kind::Long => visitor.visit_i64(self.from.long()?),
            Kind::Float => visitor.visit_f32(f32::from_le_bytes(self.from.array()?)),
            Kind::Double => visitor.visit_f64(f64::from_le_bytes(self.from.array()?)),
            Kind::Bytes => visitor.visit_borrowed_bytes(self.from.sized()?),
            Kind::String => visitor.visit_borrowed_str(self.from.text()?),
            Kind::Fixed { bytes, .. } => visitor.visit_borrowed_bytes(self.from.take(*bytes)?),
            Kind::Enum { symbols, .. } => visitor.visit_str(self.symbol(symbols)?),
            Kind::Record { fields, .. } => visitor.visit_map(Fields { of: self, all: fields, next: 0 }),
            Kind::Array(items) => {
                let mut items = Items { of: self, kind: *items, left: 0, is_over: false };
                let list = visitor.visit_seq(&mut items)?;
                items.check_over()?;
                Ok(list)
            }
            Kind::Map(values) => {
                let mut items = Items { of: self, kind: *values, left: 0, is_over: false };
                let map = visitor.visit_map(&mut items)?;
                items.check_over()?;
                Ok(map)
            }
            Kind::Union(branches) => {
                let branch = self.branch(branches)?;
                self.inner(branch)?.deserialize_any(visitor)
            }
        }
    }

    /// `None` is null, wherever a union has it.
    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, AvroError> {
        let schema = self.schema;
        match schema.kind(self.kind) {
            Kind::Union(branches) => {
                let branch = self.branch(branches)?;
                if *schema.kind(branch) == Kind::Null {
                    return visitor.visit_none();
                }
                let others = branches.iter().filter(|id| *schema.kind(**id) != Kind::Null).count();
                let mut value = self.inner(branch)?;
                value.is_branch = others > 1;
                visitor.visit_some(value)
            }
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AvroError> {
        match self.schema.kind(self.kind) {
            Kind::Bytes => visitor.visit_seq(Bytes(self.from.sized()?)),
            Kind::Fixed { bytes, .. } => visitor.visit_seq(Bytes(self.from.take(*bytes)?)),
            _ => self.deserialize_any(visitor),
        }
    }

    /// A record may be a tuple, field by field.
    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, AvroError> {
        match self.schema.kind(self.kind) {
            Kind::Record { fields, .. } if fields.len() == length => {
                visitor.visit_seq(Fields { of: self, all: fields, next: 0 })
            }
            Kind::Record { name, fields } => {
                let what = format!("{name} has {} fields, and the tuple {length}", fields.len());
                Err(AvroError::Record(what))
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, AvroError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, AvroError> {
        visitor.visit_newtype_struct(self)
    }

    /// A variant stands for a symbol, for a text, or for the branch of a union that has its name.
    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, AvroError> {
        let schema = self.schema;
        match schema.kind(self.kind) {
            _ if self.is_branch => {
                self.is_branch = false;
                visitor.visit_enum(Branch(self))
            }
            Kind::Enum { symbols, .. } => visitor.visit_enum(StrDeserializer::new(self.symbol(symbols)?)),
            Kind::String => visitor.visit_enum(StrDeserializer::new(self.from.text()?)),
            Kind::Union(branches) => {
                let branch = self.branch(branches)?;
                visitor.visit_enum(Branch(self.inner(branch)?))
            }
            kind => Err(AvroError::Record(format!("a Rust enum for Avro's {}", kind.name()))),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct map struct
        identifier ignored_any
    }
}

/// The fields of a record, by name or in order.
struct Fields<'a, 'de> {
    of: Value<'a, 'de>,
    all: &'a [(String, Id)],
    next: usize,
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = AvroError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, AvroError> {
        let Some((name, _)) = self.all.get(self.next) else { return Ok(None) };
        seed.deserialize(StrDeserializer::<AvroError>::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, AvroError> {
        let (name, kind) = &self.all[self.next];
        self.next += 1;
        let value = seed.deserialize(self.of.inner(*kind)?);
        value.map_err(|error| match error {
            AvroError::Record(what) => AvroError::Record(format!("{name}: {what}")),
            error => error,
        })
    }
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = AvroError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, AvroError> {
        if self.next == self.all.len() { Ok(None) } else { self.next_value_seed(seed).map(Some) }
    }
}

/// The items of a list, or the values of a map.
struct Items<'a, 'de> {
    of: Value<'a, 'de>,
    kind: Id,
    /// Of those that were counted.
    left: u64,
    is_over: bool,
}

impl<'de> Items<'_, 'de> {
    fn item<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, AvroError> {
        let left = self.of.from.left();
        let value = seed.deserialize(self.of.inner(self.kind)?)?;
        self.of.from.count_item(left)?;
        Ok(value)
    }

    /// Is there another?
    fn step(&mut self) -> Result<bool, AvroError> {
        if self.left == 0 && !self.is_over {
            self.left = self.of.from.items()?;
            self.is_over = self.left == 0;
        }
        self.left = self.left.saturating_sub(1);
        Ok(!self.is_over)
    }

    /// A tuple may take fewer than there are.
    fn check_over(&mut self) -> Result<(), AvroError> {
        if self.is_over || !self.step()? {
            return Ok(());
        }
        Err(AvroError::Record("a list has more items than the type".to_owned()))
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = AvroError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, AvroError> {
        if self.step()? { self.item(seed).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = AvroError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, AvroError> {
        if !self.step()? {
            return Ok(None);
        }
        let key = serde::de::value::BorrowedStrDeserializer::<AvroError>::new(self.of.from.text()?);
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, AvroError> {
        self.item(seed)
    }
}

/// Bytes one by one, for types that are lists of them.
struct Bytes<'de>(&'de [u8]);

impl<'de> SeqAccess<'de> for Bytes<'de> {
    type Error = AvroError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, AvroError> {
        let Some((byte, rest)) = self.0.split_first() else { return Ok(None) };
        self.0 = rest;
        seed.deserialize(U8Deserializer::<AvroError>::new(*byte)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// A branch of a union, under the name of its type.
struct Branch<'a, 'de>(Value<'a, 'de>);

impl<'de> EnumAccess<'de> for Branch<'_, 'de> {
    type Error = AvroError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), AvroError> {
        let name = self.0.schema.kind(self.0.kind).name();
        Ok((seed.deserialize(StrDeserializer::<AvroError>::new(name))?, self))
    }
}

impl<'de> VariantAccess<'de> for Branch<'_, 'de> {
    type Error = AvroError;

    fn unit_variant(self) -> Result<(), AvroError> {
        serde::Deserialize::deserialize(self.0).map(|IgnoredAny| ())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, AvroError> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, AvroError> {
        self.0.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, AvroError> {
        match self.0.schema.kind(self.0.kind) {
            Kind::Record { .. } | Kind::Map(_) => self.0.deserialize_struct("", fields, visitor),
            kind => Err(AvroError::custom(format!("a variant with fields for Avro's {}", kind.name()))),
        }
    }
}
