//! Sources, and outputs that are all there or not there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rsk::{Context, Error, InvalidUtf8, TextOptions, prelude::*};
use std::{
    fs,
    path::Path,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

fn on(slots: usize) -> Context {
    Context::new(&format!("local[{slots}]")).unwrap()
}

fn typed(path: &Path) -> String {
    path.display().to_string()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn text_files_give_the_lines_of_the_whole(
        files in prop::collection::vec("[a-c\u{e9}\r\n]{0,40}", 1..6), splits_min in 1u64..20, packed: bool, slots in 1usize..4,
    ) {
        let folder = tempfile::tempdir().unwrap();
        for (n, text) in files.iter().enumerate() {
            fs::write(folder.path().join(format!("{n}.txt")), text).unwrap();
        }
        let options = TextOptions { splits_min, packed, ..TextOptions::default() };
        let ctx = on(slots);
        let lines = ctx.text_file_with(&typed(folder.path()), options).unwrap();
        let expected: Vec<_> = files.iter().flat_map(|text| text.lines()).collect();
        prop_assert_eq!(lines.collect().unwrap(), expected);
        let whole = ctx.whole_text_files(&typed(folder.path())).unwrap().values_of();
        prop_assert_eq!(whole, files.clone());
        let bytes = ctx.binary_files(&typed(folder.path())).unwrap().map(|(_, bytes)| bytes).collect().unwrap();
        prop_assert_eq!(bytes, files.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_saved_is_read_back_in_the_same_partitions(
        records in prop::collection::vec(("[a-z ]{0,9}", any::<Option<i64>>()), 0..60), partitions in 1usize..9, slots in 1usize..4,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (text, objects) = (folder.path().join("text"), folder.path().join("objects"));
        let ctx = on(slots);
        let rdd = ctx.parallelize(records.clone(), partitions).unwrap();
        rdd.map(|(line, _)| line).save_as_text_file(&text).unwrap();
        rdd.save_as_object_file(&objects).unwrap();
        let mut parts: Vec<_> = (0..partitions).map(|n| format!("part-{n:05}")).collect();
        parts.splice(0..0, ["_SUCCESS".to_owned(), "_rsk".to_owned()]);
        prop_assert_eq!(names(&text), parts.clone());
        prop_assert_eq!(names(&objects), parts);
        let lines = ctx.text_file(&typed(&text)).unwrap().collect().unwrap();
        prop_assert_eq!(lines, records.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>());
        let back = ctx.object_file::<(String, Option<i64>)>(&typed(&objects)).unwrap();
        let sizes = |rdd: &dyn Fn() -> Vec<usize>| rdd();
        let of_rdd = sizes(&|| rdd.map_partitions(|items| [items.count()]).collect().unwrap());
        let of_back = sizes(&|| back.map_partitions(|items| [items.count()]).collect().unwrap());
        prop_assert_eq!(of_back, of_rdd);
        prop_assert_eq!(back.collect().unwrap(), records);
    }

    #[test]
    fn slices_are_those_of_the_products(length in 0usize..100, partitions in 1usize..40, step in 1u64..9) {
        let ctx = on(1);
        let values: Vec<_> = (0..length as u64).collect();
        let sizes: Vec<_> =
            (0..partitions).map(|i| (i + 1) * length / partitions - i * length / partitions).collect();
        let rdd = ctx.parallelize(values.clone(), partitions).unwrap();
        prop_assert_eq!(rdd.map_partitions(|items| [items.count()]).collect().unwrap(), sizes.clone());
        let rdd = ctx.range(0..length as u64, partitions);
        prop_assert_eq!(rdd.map_partitions(|items| [items.count()]).collect().unwrap(), sizes);
        prop_assert_eq!(rdd.collect().unwrap(), values);
        let rdd = ctx.range_by(7..7 + length as u64, step, partitions).unwrap();
        let expected: Vec<_> = (7..7 + length as u64).step_by(usize::try_from(step).unwrap()).collect();
        prop_assert_eq!(rdd.collect().unwrap(), expected);
    }
}

trait Values {
    fn values_of(&self) -> Vec<String>;
}

impl<R: Rdd<Item = (rsk::Text, rsk::Text)>> Values for R {
    fn values_of(&self) -> Vec<String> {
        self.map(|(_, text)| text.to_string()).collect().unwrap()
    }
}

#[test]
fn a_range_at_the_end_of_its_numbers() {
    let ctx = on(1);
    let last = u64::MAX - 3..u64::MAX;
    assert_eq!(ctx.range(last.clone(), 2).count().unwrap(), 3);
    assert_eq!(ctx.range_by(last, 2, 2).unwrap().collect().unwrap(), [u64::MAX - 3, u64::MAX - 1]);
    assert_eq!(ctx.range_by(0..u64::MAX, u64::MAX - 1, 2).unwrap().collect().unwrap(), [0, u64::MAX - 1]);
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is tried")]
    let reversed = ctx.range_by(9..3, 2, 4).unwrap();
    assert_eq!(reversed.count().unwrap(), 0);
}

#[test]
fn bytes_that_are_not_utf8_are_an_error_or_let_through() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), b"fine\ncaf\xe9\n").unwrap();
    let ctx = on(1);
    let error = ctx.text_file(&typed(folder.path())).unwrap().count().unwrap_err();
    let error = format!("{error:?}");
    assert!(error.contains("a.txt") && error.contains("line at byte 5"), "{error}");
    let options = TextOptions { invalid_utf8: InvalidUtf8::Lossy, ..TextOptions::default() };
    let lines = ctx.text_file_with(&typed(folder.path()), options).unwrap();
    assert_eq!(lines.collect().unwrap(), ["fine", "caf\u{fffd}"]);
}

#[test]
fn an_empty_folder_has_no_partition() {
    let folder = tempfile::tempdir().unwrap();
    let lines = on(1).text_file(&typed(folder.path())).unwrap();
    assert_eq!((lines.partitions(), lines.count().unwrap()), (0, 0));
    let out = folder.path().join("out");
    lines.save_as_text_file(&out).unwrap();
    assert_eq!(names(&out), ["_SUCCESS", "_rsk"]);
}

#[test]
fn a_file_that_is_gone_when_its_task_runs_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.txt");
    fs::write(&file, "a").unwrap();
    let ctx = on(1);
    let lines = ctx.text_file(&typed(&file)).unwrap();
    let whole = ctx.binary_files(&typed(&file)).unwrap();
    fs::remove_file(&file).unwrap();
    for error in [lines.count().unwrap_err(), whole.count().unwrap_err()] {
        assert!(format!("{error:?}").contains("a.txt"), "{error:?}");
    }
}

#[test]
fn a_task_carries_its_split_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..300 {
        fs::write(folder.path().join(format!("{n:03}.txt")), format!("{n}\n")).unwrap();
    }
    let ctx = on(2);
    let lines = ctx.text_file(&typed(folder.path())).unwrap();
    let mut few = rsk_proto::Encoder::default();
    lines.encode(rsk_proto::PartitionId(7), &mut few);
    let bytes = few.finish().unwrap().len();
    assert!(bytes < 2 * typed(folder.path()).len() + 64, "{bytes} bytes for one of 300 files");
    let all = lines.map(|line| line.parse::<u32>().unwrap()).collect().unwrap();
    assert_eq!(all, (0..300).collect::<Vec<_>>());
}

#[test]
fn output_that_exists_is_refused_before_any_task_runs() {
    static RAN: AtomicU64 = AtomicU64::new(0);
    let folder = tempfile::tempdir().unwrap();
    let ctx = on(1);
    let rdd = ctx.range(0..4, 2).map(|n| {
        RAN.fetch_add(1, Relaxed);
        n
    });
    for outcome in [rdd.save_as_text_file(folder.path()), rdd.save_as_object_file(folder.path())] {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Write(_)) && error.to_string().contains("exists already"), "{error}");
    }
    assert_eq!((RAN.load(Relaxed), names(folder.path()).len()), (0, 0));
}

#[test]
fn an_output_may_be_typed_as_a_uri() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    on(1).range(0..4, 2).save_as_text_file(format!("file://{}", typed(&out))).unwrap();
    assert_eq!(names(&out), ["_SUCCESS", "_rsk", "part-00000", "part-00001"]);
    let error = on(1).range(0..4, 2).save_as_text_file("s3://bucket/out").unwrap_err();
    assert!(error.to_string().contains("s3://bucket/out"), "{error}");
}

#[test]
fn a_save_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ctx = on(2);
    let rdd = ctx.range(0..1_000, 4).map(|n| {
        assert!(n != 900, "nine hundred");
        n
    });
    let error = rdd.save_as_text_file(folder.path().join("a/b/out")).unwrap_err();
    assert!(format!("{error:?}").contains("nine hundred"));
    assert!(rdd.save_as_object_file(folder.path().join("out")).is_err());
    drop((rdd, ctx));
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

#[test]
fn an_attempt_that_is_tried_again_is_published_once() {
    static TRIES: AtomicU64 = AtomicU64::new(0);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let rdd = on(2).range(0..1_000, 4).map(|n| {
        assert!(n != 999 || TRIES.fetch_add(1, Relaxed) >= 2, "not yet");
        n
    });
    rdd.save_as_text_file(&out).unwrap();
    assert_eq!(TRIES.load(Relaxed), 3);
    assert_eq!(names(&out), ["_SUCCESS", "_rsk", "part-00000", "part-00001", "part-00002", "part-00003"]);
    let whole: String =
        names(&out)[2..].iter().map(|name| fs::read_to_string(out.join(name)).unwrap()).collect();
    assert!(whole.lines().map(|line| line.parse::<u32>().unwrap()).eq(0..1_000));
}

#[test]
fn a_save_that_is_cancelled_leaves_nothing() {
    static RUNNING: Barrier = Barrier::new(2);
    static CANCELLED: Barrier = Barrier::new(2);
    let folder = tempfile::tempdir().unwrap();
    let ctx = on(1);
    let rdd = ctx.range(0..3_000, 3).map(|n| {
        if n == 1_500 {
            RUNNING.wait();
            CANCELLED.wait();
        }
        n
    });
    let out = folder.path().join("out");
    std::thread::scope(|scope| {
        let saved = scope.spawn(|| ctx.in_group("save", || rdd.save_as_text_file(&out)));
        RUNNING.wait();
        assert_eq!(ctx.cancel_group("save"), 1);
        let outcome = saved.join().unwrap();
        assert!(matches!(outcome, Err(Error::Cancelled(_))), "{outcome:?}");
        CANCELLED.wait();
    });
    drop((rdd, ctx));
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

#[test]
fn object_files_that_are_damaged_or_of_another_type_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ctx = on(1);
    ctx.range(0..100, 1).save_as_object_file(&out).unwrap();
    let error = ctx.object_file::<String>(&typed(&out)).unwrap().count().unwrap_err();
    let error = format!("{error:?}");
    assert!(!error.contains("times") && error.contains("records of type u64, not"), "{error}");
    let part = out.join("part-00000");
    let mut bytes = fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&part, bytes).unwrap();
    let error = ctx.object_file::<u64>(&typed(&out)).unwrap().count().unwrap_err();
    assert!(format!("{error:?}").contains("cut short or damaged"), "{error:?}");
}
