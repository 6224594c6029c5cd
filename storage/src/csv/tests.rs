use super::*;
use crate::{Codec, CommitLog, InputFile, InvalidUtf8, ReadError, SaveMode, Storage};
use proptest::prelude::*;
use rsk_proto::{PartitionId, TaskId};
use std::{fs, io::Write, path::Path};

fn read(path: &Path, options: &CsvOptions) -> Vec<Result<Vec<String>, ReadError>> {
    let file = InputFile::new(path, fs::metadata(path).unwrap().len());
    plan_csv(&[file], options)
        .into_iter()
        .flat_map(|partition| read_csv(&Storage::default(), partition, options))
        .collect()
}

fn read_text(text: impl AsRef<[u8]>, options: &CsvOptions) -> Vec<Result<Vec<String>, ReadError>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    read(file.path(), options)
}

fn rows(text: impl AsRef<[u8]>, options: &CsvOptions) -> Vec<Vec<String>> {
    read_text(text, options).into_iter().map(Result::unwrap).collect()
}

fn wrong(text: impl AsRef<[u8]>, options: &CsvOptions) -> (u64, String) {
    match read_text(text, options).pop().unwrap() {
        Err(ReadError::Record { offset, cause, .. }) => (offset, cause.to_string()),
        other => panic!("{other:?}"),
    }
}

fn saved(records: &[Vec<String>], options: &CsvOptions) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let storage = Storage::default();
    let output = CommitLog::open(&storage, &out.as_path().into(), SaveMode::Error).unwrap();
    let attempt = output.target().attempt(&storage, PartitionId(0), TaskId(0));
    let mut part = CsvPartWriter::create(attempt, options, None).unwrap();
    for record in records {
        part.write(record).unwrap();
    }
    output.grant(&part.finish().unwrap()).unwrap();
    output.commit().unwrap();
    fs::read(out.join("part-00000.csv")).unwrap()
}

proptest! {
    #[test]
    fn what_is_written_is_read_in_whatever_splits_and_codec(
        records in prop::collection::vec(prop::array::uniform3("[a\u{e9}\",;# '\\\\]{0,6}"), 0..30),
        splits_min in 1u64..40, header: bool, multi_line: bool, delimiter in prop::sample::select(b",;\t".to_vec()),
        codec in prop::option::of(prop::sample::select(&Codec::ALL[..])), blank in "(\r?\n){0,3}",
    ) {
        let records: Vec<_> = records.into_iter().map(Vec::from).collect();
        let text = crate::TextOptions { splits_min, ..crate::TextOptions::default() };
        let options = CsvOptions {
            delimiter, header, multi_line, text, ..CsvOptions::default()
        };
        let mut bytes = blank.clone().into_bytes();
        if header {
            bytes.extend([b'a', delimiter, b'b', delimiter, b'c', b'\n']);
        }
        bytes.extend(saved(&records, &options));
        bytes.extend(blank.as_bytes());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("a.{}", codec.map_or("csv", Codec::extension)));
        if let Some(codec) = codec {
            let mut packed = codec.writer(Vec::new());
            packed.write_all(&bytes).unwrap();
            bytes = packed.finish().unwrap();
        }
        fs::write(&path, bytes).unwrap();
        let read: Result<Vec<_>, _> = read(&path, &options).into_iter().collect();
        prop_assert_eq!(read.unwrap(), records);
    }

    #[test]
    fn ends_of_lines_in_quotes_are_read_of_whole_files(
        records in prop::collection::vec(prop::array::uniform2("[a\",\r\n]{0,9}"), 0..20),
    ) {
        let records: Vec<_> = records.into_iter().map(Vec::from).collect();
        let options = CsvOptions { multi_line: true, header: false, ..CsvOptions::default() };
        prop_assert_eq!(rows(saved(&records, &options), &options), records);
    }

    #[test]
    fn any_bytes_are_records_or_an_error(
        bytes in prop::collection::vec(prop::sample::select(b"ab,\"\\#\r\n \xc3\xa9\xff".to_vec()), 0..80), multi_line: bool, header: bool,
        splits_min in 1u64..20, flexible: bool, lossy: bool,
    ) {
        let invalid_utf8 = if lossy { InvalidUtf8::Lossy } else { InvalidUtf8::Fail };
        let text = crate::TextOptions { invalid_utf8, splits_min, ..crate::TextOptions::default() };
        let options = CsvOptions { multi_line, header, flexible, comment: Some(b'#'), text, ..CsvOptions::default() };
        read_text(bytes, &options);
    }
}

#[test]
fn the_header_is_found_wherever_it_is() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Row {
        b: String,
        a: u32,
    }
    let text = "# who\n#\n\n a ,b\n1,x\n2, y \n";
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    let input = InputFile::new(file.path(), text.len() as u64);
    for splits_min in 1..=text.len() as u64 {
        let mut options = CsvOptions { comment: Some(b'#'), trim: true, ..CsvOptions::default() };
        options.text.splits_min = splits_min;
        let partitions = plan_csv(std::slice::from_ref(&input), &options);
        let read: Result<Vec<Row>, _> =
            partitions.into_iter().flat_map(|part| read_csv(&Storage::default(), part, &options)).collect();
        let rows = [Row { b: "x".to_owned(), a: 1 }, Row { b: "y".to_owned(), a: 2 }];
        assert_eq!(read.unwrap(), rows, "{splits_min} splits");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let mut options = CsvOptions::default();
    let (offset, why) = wrong("a,b\n1,2\n1,2,3\n", &options);
    assert!(offset == 8 && why.contains("3 fields") && why.contains("flexible"), "{offset} {why}");
    let (offset, why) = wrong("a,b\n1,\"x\ny\"\n", &options);
    assert!(offset == 4 && why.contains("multi_line"), "{offset} {why}");
    options.multi_line = true;
    assert_eq!(rows("a,b\n1,\"x\ny\"\n", &options), [["1", "x\ny"]]);
    let (offset, why) = wrong("a,b\r\n1,\"x\ny\n", &options);
    assert!(offset == 5 && why.contains("the file ends"), "{offset} {why}");
    options.text.record_bytes_max = 1000;
    let endless = format!("a,b\n1,\"{}", "x\n".repeat(200_000));
    assert!(matches!(read_text(endless, &options)[..], [Err(ReadError::TooLarge { .. })]));
    options = CsvOptions { header: false, flexible: true, ..CsvOptions::default() };
    assert_eq!(rows("a\nb,c", &options), [vec!["a"], vec!["b", "c"]]);
    options.escape = Some(b'\\');
    assert_eq!(rows(r#""a\"\\,",b"#, &options), [["a\"\\,", "b"]]);
    options.quote = None;
    assert_eq!(rows("\"a\n", &options), [["\"a"]]);
}

#[test]
fn a_type_that_a_field_is_not_of_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "a,b\n1,2\n1,x\n").unwrap();
    let input = InputFile::new(file.path(), 12);
    let options = CsvOptions::default();
    let part = plan_csv(&[input], &options).remove(0);
    let error = read_csv::<(u8, u8)>(&Storage::default(), part, &options).nth(1).unwrap().unwrap_err();
    let ReadError::Record { offset: 8, asked: "(u8, u8)", cause, .. } = &error else { panic!("{error:?}") };
    assert!(cause.message.contains("field 1"), "{cause}");
}

#[test]
fn only_the_beginning_of_a_file_is_a_byte_order_mark() {
    let mut options = CsvOptions { header: false, ..CsvOptions::default() };
    for splits_min in [1, 3] {
        options.text.splits_min = splits_min;
        assert_eq!(rows("\u{feff}\"a\"\n\u{feff}b\n", &options), [["a"], ["\u{feff}b"]]);
    }
}

#[test]
fn bytes_that_are_no_text_are_an_error_or_a_sign() {
    let mut options = CsvOptions { header: false, ..CsvOptions::default() };
    assert!(matches!(
        read_text(b"a,b\n\xc3,\xa9\n", &options)[..],
        [Ok(_), Err(ReadError::Utf8 { offset: 4, .. })]
    ));
    options.text.invalid_utf8 = InvalidUtf8::Lossy;
    assert_eq!(rows(b"\xc3,\xa9\n", &options), [["\u{fffd}", "\u{fffd}"]]);
}

#[test]
fn signs_that_cannot_be_told_apart_are_refused() {
    let options = CsvOptions { comment: Some(b','), ..CsvOptions::default() };
    assert_eq!(options.check(), Err(CsvOptionsError::Same("delimiter", "comment", ',')));
    for delimiter in [b'\n', b'\r', 0, 0xe9] {
        assert!(matches!(
            CsvOptions { delimiter, ..CsvOptions::default() }.check(),
            Err(CsvOptionsError::Sign(..))
        ));
    }
}

#[test]
fn a_packed_file_may_begin_with_splits_of_no_record() {
    for (text, expected) in [("", vec![]), ("\n\na,b\n1,2\n", vec![["1", "2"]])] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bz2");
        let mut packed = Codec::Bzip2.writer(Vec::new());
        packed.write_all(text.as_bytes()).unwrap();
        fs::write(&path, packed.finish().unwrap()).unwrap();
        let mut options = CsvOptions::default();
        for splits_min in 1..50 {
            options.text.splits_min = splits_min;
            let read: Result<Vec<_>, _> = read(&path, &options).into_iter().collect();
            assert_eq!(read.unwrap(), expected, "{splits_min} splits");
        }
    }
}
