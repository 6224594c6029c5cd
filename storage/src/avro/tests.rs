use super::*;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io::Cursor};

/// No end of it is also its beginning, as is true of what is drawn by chance.
const SYNC: [u8; 16] = *b"0123456789abcdef";

const SCHEMA: &str = r#"{"type": "record", "name": "Node", "namespace": "a.b", "fields": [
    {"name": "flag", "type": "boolean"},
    {"name": "int", "type": "int"},
    {"name": "long", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "float", "type": "float"},
    {"name": "double", "type": "double"},
    {"name": "bytes", "type": "bytes"},
    {"name": "text", "type": ["null", "string"], "default": null},
    {"name": "color", "type": {"type": "enum", "name": "Color", "symbols": ["Red", "Green"]}},
    {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 3}},
    {"name": "list", "type": {"type": "array", "items": ["null", "Color", "string", "double"]}},
    {"name": "map", "type": {"type": "map", "values": "long"}},
    {"name": "next", "type": ["null", "a.b.Node"]}
]}"#;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Color {
    Red,
    Green,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Item {
    #[serde(rename = "string")]
    Text(String),
    #[serde(rename = "double")]
    Number(f64),
    Color(Color),
}

/// Its fields are in another order than the schema's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Node {
    next: Option<Box<Node>>,
    flag: bool,
    int: i32,
    long: i64,
    color: Color,
    float: f32,
    double: f64,
    bytes: Vec<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    hash: [u8; 3],
    list: Vec<Option<Item>>,
    map: BTreeMap<String, i64>,
}

fn item() -> impl Strategy<Value = Option<Item>> {
    prop_oneof![
        Just(None),
        "\\PC{0,5}".prop_map(|text| Some(Item::Text(text))),
        (-1e9..1e9).prop_map(|number| Some(Item::Number(number))),
        Just(Some(Item::Color(Color::Green))),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let numbers = (any::<bool>(), any::<i32>(), any::<i64>(), -1e9_f32..1e9, -1e9..1e9);
    let bytes = prop::collection::vec(any::<u8>(), 0..20);
    let map = prop::collection::btree_map("[a-c]{0,2}", any::<i64>(), 0..4);
    let rest =
        (bytes, prop::option::of("\\PC{0,9}"), any::<[u8; 3]>(), prop::collection::vec(item(), 0..4), map);
    let node =
        (numbers, rest).prop_map(|((flag, int, long, float, double), (bytes, text, hash, list, map))| Node {
            next: None,
            flag,
            int,
            long,
            color: if flag { Color::Red } else { Color::Green },
            float,
            double,
            bytes,
            text,
            hash,
            list,
            map,
        });
    prop::collection::vec(node, 1..4).prop_map(|nodes| {
        let next = |next: Option<Box<Node>>, node: Node| Some(Box::new(Node { next, ..node }));
        *nodes.into_iter().fold(None, next).unwrap()
    })
}

fn written<T: Serialize>(schema: &str, records: &[T], codec: AvroCodec, block_bytes: usize) -> Vec<u8> {
    let schema = AvroSchema::parse(schema).unwrap();
    let mut file = AvroWriter::with_size(Vec::new(), &schema, codec, SYNC, block_bytes).unwrap();
    for record in records {
        file.write(record).unwrap();
    }
    file.finish().unwrap()
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, AvroError> {
    AvroReader::new(Cursor::new(bytes), 0..u64::MAX, 1 << 20)?.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn records_come_once_in_whatever_splits(
        nodes in prop::collection::vec(node(), 0..20), codec in prop::sample::select(&AvroCodec::ALL[..]), block_bytes in 0usize..500,
        splits in 1u64..30,
    ) {
        let bytes = written(SCHEMA, &nodes, codec, block_bytes);
        let at = |n: u64| bytes.len() as u64 * n / splits;
        let mut all = Vec::new();
        for n in 0..splits {
            let split = AvroReader::<_, Node>::new(Cursor::new(&bytes), at(n)..at(n + 1), 1 << 20).unwrap();
            all.extend(split.map(Result::unwrap));
        }
        prop_assert_eq!(all, nodes);
    }

    #[test]
    fn damage_is_an_error_or_another_value_but_no_panic(
        nodes in prop::collection::vec(node(), 1..4), codec in prop::sample::select(&AvroCodec::ALL[..]),
        at in any::<prop::sample::Index>(), bit in 0u8..8, cut: bool,
    ) {
        let mut bytes = written(SCHEMA, &nodes, codec, 300);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1_u8 << bit;
        }
        if let Ok(read) = read::<Node>(&bytes) {
            prop_assert!(read.len() <= nodes.len());
        }
    }

    #[test]
    fn any_block_is_records_or_an_error(block in prop::collection::vec(any::<u8>(), 0..200), records in 0i64..1000) {
        for codec in AvroCodec::ALL {
            let mut bytes = written::<Node>(SCHEMA, &[], codec, 0);
            datum::write_long(records, &mut bytes);
            datum::write_sized(&block, &mut bytes);
            bytes.extend(SYNC);
            drop(read::<Node>(&bytes));
            drop(read::<serde::de::IgnoredAny>(&bytes));
        }
    }
}

#[test]
fn types_need_not_be_those_of_the_schema() {
    let schema = r#"{"type": "record", "name": "R", "fields": [
        {"name": "a", "type": "int"}, {"name": "b", "type": ["null", "long"]}, {"name": "c", "type": "string"}]}"#;
    let bytes = written(schema, &[(1, Some(2), "three")], AvroCodec::Null, 0);
    assert_eq!(read::<(f64, u8, String)>(&bytes).unwrap(), [(1.0, 2, "three".to_owned())]);
    assert_eq!(
        read::<BTreeMap<String, Word>>(&written(
            r#"{"type": "map", "values": "string"}"#,
            &[("a", "b")].map(|pair| BTreeMap::from([pair])),
            AvroCodec::Null,
            0
        ))
        .unwrap()
        .len(),
        1
    );
    assert_eq!(read::<Part>(&bytes).unwrap(), [Part { c: Word("three".to_owned()), missing: 0 }]);
    let error = read::<(u8, u8)>(&bytes).unwrap_err();
    assert!(error.to_string().contains("R has 3 fields, and the tuple 2"), "{error}");
    let error = read::<(u8, u8, u8)>(&bytes).unwrap_err();
    assert!(error.to_string().starts_with("c: invalid type: string \"three\""), "{error}");
    let negative = written(schema, &[(-1, None::<i64>, "")], AvroCodec::Null, 0);
    assert!(read::<(u8, Option<u8>, String)>(&negative).is_err());
}

#[derive(Debug, PartialEq, Deserialize)]
struct Word(String);

#[derive(Debug, PartialEq, Deserialize)]
struct Part {
    c: Word,
    #[serde(default)]
    missing: u8,
}

#[test]
fn what_the_schema_does_not_have_is_refused() {
    let schema =
        AvroSchema::parse(r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}"#)
            .unwrap();
    let mut file = AvroWriter::new(Vec::new(), &schema, AvroCodec::Null, [0; 16]).unwrap();
    let refused = |error: Result<(), AvroError>, says: &str| {
        let error = error.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    refused(file.write(&BTreeMap::from([("b", 1)])), "R has no field \"b\" in the schema");
    refused(file.write(&BTreeMap::from([("a", "x")])), "a: the text \"x\", and the schema has int");
    refused(file.write(&BTreeMap::<&str, u8>::new()), "no value for the field \"a\"");
    refused(file.write(&(1, 2)), "more fields");
    refused(file.write(&(i64::MAX,)), "beyond Avro's int");
    refused(file.write(&7), "the schema has R");
    file.write(&(7,)).unwrap();
    assert_eq!(read::<(u8,)>(&file.finish().unwrap()).unwrap(), [(7,)]);
}

#[test]
fn schemas_that_are_none_are_refused() {
    for (json, says) in [
        ("{", "EOF"),
        ("7", "no type"),
        (r#""word""#, "\"word\" is not defined"),
        (r#"{"type": "record", "name": "R"}"#, "no fields"),
        (
            r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}, {"name": "a", "type": "int"}]}"#,
            "twice",
        ),
        (r#"["int", "int"]"#, "int twice"),
        (r#"["int", ["null"]]"#, "another union"),
        (r#"{"type": "enum", "name": "E", "symbols": [1]}"#, "no text"),
        (
            r#"[{"type": "fixed", "name": "F", "size": 1}, {"type": "fixed", "name": "F", "size": 1}]"#,
            "twice",
        ),
    ] {
        let error = AvroSchema::parse(json).unwrap_err().to_string();
        assert!(error.contains(says), "{json}: {error}");
    }
}

#[test]
fn codecs_and_files_that_are_not_known_are_named() {
    let bytes = written(r#""int""#, &[1], AvroCodec::Deflate, 0);
    let at = bytes.windows(7).position(|bytes| bytes == b"deflate").unwrap();
    let mut xz = bytes.clone();
    xz.splice(at - 1..at + 7, *b"\x04xz");
    assert!(matches!(read::<i32>(&xz), Err(AvroError::Codec(name)) if name == "xz"));
    assert!(matches!(read::<i32>(b"PAR1PAR1"), Err(AvroError::NotAvro)));
    assert!(matches!(read::<i32>(b"Ob"), Err(AvroError::Io(_))));
}

#[test]
fn lengths_that_are_claimed_are_not_believed() {
    let claims = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = written::<u8>(r#"{"type": "array", "items": "null"}"#, &[], AvroCodec::Null, 0);
        write(&mut bytes);
        read::<Vec<()>>(&bytes).unwrap_err().to_string()
    };
    let block = |records: i64, block: &[u8], to: &mut Vec<u8>| {
        datum::write_long(records, to);
        datum::write_sized(block, to);
        to.extend(SYNC);
    };
    let mut endless = Vec::new();
    datum::write_long(i64::MAX, &mut endless);
    assert!(claims(&|to| block(1, &endless, to)).contains("more items"));
    assert!(claims(&|to| block(i64::MAX, &[], to)).contains("records in 0 bytes"));
    assert!(claims(&|to| block(-1, &[], to)).contains("-1 records"));
    assert!(claims(&|to| to.extend([2, 0xfe, 0xff, 0xff, 0xff, 0xf])).contains("above the limit"));
    let deep =
        AvroSchema::parse(r#"{"type": "record", "name": "R", "fields": [{"name": "r", "type": "R"}]}"#)
            .unwrap();
    let mut bytes = AvroWriter::new(Vec::new(), &deep, AvroCodec::Null, [0; 16]).unwrap().finish().unwrap();
    bytes.extend([2, 0]);
    bytes.extend([0; 16]);
    assert!(read::<serde::de::IgnoredAny>(&bytes).unwrap_err().to_string().contains("deep"));
}
