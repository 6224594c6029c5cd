use super::*;
use crate::{Codec, CommitLog, InputFile, SaveMode, plan};
use proptest::prelude::*;
use rsk_proto::{PartitionId, TaskId};
use serde::Deserialize;
use std::{fs, io::Write, path::Path};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Visit {
    page: String,
    #[serde(default)]
    seconds: Option<f64>,
    tags: Vec<char>,
}

fn read(path: &Path, options: &TextOptions) -> Vec<Result<Visit, ReadError>> {
    let file = InputFile::new(path, fs::metadata(path).unwrap().len());
    plan(&[file], options)
        .into_iter()
        .flat_map(|partition| read_json(&Storage::default(), partition, options))
        .collect()
}

proptest! {
    #[test]
    fn values_come_once_in_whatever_splits_and_codec(
        values in prop::collection::vec(("\\PC{0,9}", prop::option::of(-1e9..1e9), prop::collection::vec(any::<char>(), 0..3)), 0..30),
        blank in "[ \t\r\n]{0,5}", splits_min in 1u64..40, codec in prop::option::of(prop::sample::select(&Codec::ALL[..])),
    ) {
        let values: Vec<_> = values.into_iter().map(|(page, seconds, tags)| Visit { page, seconds, tags }).collect();
        let mut text = Vec::new();
        for value in &values {
            text.extend(serde_json::to_vec(value).unwrap());
            text.push(b'\n');
            text.extend(blank.as_bytes());
            text.push(b'\n');
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("a.{}", codec.map_or("json", Codec::extension)));
        if let Some(codec) = codec {
            let mut packed = codec.writer(Vec::new());
            packed.write_all(&text).unwrap();
            text = packed.finish().unwrap();
        }
        fs::write(&path, text).unwrap();
        let options = TextOptions { splits_min, ..TextOptions::default() };
        let read: Result<Vec<_>, _> = read(&path, &options).into_iter().collect();
        prop_assert_eq!(read.unwrap(), values);
    }

    #[test]
    fn any_bytes_are_values_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), lossy: bool) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let invalid_utf8 = if lossy { InvalidUtf8::Lossy } else { InvalidUtf8::Fail };
        let read = read(file.path(), &TextOptions { invalid_utf8, ..TextOptions::default() });
        let errors = read.iter().filter(|value| value.is_err()).count();
        prop_assert!(errors <= 1 && read.iter().rev().skip(1).all(Result::is_ok));
    }
}

#[test]
fn an_error_names_file_line_type_and_what_is_wrong() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "{\"page\":\"a\",\"tags\":[]}\n{\"page\":\"b\"}\n{\"page\":\"c\",\"tags\":[]}\n")
        .unwrap();
    let read = read(file.path(), &TextOptions::default());
    assert_eq!(read.len(), 2, "nothing comes after an error");
    let error = read[1].as_ref().unwrap_err();
    let ReadError::Record { offset, asked, cause, .. } = error else { panic!("{error}") };
    assert_eq!((*offset, *asked), (23, type_name::<Visit>()));
    assert!(cause.message.contains("missing field `tags`"), "{cause}");
    assert!(error.to_string().contains(file.path().to_str().unwrap()), "{error}");
}

#[test]
fn bytes_that_are_no_text_are_an_error_or_a_sign() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), b"\xef\xbb\xbf{\"page\":\"caf\xe9\",\"tags\":[]}").unwrap();
    let mut options = TextOptions::default();
    assert!(matches!(read(file.path(), &options)[..], [Err(ReadError::Record { offset: 3, .. })]));
    options.invalid_utf8 = InvalidUtf8::Lossy;
    assert_eq!(read(file.path(), &options).remove(0).unwrap().page, "caf\u{fffd}");
}

#[test]
fn a_value_that_cannot_be_written_leaves_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let storage = Storage::default();
    let output = CommitLog::open(&storage, &out.as_path().into(), SaveMode::Error).unwrap();
    let mut part = PartWriter::create(output.target().attempt(&storage, PartitionId(0), TaskId(0))).unwrap();
    let bad = std::collections::BTreeMap::from([(vec![1], 2)]);
    assert!(matches!(part.write_json(&(1, bad)), Err(WriteError::Record(..))));
    part.write_json(&f64::NAN).unwrap();
    output.grant(&part.finish().unwrap()).unwrap();
    output.commit().unwrap();
    assert_eq!(fs::read_to_string(out.join("part-00000")).unwrap(), "null\n");
}
