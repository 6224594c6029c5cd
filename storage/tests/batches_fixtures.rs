//! Parquet and Arrow files that pyarrow wrote: `fixtures/batches/README.md` says how. With `RSK_BATCH_FILES`, those of that
//! folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "fixtures/batches/visit.rs"]
mod visit;

use rsk_storage::{
    ColumnRange, InputFile, ParquetOptions, ReadError, Storage, TextOptions, TextPartition, plan_batches,
    read_arrow, read_parquet, rows_of,
};
use std::{fs, path::PathBuf};
use visit::{Visit, visit};

fn file(name: &str) -> InputFile {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/batches");
    let folder = std::env::var_os("RSK_BATCH_FILES").map_or_else(|| PathBuf::from(here), PathBuf::from);
    let path = folder.join(name);
    let bytes = fs::metadata(&path).unwrap_or_else(|error| panic!("{name}: {error}")).len();
    InputFile::new(path, bytes)
}

fn plan(file: &InputFile, splits_min: u64) -> Vec<TextPartition> {
    let options = TextOptions { splits_min, ..TextOptions::default() };
    plan_batches(std::slice::from_ref(file), &options)
}

/// The rows, by the batches that they come in.
fn parquet(file: &InputFile, splits: u64, options: &ParquetOptions) -> Result<Vec<Vec<Visit>>, ReadError> {
    let batches = plan(file, splits)
        .into_iter()
        .flat_map(|partition| read_parquet(&Storage::default(), partition, options));
    batches.map(|batch| Ok(rows_of(&batch?).unwrap())).collect()
}

fn arrow(file: &InputFile, splits: u64) -> Result<Vec<Vec<Visit>>, ReadError> {
    let batches = plan(file, splits)
        .into_iter()
        .flat_map(|partition| read_arrow(&Storage::default(), partition, None, 1 << 20));
    batches.map(|batch| Ok(rows_of(&batch?).unwrap())).collect()
}

#[test]
fn files_of_each_codec_in_whatever_splits() {
    let expected: Vec<_> = (0..60).map(visit).collect();
    for splits in [1, 2, 3, 7, 50] {
        for codec in ["none", "snappy", "gzip", "lz4", "zstd"] {
            let read = parquet(&file(&format!("{codec}.parquet")), splits, &ParquetOptions::default());
            assert_eq!(
                read.unwrap_or_else(|error| panic!("{codec}: {error:?}")).concat(),
                expected,
                "{codec}"
            );
        }
        for codec in ["none", "lz4", "zstd"] {
            for kind in ["file", "stream"] {
                let read = arrow(&file(&format!("{kind}-{codec}.arrow")), splits);
                assert_eq!(
                    read.unwrap_or_else(|error| panic!("{kind}-{codec}: {error:?}")).concat(),
                    expected
                );
            }
        }
    }
}

#[test]
fn columns_come_in_the_order_asked_for() {
    let columns = Some(["place.x", "at", "page", "at"].map(str::to_owned).to_vec());
    let options = ParquetOptions { columns, batch_rows: 7, ..ParquetOptions::default() };
    let batches: Result<Vec<_>, _> = plan(&file("zstd.parquet"), 1)
        .into_iter()
        .flat_map(|part| read_parquet(&Storage::default(), part, &options))
        .collect();
    for batch in batches.unwrap() {
        let names: Vec<_> = batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!((names.join(" "), batch.num_rows() <= 7), ("place at page".to_owned(), true));
    }
    for name in ["file-lz4.arrow", "stream-lz4.arrow"] {
        let columns = Some(["seconds", "at", "seconds"].map(str::to_owned).to_vec());
        let mut rows = 0;
        for batch in plan(&file(name), 3)
            .into_iter()
            .flat_map(|part| read_arrow(&Storage::default(), part, columns.clone(), 1 << 20))
        {
            let batch = batch.unwrap();
            let names: Vec<_> =
                batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
            assert_eq!(names, ["seconds", "at"]);
            rows += batch.num_rows();
        }
        assert_eq!(rows, 60);
    }
}

#[test]
fn groups_that_hold_no_such_value_are_not_read() {
    // Three groups: of pages /00, /20 and /40, of status 200, 60 and -80 and less.
    let groups = |ranges: &[ColumnRange]| {
        let options = ParquetOptions { groups_with: ranges.to_vec(), ..ParquetOptions::default() };
        let read = parquet(&file("snappy.parquet"), 2, &options).unwrap();
        let mut groups: Vec<_> =
            read.concat().iter().map(|row| row.page[1..3].parse::<u8>().unwrap() / 20).collect();
        groups.dedup();
        groups
    };
    assert_eq!(groups(&[]), [0, 1, 2]);
    assert_eq!(groups(&[ColumnRange::new("status", 61..)]), [0]);
    assert_eq!(groups(&[ColumnRange::new("status", 60..)]), [0, 1]);
    assert_eq!(groups(&[ColumnRange::new("status", ..-79.5)]), [2]);
    assert_eq!(groups(&[ColumnRange::new("page", "/25"..="/45")]), [1, 2]);
    assert_eq!(groups(&[ColumnRange::new("page", "/25"..), ColumnRange::new("status", ..-75)]), [2]);
    assert_eq!(groups(&[ColumnRange::new("seconds", 7.5..)]), Vec::<u8>::new());
    assert_eq!(groups(&[ColumnRange::new("place.x", 39..=41)]), [2]);
    assert_eq!(
        groups(&[ColumnRange::new("big", ..5)]),
        Vec::<u8>::new(),
        "unsigned numbers are compared as such"
    );
    assert_eq!(groups(&[ColumnRange::new("page", ..5)]), [0, 1, 2], "what cannot be compared is read");
}

#[test]
fn what_is_not_there_or_not_known_is_named() {
    let says = |read: Result<Vec<Vec<Visit>>, ReadError>| {
        let error = read.unwrap_err();
        format!("{error}: {}", std::error::Error::source(&error).unwrap())
    };
    let of = |columns: &[&str], ranges: &[ColumnRange]| {
        let columns = (!columns.is_empty()).then(|| columns.iter().map(|name| (*name).to_owned()).collect());
        let options = ParquetOptions { columns, groups_with: ranges.to_vec(), ..ParquetOptions::default() };
        says(parquet(&file("none.parquet"), 1, &options))
    };
    for said in [of(&["pages"], &[]), of(&[], &[ColumnRange::new("pages", 1..)])] {
        assert!(said.contains("has no column \"pages\"") && said.contains("page, at, status"), "{said}");
    }
    let columns = Some(vec!["pages".to_owned()]);
    let error = plan(&file("file-none.arrow"), 1)
        .into_iter()
        .flat_map(|part| read_arrow(&Storage::default(), part, columns.clone(), 1 << 20))
        .next();
    assert!(error.unwrap().unwrap_err().to_string().contains("has no column \"pages\""));
    let error = plan(&file("file-none.arrow"), 1)
        .into_iter()
        .flat_map(|part| read_arrow(&Storage::default(), part, None, 100))
        .next();
    assert!(matches!(error, Some(Err(ReadError::TooLarge { .. }))));
    let error = parquet(&file("brotli.parquet"), 1, &ParquetOptions::default()).unwrap_err().to_string();
    assert!(error.contains("brotli.parquet") && error.contains("packed by brotli"), "{error}");
    assert!(says(parquet(&file("file-none.arrow"), 1, &ParquetOptions::default())).contains("damaged"));
    assert!(arrow(&file("none.parquet"), 1).unwrap_err().to_string().contains("does not begin as a file"));
}

#[test]
fn damage_is_an_error_or_other_values_but_no_panic_and_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "none.parquet",
        "snappy.parquet",
        "zstd.parquet",
        "file-none.arrow",
        "file-lz4.arrow",
        "stream-zstd.arrow",
    ];
    for name in names {
        let whole = fs::read(file(name).location.local().unwrap()).unwrap();
        let path = folder.path().join(name);
        for at in (0..whole.len()).step_by(113) {
            for cut in [false, at % 5 == 0] {
                let mut bytes = whole.clone();
                if cut {
                    bytes.truncate(at);
                } else {
                    bytes[at] ^= 1 << (at % 8);
                }
                fs::write(&path, &bytes).unwrap();
                let damaged = InputFile::new(&*path, bytes.len() as u64);
                let read: Result<Vec<_>, _> = if name.ends_with("parquet") {
                    let options = ParquetOptions::default();
                    plan(&damaged, 1)
                        .into_iter()
                        .flat_map(|part| read_parquet(&Storage::default(), part, &options))
                        .collect()
                } else {
                    plan(&damaged, 1)
                        .into_iter()
                        .flat_map(|part| read_arrow(&Storage::default(), part, None, 1 << 20))
                        .collect()
                };
                let rows =
                    read.map(|batches| batches.iter().map(arrow_array::RecordBatch::num_rows).sum::<usize>());
                assert!(
                    rows.is_err() || !cut || bytes.is_empty() || name.starts_with("stream"),
                    "{name} cut at {at}"
                );
            }
        }
    }
}
