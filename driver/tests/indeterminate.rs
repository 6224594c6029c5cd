//! Map outputs of what gives other records each time, lost between jobs and under them: no result is put together from two
//! versions. Either everything that was made of the first is made again, or the job says that it cannot go on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rsk::{Config, Context, Error, prelude::*, rdd::BoxedRdd};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

const MAPS: u64 = 4;
const KEYS: u64 = 16;
const REDUCES: usize = 8;

/// For each key, from each map task: its number, and the draw of the attempt.
type Drawn = BoxedRdd<(u64, (u64, u64))>;
type Records = Vec<(u64, (u64, u64))>;

fn context(slots: u32, work_dir: &Path) -> Context {
    let mut config = Config::default();
    for setting in ["resubmit_delay=0", &format!("work_dir={}", work_dir.display())] {
        config.set(setting).unwrap();
    }
    Context::with_config(&format!("local[{slots}]"), config).unwrap()
}

/// Each attempt of a map task draws a number that nobody drew before, and tells it to every key.
fn drawn(ctx: &Context) -> Drawn {
    static DRAWS: AtomicU64 = AtomicU64::new(0);
    let told = ctx.range(0..MAPS, usize::try_from(MAPS).unwrap()).flat_map(|map| {
        let draw = DRAWS.fetch_add(1, SeqCst);
        (0..KEYS).map(move |key| (key, (map, draw)))
    });
    told.indeterminate().partition_by(REDUCES).unwrap().boxed()
}

/// When the partition `at` is computed for the first time, an output of map task 1 goes: the oldest that is there.
fn losing(rdd: &Drawn, work_dir: &Path, at: usize) -> Drawn {
    let value = (work_dir.display().to_string(), at);
    let losing = rdd.with(value).map_partitions_with_index(|(work_dir, at), index, records| {
        let work_dir = Path::new(work_dir);
        if index == *at && fs::File::create_new(work_dir.join("lost")).is_ok() {
            lose(work_dir);
        }
        records
    });
    losing.boxed()
}

fn lose(work_dir: &Path) {
    let outputs = outputs(work_dir);
    let lost = outputs.iter().find(|path| path.to_string_lossy().contains("part-1-"));
    fs::remove_file(lost.unwrap()).unwrap();
}

/// Of each shuffle, in order of their numbers.
fn outputs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let all = entries.flat_map(|path| if path.is_dir() { outputs(&path) } else { vec![path] });
    let mut all: Vec<_> = all.filter(|path| path.extension() == Some("data".as_ref())).collect();
    all.sort();
    all
}

/// The draws of a result, which must be one of each map task and the same for all keys.
fn version(records: &Records) -> BTreeSet<u64> {
    let mut draws = BTreeMap::<u64, BTreeSet<u64>>::new();
    records.iter().for_each(|(_, (map, draw))| {
        draws.entry(*map).or_default().insert(*draw);
    });
    assert_eq!(records.len() as u64, MAPS * KEYS, "each key heard of each map task once");
    assert!(draws.values().all(|draws| draws.len() == 1), "two versions are mixed: {draws:?}");
    draws.into_values().flatten().collect()
}

#[test]
fn an_output_lost_between_jobs_makes_a_new_version_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let drawn = drawn(&context(2, dir.path()));
    let first = version(&drawn.collect().unwrap());
    assert_eq!(version(&drawn.collect().unwrap()), first, "nothing was lost: nothing is drawn again");
    lose(dir.path());
    let second = version(&drawn.collect().unwrap());
    assert!(first.is_disjoint(&second), "{first:?} and {second:?}");
}

#[test]
fn an_output_lost_under_a_job_is_rolled_back_or_fails_the_job() {
    let (mut rolled_back, mut refused) = (0, 0);
    for at in 0..REDUCES {
        let dir = tempfile::tempdir().unwrap();
        let drawn = drawn(&context(1, dir.path()));
        let first = version(&drawn.collect().unwrap());
        match losing(&drawn, dir.path(), at).collect() {
            Ok(records) if version(&records) == first => {
                assert_eq!(at, REDUCES - 1, "nobody reads after the last");
            }
            Ok(records) => {
                assert!(first.is_disjoint(&version(&records)));
                rolled_back += 1;
            }
            Err(Error::Indeterminate { stage }) => {
                assert!(at > 0, "nothing had been handed out");
                assert!(stage.contains("shuffle"), "{stage}");
                refused += 1;
                let again = version(&drawn.collect().unwrap());
                assert!(first.is_disjoint(&again), "run again, it is one version: {first:?}, {again:?}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(rolled_back > 0 && refused > 0, "{rolled_back} rolled back, {refused} refused");
}

#[test]
fn an_output_lost_before_any_result_is_rolled_back_with_all_that_was_made_of_it() {
    for at in 0..REDUCES - 1 {
        let dir = tempfile::tempdir().unwrap();
        let drawn = drawn(&context(1, dir.path()));
        let first = version(&drawn.collect().unwrap());
        // The map side of a second shuffle loses what it reads: half of its own outputs are of the first version.
        let regrouped = losing(&drawn, dir.path(), at).map(|(key, draw)| (key + 1, draw)).partition_by(3);
        let second = version(&regrouped.unwrap().collect().unwrap());
        assert!(first.is_disjoint(&second), "{first:?} and {second:?}");
    }
}

#[test]
fn two_jobs_that_read_what_one_of_them_loses_see_one_version_each() {
    for at in 0..REDUCES {
        let dir = tempfile::tempdir().unwrap();
        let drawn = drawn(&context(2, dir.path()));
        drawn.count().unwrap();
        let losing = losing(&drawn, dir.path(), at);
        let start = Barrier::new(2);
        let job = |rdd: &Drawn| {
            start.wait();
            match rdd.collect() {
                Ok(records) => drop(version(&records)),
                Err(Error::Indeterminate { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| job(&drawn));
            scope.spawn(|| job(&losing));
        });
        assert_eq!(version(&drawn.collect().unwrap()), version(&losing.collect().unwrap()));
    }
}
