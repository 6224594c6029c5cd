//! SequenceFiles that Hadoop wrote: `fixtures/sequence/README.md` says how. With `RSK_SEQUENCE_FILES`, those of that folder.

use rsk_storage::{InputFile, ReadError, Storage, TextOptions, Writable, plan_sequence, read_sequence};
use std::{fmt::Debug, fs, path::PathBuf};

fn text(n: u8) -> String {
    format!("line {n}{}", " café ".repeat(usize::from(n % 7)))
}

fn file(name: &str) -> InputFile {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sequence");
    let folder = std::env::var_os("RSK_SEQUENCE_FILES").map_or_else(|| PathBuf::from(here), PathBuf::from);
    let path = folder.join(format!("{name}.seq"));
    let bytes = fs::metadata(&path).unwrap_or_else(|error| panic!("{name}: {error}")).len();
    InputFile::new(path, bytes)
}

fn read<K: Writable, V: Writable>(file: &InputFile, splits_min: u64) -> Result<Vec<(K, V)>, ReadError> {
    let options = TextOptions { splits_min, ..TextOptions::default() };
    let partitions = plan_sequence(std::slice::from_ref(file), &options);
    assert_eq!(partitions.len() as u64, splits_min);
    partitions
        .into_iter()
        .flat_map(|partition| read_sequence(&Storage::default(), partition, 1 << 20))
        .collect()
}

/// The file holds these pairs, each once, in whatever splits it is read.
fn holds<K, V>(name: &str, pair: impl Fn(u8) -> (K, V))
where
    K: Writable + PartialEq + Debug,
    V: Writable + PartialEq + Debug,
{
    let expected: Vec<(K, V)> = (0..60).map(pair).collect();
    for splits in [1, 2, 3, 7, 50, 500] {
        let read = read(&file(name), splits).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(read, expected, "{name} in {splits} splits");
    }
}

const CODECS: [&str; 5] = ["default", "gzip", "bzip2", "snappy", "lz4"];

#[test]
fn files_of_each_compression_and_codec() {
    holds("none", |n| (i64::from(n).pow(3), text(n)));
    for codec in CODECS {
        holds(&format!("record-{codec}"), |n| (i64::from(n).pow(3), text(n)));
        holds(&format!("block-{codec}"), |n| (i64::from(n).pow(3), text(n)));
        holds(&format!("record-null-{codec}"), |n| (text(n), ()));
        holds(&format!("block-null-{codec}"), |n| ((), text(n)));
    }
}

#[test]
fn files_of_each_class() {
    holds("int-double", |n| (i32::from(n) - 30, f64::from(n) / 8.0 - 2.0));
    holds("float-bytes", |n| (f32::from(n) / 4.0, text(n).into_bytes()));
    holds("byte-boolean", |n| (n.wrapping_mul(4).cast_signed(), n % 3 == 0));
    holds("short-null", |n| ((u16::from(n) * 1000).cast_signed(), ()));
}

#[test]
fn another_class_is_refused_with_both_names() {
    let error = read::<i32, String>(&file("none"), 1).unwrap_err();
    let told = format!("{error} {}", std::error::Error::source(&error).unwrap());
    assert!(told.contains("none.seq"), "{told}");
    assert!(
        told.contains("keys are org.apache.hadoop.io.LongWritable, not org.apache.hadoop.io.IntWritable"),
        "{told}"
    );
    let error = read::<i64, Vec<u8>>(&file("block-lz4"), 2).unwrap_err();
    assert!(matches!(error, ReadError::Sequence(..)), "{error}");
}

#[test]
fn damage_is_an_error_or_other_text_but_no_panic_and_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    for name in CODECS.iter().flat_map(|codec| [format!("record-{codec}"), format!("block-{codec}")]) {
        let whole = fs::read(file(&name).location.local().unwrap()).unwrap();
        for at in (0..whole.len()).step_by(29) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            let path = folder.path().join("damaged.seq");
            fs::write(&path, &bytes).unwrap();
            let damaged = InputFile::new(&*path, bytes.len() as u64);
            if let Ok(pairs) = read::<i64, String>(&damaged, 1) {
                // Keys that are not packed, and what snappy and lz4 do not check, may be others.
                assert_eq!(pairs.len(), 60, "{name} at {at}");
            }
            fs::remove_file(&path).unwrap();
        }
    }
}
