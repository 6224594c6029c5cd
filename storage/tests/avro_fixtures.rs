//! Avro files that fastavro wrote: `fixtures/avro/README.md` says how. With `RSK_AVRO_FILES`, those of that folder.

#[path = "fixtures/avro/visit.rs"]
mod visit;

use rsk_storage::{AvroCodec, InputFile, ReadError, Storage, TextOptions, plan_avro, read_avro};
use std::{fs, path::PathBuf};
use visit::{Visit, visit};

fn file(name: &str) -> InputFile {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/avro");
    let folder = std::env::var_os("RSK_AVRO_FILES").map_or_else(|| PathBuf::from(here), PathBuf::from);
    let path = folder.join(format!("{name}.avro"));
    let bytes = fs::metadata(&path).unwrap_or_else(|error| panic!("{name}: {error}")).len();
    InputFile::new(path, bytes)
}

fn read(file: &InputFile, splits_min: u64) -> Result<Vec<Visit>, ReadError> {
    let options = TextOptions { splits_min, ..TextOptions::default() };
    let partitions = plan_avro(std::slice::from_ref(file), &options);
    assert_eq!(partitions.len() as u64, splits_min);
    partitions.into_iter().flat_map(|partition| read_avro(&Storage::default(), partition, 1 << 20)).collect()
}

#[test]
fn files_of_each_codec() {
    let expected: Vec<_> = (0..60).map(visit).collect();
    for codec in AvroCodec::ALL {
        for splits in [1, 2, 3, 7, 50, 500] {
            let read =
                read(&file(codec.name()), splits).unwrap_or_else(|error| panic!("{codec:?}: {error:?}"));
            assert_eq!(read, expected, "{codec:?} in {splits} splits");
        }
    }
}

#[test]
fn a_codec_that_is_not_known_is_named() {
    let error = read(&file("xz"), 1).unwrap_err();
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().contains("xz.avro") && why.contains("packed by xz"), "{error}: {why}");
}

#[test]
fn damage_is_an_error_or_another_value_but_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.avro");
    for codec in AvroCodec::ALL {
        let whole = fs::read(file(codec.name()).location.local().unwrap()).unwrap();
        for at in (0..whole.len()).step_by(23) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&path, &bytes).unwrap();
            if let Ok(read) = read(&InputFile::new(&*path, bytes.len() as u64), 1) {
                assert!(read.len() <= 60, "{codec:?} at {at}");
            }
        }
    }
}
