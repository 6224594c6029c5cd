//! Damaged files and full disks.

use super::*;
use proptest::prelude::*;
use std::{fs, os::unix::fs::symlink};

const COUNT: u32 = 8000;

/// A block of several frames on disk, whose file `damage` has been done to.
fn damaged(damage: impl FnOnce(&PathBuf)) -> Bench {
    let bench = Bench::new(1 << 20);
    bench.run(|task| get(&bench, task, id(1, 0), StorageLevel::DiskOnly, COUNT));
    let files = bench.files();
    assert_eq!(files.len(), 1);
    damage(&files[0]);
    bench
}

/// Reads the damaged block as often as a task is tried: right records or a typed error, and right ones in the end.
fn read_damaged(bench: &Bench) -> Option<TaskError> {
    let path = bench.files().first().cloned();
    let mut error = None;
    let ((), updates) = bench.run(|task| {
        error = raised(|| {
            assert_eq!(get(bench, task, id(1, 0), StorageLevel::DiskOnly, COUNT), records(id(1, 0), COUNT));
        });
        if error.is_some() {
            assert_eq!(get(bench, task, id(1, 0), StorageLevel::DiskOnly, COUNT), records(id(1, 0), COUNT));
        }
    });
    assert_eq!(updates, [BlockUpdate::Dropped(id(1, 0)), BlockUpdate::Stored(id(1, 0))]);
    if let Some(error) = &error {
        let TaskError::Io(cause) = error else { panic!("{error:?}") };
        assert!(cause.message.contains(path.unwrap().to_str().unwrap()), "{cause}");
    }
    bench.run(|task| get_kept(bench, task, id(1, 0), StorageLevel::DiskOnly));
    assert_eq!(bench.files().len(), 1);
    error
}

#[test]
fn a_missing_short_or_foreign_file_is_made_again_at_once() {
    let missing = damaged(|path| fs::remove_file(path).unwrap());
    assert_eq!(read_damaged(&missing), None);
    let short = damaged(|path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    });
    assert_eq!(read_damaged(&short), None);
    let foreign = damaged(|path| {
        let length = fs::metadata(path).unwrap().len();
        fs::write(path, vec![0; usize::try_from(length).unwrap()]).unwrap();
    });
    assert_eq!(read_damaged(&foreign), None);
}

#[test]
fn damage_behind_records_that_were_handed_out_fails_the_attempt() {
    let bench = damaged(|path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    assert!(read_damaged(&bench).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_flipped_bit_never_gives_wrong_records(place in 0.0..1.0f64, bit in 0..8u32) {
        let bench = damaged(|path| {
            let mut bytes = fs::read(path).unwrap();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
                reason = "any place in the file will do")]
            let place = (place * bytes.len() as f64) as usize;
            bytes[place] ^= 1 << bit;
            fs::write(path, bytes).unwrap();
        });
        read_damaged(&bench);
    }
}

/// Makes every file that a first block would be written to one that is always full.
fn fill_disk(bench: &Bench) {
    for ticket in 0..100 {
        let path = bench
            .executor
            .work_dir()
            .block()
            .join(format!("rdd-1-part-0-{}-{ticket}.part", std::process::id()));
        symlink("/dev/full", path).unwrap();
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_is_left() {
    for level in [StorageLevel::DiskOnly, StorageLevel::MemoryAndDisk] {
        let bench = Bench::new(100_000);
        fill_disk(&bench);
        let before = bench.files().len();
        let (error, updates) = bench.run(|task| raised(|| get(&bench, task, id(1, 0), level, COUNT)));
        assert!(
            matches!(&error, Some(TaskError::DiskFull { path }) if path.to_str().unwrap().contains("rdd-1-part-0")),
            "{error:?}"
        );
        assert_eq!(updates, []);
        assert_eq!(bench.files().len(), before - 1, "{level:?}: the partial file is gone");
        assert!(!bench.blocks().holds(id(1, 0)));
        assert_eq!(bench.executor.memory().in_use().cache, 0);
    }
}

#[test]
fn a_block_that_a_full_disk_does_not_take_is_dropped_and_the_evicting_task_goes_on() {
    let bench = Bench::new(4 << 20);
    fill_disk(&bench);
    let ((), updates) = bench.run(|task| {
        get(&bench, task, id(1, 0), StorageLevel::MemoryAndDisk, COUNT);
        bench.executor.memory().hold().resize(4 << 20);
    });
    assert_eq!(updates, [BlockUpdate::Stored(id(1, 0)), BlockUpdate::Dropped(id(1, 0))]);
    assert!(!bench.blocks().holds(id(1, 0)));
    assert_eq!(bench.executor.memory().in_use().cache, 0);
}
