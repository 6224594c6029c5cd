//! Evictions, and what a task's thread is said to hold.

use super::*;
#[cfg(feature = "count-memory")]
use crate::memory::Growth;

/// Records of `count` bytes each way: their block takes what it says.
fn get_bytes(bench: &Bench, task: &TaskContext, id: BlockId, level: StorageLevel, count: usize) -> usize {
    bench.blocks().get_or_make(task, id, level, move || std::iter::repeat_n(7u8, count)).into_iter().count()
}

#[test]
fn execution_evicts_the_least_recently_used() {
    let bench = Bench::new(100_002);
    let memory = bench.executor.memory();
    let ((), updates) = bench.run(|task| {
        for partition in 0..3 {
            get_bytes(&bench, task, id(1, partition), StorageLevel::MemoryOnly, 30_000);
        }
        get_bytes(&bench, task, id(1, 0), StorageLevel::MemoryOnly, 30_000);
        let mut hold = memory.hold();
        hold.resize(25_000);
    });
    assert_eq!(updates.last(), Some(&BlockUpdate::Dropped(id(1, 1))));
    assert_eq!([0, 1, 2].map(|partition| bench.blocks().holds(id(1, partition))), [true, false, true]);
    assert_eq!(bench.blocks().counts().evictions, 1);
    assert_eq!(memory.in_use().cache, 60_000);
}

#[test]
fn blocks_of_other_rdds_leave_for_a_block_and_its_own_do_not() {
    let bench = Bench::new(100_002);
    let level = StorageLevel::MemoryOnly;
    let ((), updates) = bench.run(|task| {
        get_bytes(&bench, task, id(1, 0), level, 40_000);
        get_bytes(&bench, task, id(2, 0), level, 40_000);
        assert_eq!(get_bytes(&bench, task, id(2, 1), level, 40_000), 40_000);
        assert_eq!(get_bytes(&bench, task, id(2, 2), level, 40_000), 40_000);
    });
    let [stored, dropped] = [BlockUpdate::Stored, BlockUpdate::Dropped];
    assert_eq!(updates, [stored(id(1, 0)), stored(id(2, 0)), dropped(id(1, 0)), stored(id(2, 1))]);
}

#[test]
fn evicted_blocks_with_a_disk_are_read_from_it() {
    let bench = Bench::new(4 << 20);
    let level = StorageLevel::MemoryAndDisk;
    let ((), updates) = bench.run(|task| {
        get(&bench, task, id(1, 0), level, 2000);
        bench.executor.memory().hold().resize(4 << 20);
        assert_eq!(bench.blocks().counts().in_memory, 0);
        assert_eq!(bench.blocks().counts().on_disk, 1);
        assert_eq!(bench.executor.memory().in_use().cache, 0);
        assert_eq!(get_kept(&bench, task, id(1, 0), level), records(id(1, 0), 2000));
    });
    assert_eq!(updates, [BlockUpdate::Stored(id(1, 0))], "it never went");
}

#[test]
fn unread_blocks_leave_before_those_that_are_read() {
    let bench = Bench::new(100_002);
    let memory = bench.executor.memory();
    bench.run(|task| {
        let level = StorageLevel::MemoryOnly;
        let make = || std::iter::repeat_n(7u8, 40_000);
        let mut read = bench.blocks().get_or_make(task, id(1, 0), level, make).into_iter();
        get_bytes(&bench, task, id(1, 1), level, 40_000);
        let mut hold = memory.hold();
        hold.resize(30_000);
        assert!(bench.blocks().holds(id(1, 0)) && !bench.blocks().holds(id(1, 1)));
        hold.resize(90_000);
        assert!(!bench.blocks().holds(id(1, 0)));
        assert_eq!((memory.in_use().cache, memory.in_use().leaving), (40_000, 40_000), "still read");
        assert_eq!(read.by_ref().count(), 40_000);
        drop(read);
        assert_eq!(memory.in_use().cache, 0);
    });
}

#[test]
fn a_block_of_plain_records_takes_their_size() {
    let bench = Bench::new(1 << 20);
    bench.run(|task| {
        let make = || 0..10_000u64;
        bench.blocks().get_or_make(task, id(1, 0), StorageLevel::MemoryOnly, make);
    });
    assert_eq!(bench.blocks().counts().memory_bytes, 80_000);
}

#[test]
fn a_block_of_strings_takes_what_they_allocate() {
    let bench = Bench::new(8 << 20);
    bench.run(|task| {
        let make = || (0..1000).map(|_| "x".repeat(1000));
        bench.blocks().get_or_make(task, id(1, 0), StorageLevel::MemoryOnly, make);
    });
    let bytes = bench.blocks().counts().memory_bytes;
    assert!((1_024_000..1_100_000).contains(&bytes), "{bytes}");
}

/// The growth of a task's tables decides where it spills; a cache beside them must not show in it.
#[test]
#[cfg(feature = "count-memory")]
fn neither_keeping_nor_evicting_nor_passing_shows_as_growth() {
    let near = |growth: Growth, expected: i64| {
        let change = crate::memory::live_bytes() - growth.before() - expected;
        assert!(change.abs() < 8192, "{change}");
    };
    for level in LEVELS {
        let bench = Bench::new(4 << 20);
        bench.run(|task| {
            let growth = Growth::start();
            drop(bench.blocks().get_or_make(task, id(1, 0), level, || records(id(1, 0), 5000).into_iter()));
            near(growth, 0);
            bench.executor.memory().hold().resize(4 << 20);
            near(growth, 0);
        });
    }
    for level in [StorageLevel::MemoryOnly, StorageLevel::MemoryOnlySer] {
        let bench = Bench::new(50_000);
        bench.run(|task| {
            let make = || (0..20_000u32).map(|n| (n, format!("{:x}", hash(n))));
            let growth = Growth::start();
            let mut block = bench.blocks().get_or_make(task, id(1, 0), level, make).into_iter();
            let taken: Vec<Record> = block.by_ref().take(10_000).collect();
            let strings: usize = taken.iter().map(|record| record.1.capacity()).sum();
            let own = i64::try_from(taken.capacity() * size_of::<Record>() + strings).unwrap();
            let change = crate::memory::live_bytes() - growth.before() - own;
            assert!(change.abs() < 200_000 && change.abs() < own / 5, "{level:?}: {change} beside {own}");
            drop((taken, block));
            near(growth, 0);
        });
    }
}
