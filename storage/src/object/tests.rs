use super::*;
use crate::{CommitLog, InputFile, ReadError, SaveMode, Storage, WriteError};
use proptest::prelude::*;
use rsk_proto::{Data, PartitionId, TaskError, TaskId};
use std::{fs, path::Path};

fn write<T: Data>(folder: &Path, records: &[T]) -> InputFile {
    let folder = folder.join("out");
    let storage = Storage::default();
    let output = CommitLog::open(&storage, &folder.as_path().into(), SaveMode::Error).unwrap();
    let mut part =
        ObjectPartWriter::create(output.target().attempt(&storage, PartitionId(0), TaskId(1))).unwrap();
    for record in records {
        part.write(record).unwrap();
    }
    output.grant(&part.finish().unwrap()).unwrap();
    output.commit().unwrap();
    let path = folder.join("part-00000");
    InputFile::new(&*path, fs::metadata(&path).unwrap().len())
}

fn read<T: Data>(file: &InputFile) -> Result<Vec<T>, ReadError> {
    read_object_part(&Storage::default(), &Storage::default().find(&file.location)?)?.collect()
}

proptest! {
    #[test]
    fn records_come_back(records in prop::collection::vec((0u32.., "[a\u{e9}]{0,9}"), 0..20)) {
        let folder = tempfile::tempdir().unwrap();
        prop_assert_eq!(read::<(u32, String)>(&write(folder.path(), &records)).unwrap(), records);
    }

    #[test]
    fn random_bytes_are_refused(bytes: Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let mut file = write(folder.path(), &[1u32]);
        let head = fs::read(file.location.local().unwrap()).unwrap();
        let head = &head[..MAGIC.len() + 8 + "u32".len() + 4];
        for whole in [bytes.clone(), [head, &bytes].concat()] {
            fs::remove_file(file.location.local().unwrap()).unwrap();
            fs::write(file.location.local().unwrap(), &whole).unwrap();
            file.bytes = whole.len() as u64;
            prop_assert!(read::<u32>(&file).is_err());
        }
    }
}

#[test]
fn many_chunks_and_records_without_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<(u64, String)> =
        (0..30_000u64).zip((0..7).cycle()).map(|(n, words)| (n, "word ".repeat(words))).collect();
    assert!(read::<(u64, String)>(&write(&folder.path().join("a"), &records)).unwrap() == records);
    let units = vec![(); CHUNK_RECORDS_AND_MORE];
    assert_eq!(read::<()>(&write(&folder.path().join("b"), &units)).unwrap().len(), units.len());
    let large = vec!["x".repeat(1 << 20), String::new()];
    assert!(read::<String>(&write(&folder.path().join("c"), &large)).unwrap() == large);
    assert_eq!(read::<u8>(&write(&folder.path().join("d"), &[0u8; 0])).unwrap(), [0u8; 0]);
}
const CHUNK_RECORDS_AND_MORE: usize = (1 << 20) + 5;

#[test]
fn cut_anywhere_or_with_a_flipped_bit_it_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &[(7u32, "seven".to_owned()), (8, "eight".to_owned())]);
    let whole = fs::read(file.location.local().unwrap()).unwrap();
    let refused = |bytes: &[u8], what: &str| {
        fs::remove_file(file.location.local().unwrap()).unwrap();
        fs::write(file.location.local().unwrap(), bytes).unwrap();
        let file = InputFile::new(file.location.clone(), bytes.len() as u64);
        let error = read::<(u32, String)>(&file).unwrap_err();
        assert!(error.to_string().contains("part-00000"), "{what}: {error}");
    };
    for cut in 0..whole.len() {
        refused(&whole[..cut], "cut");
    }
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        refused(&bytes, "flipped");
    }
    refused(&[&whole[..], b"\0"].concat(), "longer");
    refused(&[&whole[..], &whole[..]].concat(), "twice");
}

#[test]
fn a_chunk_that_is_missing_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &[1u8]);
    let whole = fs::read(file.location.local().unwrap()).unwrap();
    let head = MAGIC.len() + 8 + "u8".len() + 4;
    let without = [&whole[..head], &whole[whole.len() - MARK_BYTES..]].concat();
    fs::write(file.location.local().unwrap(), &without).unwrap();
    let file = InputFile::new(file.location, without.len() as u64);
    let error = TaskError::from(read::<u8>(&file).unwrap_err());
    let TaskError::BadInput(cause) = error else { panic!("{error}") };
    assert!(cause.chain().any(|part| part == "it holds 0 records, and should hold 1"), "{cause:?}");
}

#[test]
fn another_type_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &[1u32]);
    let error = read::<u64>(&file).unwrap_err();
    assert!(matches!(&error, ReadError::Type { found, asked, .. } if found == "u32" && asked == "u64"));
    let shown = error.to_string();
    assert!(shown.contains("records of type u32, not u64"), "{shown}");
    let words = "to be or not to be";
    fs::write(file.location.local().unwrap(), words).unwrap();
    let file = InputFile::new(file.location, words.len() as u64);
    assert!(matches!(read::<u32>(&file), Err(ReadError::Format { .. })));
}

#[test]
fn a_record_that_cannot_be_encoded_is_an_error() {
    #[derive(serde::Deserialize)]
    struct Broken;
    impl serde::Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("broken"))
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let storage = Storage::default();
    let output = CommitLog::open(&storage, &out.as_path().into(), SaveMode::Error).unwrap();
    let mut part =
        ObjectPartWriter::create(output.target().attempt(&storage, PartitionId(0), TaskId(1))).unwrap();
    assert!(matches!(part.write(&Broken), Err(WriteError::Record(..))));
}
