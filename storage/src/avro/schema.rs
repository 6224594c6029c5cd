//! Schemas: what each record of a file is made of.

use super::AvroError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A schema of Avro's, from its JSON.
///
/// ```
/// use rsk_storage::AvroSchema;
/// let schema = AvroSchema::parse(r#"{"type": "record", "name": "Visit", "fields": [
///     {"name": "page", "type": "string"},
///     {"name": "seconds", "type": ["null", "double"]}
/// ]}"#)?;
/// assert!(schema.json().contains("Visit"));
/// assert!(AvroSchema::parse(r#"["null", "visit"]"#).unwrap_err().to_string().contains("visit"));
/// # Ok::<(), rsk_storage::AvroError>(())
/// ```
#[derive(Debug, Clone)]
pub struct AvroSchema {
    json: String,
    kinds: Vec<Kind>,
    root: Id,
}

/// The place of a type among those of its schema, which may hold themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(usize);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Record { name: String, fields: Vec<(String, Id)> },
    Enum { name: String, symbols: Vec<String> },
    Fixed { name: String, bytes: usize },
    Array(Id),
    Map(Id),
    Union(Vec<Id>),
}

const PRIMITIVES: [(&str, Kind); 8] = [
    ("null", Kind::Null),
    ("boolean", Kind::Boolean),
    ("int", Kind::Int),
    ("long", Kind::Long),
    ("float", Kind::Float),
    ("double", Kind::Double),
    ("bytes", Kind::Bytes),
    ("string", Kind::String),
];

impl Id {
    pub(super) const LONG: Id = Id(3);
    pub(super) const STRING: Id = Id(7);
}

impl Kind {
    /// The name by which a variant of a Rust enum stands for it, without its namespace.
    pub(super) fn name(&self) -> &str {
        match self {
            Kind::Record { name, .. } | Kind::Enum { name, .. } | Kind::Fixed { name, .. } => {
                name.rsplit('.').next().unwrap_or(name)
            }
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            primitive => PRIMITIVES.iter().find(|(_, kind)| kind == primitive).map_or("", |(name, _)| name),
        }
    }
}

impl AvroSchema {
    /// Reads a schema's JSON. Names of types that are used before they are defined, or never, are errors.
    pub fn parse(json: &str) -> Result<AvroSchema, AvroError> {
        let value = serde_json::from_str(json).map_err(|error| AvroError::Schema(error.to_string()))?;
        let kinds = PRIMITIVES.iter().map(|(_, kind)| kind.clone()).collect();
        let mut parser = Parser { kinds, named: BTreeMap::new() };
        let root = parser.parse(&value, "")?;
        Ok(AvroSchema { json: json.to_owned(), kinds: parser.kinds, root })
    }

    /// The JSON that it was made of.
    pub fn json(&self) -> &str {
        &self.json
    }

    pub(super) fn root(&self) -> Id {
        self.root
    }

    pub(super) fn kind(&self, id: Id) -> &Kind {
        &self.kinds[id.0]
    }
}

struct Parser {
    kinds: Vec<Kind>,
    named: BTreeMap<String, Id>,
}

fn wrong<T>(why: impl Into<String>) -> Result<T, AvroError> {
    Err(AvroError::Schema(why.into()))
}

/// A property that is text.
fn text<'a>(of: &'a Map<String, Value>, property: &str) -> Result<&'a str, AvroError> {
    match of.get(property).and_then(Value::as_str) {
        Some(text) => Ok(text),
        None => wrong(format!("a type has no {property}: {}", Value::from(of.clone()))),
    }
}

fn list<'a>(of: &'a Map<String, Value>, property: &str) -> Result<&'a Vec<Value>, AvroError> {
    match of.get(property).and_then(Value::as_array) {
        Some(list) => Ok(list),
        None => wrong(format!("a type has no {property}: {}", Value::from(of.clone()))),
    }
}

/// A name within a namespace.
fn full(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

impl Parser {
    fn add(&mut self, kind: Kind) -> Id {
        self.kinds.push(kind);
        Id(self.kinds.len() - 1)
    }

    fn parse(&mut self, value: &Value, namespace: &str) -> Result<Id, AvroError> {
        match value {
            Value::String(name) => self.find(name, namespace),
            Value::Array(branches) => self.union(branches, namespace),
            Value::Object(of) => match of.get("type") {
                Some(Value::String(kind)) => self.object(kind, of, namespace),
                Some(inner) => self.parse(inner, namespace),
                None => wrong(format!("a type has no type: {value}")),
            },
            _ => wrong(format!("{value} is no type")),
        }
    }

    fn find(&self, name: &str, namespace: &str) -> Result<Id, AvroError> {
        if let Some(at) = PRIMITIVES.iter().position(|(primitive, _)| *primitive == name) {
            return Ok(Id(at));
        }
        let found = self.named.get(&full(name, namespace)).or_else(|| self.named.get(name));
        found
            .copied()
            .map_or_else(|| wrong(format!("the type {name:?} is not defined before it is used")), Ok)
    }

    fn union(&mut self, branches: &[Value], namespace: &str) -> Result<Id, AvroError> {
        let mut ids = Vec::new();
        for branch in branches {
            let id = self.parse(branch, namespace)?;
            let kind = &self.kinds[id.0];
            let is_twice = ids.iter().any(|Id(other)| match (&self.kinds[*other], kind) {
                (Kind::Array(_), Kind::Array(_)) | (Kind::Map(_), Kind::Map(_)) => true,
                (other, kind) => other == kind,
            });
            if is_twice || matches!(kind, Kind::Union(_)) {
                return wrong(format!("a union has {} twice, or another union", kind.name()));
            }
            ids.push(id);
        }
        Ok(self.add(Kind::Union(ids)))
    }

    fn object(&mut self, kind: &str, of: &Map<String, Value>, namespace: &str) -> Result<Id, AvroError> {
        match kind {
            "array" => {
                let items = self.parse(of.get("items").unwrap_or(&Value::Null), namespace)?;
                Ok(self.add(Kind::Array(items)))
            }
            "map" => {
                let values = self.parse(of.get("values").unwrap_or(&Value::Null), namespace)?;
                Ok(self.add(Kind::Map(values)))
            }
            "record" | "error" | "enum" | "fixed" => self.named(kind, of, namespace),
            name => self.find(name, namespace),
        }
    }

    fn named(&mut self, kind: &str, of: &Map<String, Value>, namespace: &str) -> Result<Id, AvroError> {
        let namespace = of.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
        let name = full(text(of, "name")?, namespace);
        let namespace = name.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        // A record may hold itself: it is there before its fields are.
        let id = self.add(Kind::Record { name: name.clone(), fields: Vec::new() });
        if self.named.insert(name.clone(), id).is_some() {
            return wrong(format!("the type {name:?} is defined twice"));
        }
        self.kinds[id.0] = match kind {
            "enum" => {
                let symbols = list(of, "symbols")?.iter().map(|symbol| symbol.as_str().map(str::to_owned));
                match symbols.collect() {
                    Some(symbols) => Kind::Enum { name, symbols },
                    None => return wrong(format!("a symbol of {name:?} is no text")),
                }
            }
            "fixed" => match of.get("size").and_then(Value::as_u64) {
                Some(bytes) => Kind::Fixed { name, bytes: rsk_proto::to_usize(bytes) },
                None => return wrong(format!("the type {name:?} has no size")),
            },
            _ => {
                let mut fields = Vec::new();
                for field in list(of, "fields")? {
                    let Value::Object(field) = field else { return wrong(format!("{field} is no field")) };
                    let own = text(field, "name")?.to_owned();
                    let kind = self.parse(field.get("type").unwrap_or(&Value::Null), &namespace)?;
                    if fields.iter().any(|(name, _)| *name == own) {
                        return wrong(format!("{name:?} has the field {own:?} twice"));
                    }
                    fields.push((own, kind));
                }
                Kind::Record { name, fields }
            }
        };
        Ok(id)
    }
}
