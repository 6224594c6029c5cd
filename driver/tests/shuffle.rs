//! Shuffled RDDs against plain collections, with spills and with map outputs lost or damaged meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rsk::{Config, Context, prelude::*};
use std::{collections::BTreeMap, fs, path::PathBuf};

fn model(pairs: &[(i32, i64)]) -> BTreeMap<i32, i64> {
    let mut sums = BTreeMap::new();
    for (key, value) in pairs {
        let sum = sums.entry(*key).or_insert(0i64);
        *sum = sum.wrapping_add(*value);
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn reduce_by_key_agrees_with_a_map(
        pairs: Vec<(i32, i64)>, partitions in 1usize..9, reducers in 1usize..9, slots in 1usize..4,
    ) {
        let ctx = Context::new(&format!("local[{slots}]")).unwrap();
        let rdd = ctx.parallelize(pairs.clone(), partitions).unwrap();
        let sums = rdd.reduce_by_key_into(i64::wrapping_add, reducers).unwrap();
        let first = sums.collect().unwrap();
        prop_assert_eq!(&first, &sums.collect().unwrap(), "a run repeated gives the same order");
        prop_assert_eq!(first.len(), model(&pairs).len(), "a key appears once");
        prop_assert_eq!(first.into_iter().collect::<BTreeMap<_, _>>(), model(&pairs));
    }
}

/// Small enough that a million keys spill on the reduce side.
fn tight(work_dir: &std::path::Path) -> Context {
    let mut config = Config::default();
    config.set("memory=16m").unwrap();
    config.set(&format!("work_dir={}", work_dir.display())).unwrap();
    Context::with_config("local[2]", config).unwrap()
}

#[test]
fn a_combine_that_spills_gives_the_same_answer() {
    let dir = tempfile::tempdir().unwrap();
    let ctx = tight(dir.path());
    let sums = ctx.range(0..600_000, 4).map(|n| (n % 200_000, 1u64)).reduce_by_key(|a, b| a + b);
    assert_eq!(sums.count().unwrap(), 200_000);
    assert_eq!(sums.filter(|(_, count)| *count != 3).count().unwrap(), 0);
}

fn files(dir: &std::path::Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .flat_map(|path| if path.is_dir() { files(&path, extension) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    found
}

#[test]
fn lost_cut_and_damaged_map_outputs_are_made_again_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.set(&format!("work_dir={}", dir.path().display())).unwrap();
    let ctx = Context::with_config("local[2]", config).unwrap();
    let sums = ctx.range(0..10_000, 4).map(|n| (n % 100, n)).reduce_by_key(|a, b| a + b);
    let first = sums.collect().unwrap();
    let before = files(dir.path(), "data");
    assert_eq!(before.len(), 4);
    fs::remove_file(&before[0]).unwrap();
    let mut bytes = fs::read(&before[1]).unwrap();
    bytes[20] ^= 4;
    fs::write(&before[1], bytes).unwrap();
    fs::File::options().write(true).open(&before[2]).unwrap().set_len(3).unwrap();
    assert_eq!(sums.collect().unwrap(), first);
    let after = files(dir.path(), "data");
    assert!(after.contains(&before[3]), "the sound output was not made again");
    assert!(after.len() > 4, "new attempts have new names: {after:?}");
    drop(sums);
    assert!(files(dir.path(), "data").is_empty(), "the files go with the last handle");
}

#[test]
fn two_shuffles_in_a_row_and_one_shared_by_two_jobs() {
    let ctx = Context::new("local[2]").unwrap();
    let counts = ctx.range(0..1_000, 3).map(|n| (n % 10, 1u64)).reduce_by_key(|a, b| a + b);
    let by_count = counts.map(|(_, count)| (count, 1u64)).reduce_by_key(|a, b| a + b);
    assert_eq!(by_count.collect().unwrap(), [(100, 10)]);
    assert_eq!(counts.count().unwrap(), 10);
}

#[test]
fn a_panic_in_user_code_is_tried_four_times_and_names_itself() {
    let ctx = Context::new("local[2]").unwrap();
    let rdd = ctx.range(0..10, 2).map(|n| {
        assert!(n != 7, "seven is bad luck");
        n
    });
    let error = format!("{:?}", rdd.collect().unwrap_err());
    for part in ["part-1 of results of job-", "failed 4 times", "seven is bad luck", "shuffle.rs"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(ctx.range(0..10, 2).count().unwrap(), 10, "the executor lives on");
}

#[test]
fn deep_lineage_of_boxed_nodes_does_not_overflow() {
    let ctx = Context::new("local[2]").unwrap();
    let mut rdd = ctx.range(0..4, 2).boxed();
    for _ in 0..1_000 {
        rdd = rdd.map(|x| x + 1).boxed();
    }
    assert_eq!(rdd.collect().unwrap(), [1000, 1001, 1002, 1003]);
}

#[test]
fn a_context_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        let ctx = tight(dir.path());
        ctx.range(0..100, 4).map(|n| (n, n)).reduce_by_key(|a, _| a).count().unwrap();
        drop(ctx);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
