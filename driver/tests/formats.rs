//! Formats that other programs read, through jobs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rsk::{ArrowCodec, AvroCodec, Codec, Context, CsvOptions, SaveOptions, prelude::*};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

fn on(slots: usize) -> Context {
    Context::new(&format!("local[{slots}]")).unwrap()
}

fn typed(path: &Path) -> String {
    path.display().to_string()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Visit {
    page: String,
    at: i64,
    seconds: Option<f64>,
}

const SCHEMA: &str = r#"{"type": "record", "name": "Visit", "fields": [
    {"name": "page", "type": "string"}, {"name": "at", "type": "long"}, {"name": "seconds", "type": ["null", "double"]}]}"#;

fn visits() -> impl Strategy<Value = Vec<Visit>> {
    let visit = ("[a-z\u{e9},\"; ]{0,9}", any::<i64>(), prop::option::of(-1e9..1e9));
    prop::collection::vec(visit.prop_map(|(page, at, seconds)| Visit { page, at, seconds }), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_saved_is_read_back(visits in visits(), partitions in 1usize..9, slots in 1usize..4, packed: bool) {
        let folder = tempfile::tempdir().unwrap();
        let out = |name: &str| folder.path().join(name);
        let ctx = on(slots);
        let rdd = ctx.parallelize(visits.clone(), partitions).unwrap();
        let options = || if packed { SaveOptions::default().compress(Codec::Bzip2) } else { SaveOptions::default() };
        rdd.save_as_json_lines_with(out("json"), options()).unwrap();
        prop_assert_eq!(ctx.json_lines::<Visit>(&typed(&out("json"))).unwrap().collect().unwrap(), visits.clone());
        rdd.save_as_csv_with(out("csv"), CsvOptions::default(), options()).unwrap();
        prop_assert_eq!(ctx.csv_file::<Visit>(&typed(&out("csv"))).unwrap().collect().unwrap(), visits.clone());
        rdd.save_as_avro(out("avro"), SCHEMA, if packed { AvroCodec::Deflate } else { AvroCodec::Null }).unwrap();
        prop_assert_eq!(ctx.avro_file::<Visit>(&typed(&out("avro"))).unwrap().collect().unwrap(), visits.clone());
        let batches = rdd.batches().unwrap();
        batches.save_as_parquet(out("parquet")).unwrap();
        let rows = ctx.read_parquet(&typed(&out("parquet"))).unwrap().rows::<Visit>();
        prop_assert_eq!(rows.collect().unwrap(), visits.clone());
        batches.save_as_arrow(out("arrow"), if packed { ArrowCodec::Lz4 } else { ArrowCodec::None }).unwrap();
        let rows = ctx.read_arrow(&typed(&out("arrow"))).unwrap().rows::<Visit>();
        prop_assert_eq!(rows.collect().unwrap(), visits);
    }
}

#[test]
fn a_record_of_another_type_fails_the_job_once_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (json, csv) = (folder.path().join("a.json"), folder.path().join("a.csv"));
    fs::write(&json, "{\"page\":\"/\",\"at\":1}\n{\"page\":\"/\",\"at\":\"noon\"}\n").unwrap();
    fs::write(&csv, "page,at,seconds\n/,1,\n/,noon,\n").unwrap();
    let ctx = on(1);
    let of_json = ctx.json_lines::<Visit>(&typed(&json)).unwrap().count().unwrap_err();
    let of_csv = ctx.csv_file::<Visit>(&typed(&csv)).unwrap().count().unwrap_err();
    for (error, place) in [(of_json, "a.json\" holds no"), (of_csv, "a.csv\" holds no")] {
        let error = format!("{error:?}");
        assert!(error.contains(place) && error.contains("at byte 2") && !error.contains("times"), "{error}");
    }
}

#[test]
fn batches_of_one_partition_have_the_columns_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ctx = on(1);
    let batches = ctx
        .range(0..3, 1)
        .map(|n| Visit { page: String::new(), at: n.cast_signed(), seconds: None })
        .batches()
        .unwrap();
    let other = ctx.range(0..3, 1).map(|n| Other { n }).batches().unwrap();
    let mixed = batches.union(&other).coalesce(1).unwrap();
    for saved in [mixed.save_as_parquet(&out), mixed.save_as_arrow(&out, ArrowCodec::None)] {
        assert!(format!("{:?}", saved.unwrap_err()).contains("cannot write a record"));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // A part has what there is: a partition without batches has none.
    let none = batches.filter(|batch| batch.num_rows() == 0);
    none.save_as_parquet(&out).unwrap();
    let parts = fs::read_dir(&out)
        .unwrap()
        .filter(|file| file.as_ref().is_ok_and(|file| !file.file_name().to_string_lossy().starts_with('_')));
    assert_eq!(parts.count(), 0);
    assert_eq!(ctx.read_parquet(&typed(&out)).unwrap().count().unwrap(), 0);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Other {
    n: u64,
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ctx = on(1);
    let nested = ctx.range(0..3, 1).map(|n| (n, Visit { page: String::new(), at: 0, seconds: None }));
    let error = format!("{:?}", nested.save_as_csv(&out).unwrap_err());
    assert!(error.contains("cannot write a record"), "{error}");
    let error = format!("{:?}", nested.save_as_avro(&out, SCHEMA, AvroCodec::Null).unwrap_err());
    assert!(error.contains("page: "), "{error}");
    let csv = CsvOptions { escape: Some(b'\\'), ..CsvOptions::default() };
    let error = ctx.range(0..3, 1).save_as_csv_with(&out, csv, SaveOptions::default()).unwrap_err();
    assert!(error.to_string().contains("leave quote and escape"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
