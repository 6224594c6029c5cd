//! The same promises at each level.

use super::*;
use std::{cell::Cell, rc::Rc};

const ROOMY: u64 = 64 << 20;

fn each_level(promise: impl Fn(&Bench, StorageLevel)) {
    for level in LEVELS {
        promise(&Bench::new(ROOMY), level);
    }
}

#[test]
fn a_block_is_made_once_and_read_back_in_order() {
    each_level(|bench, level| {
        for count in [0, 1, 5, 20_000] {
            let id = id(1, count);
            let (made, updates) = bench.run(|task| get(bench, task, id, level, count));
            assert_eq!(made, records(id, count), "{level:?}");
            assert_eq!(updates, [BlockUpdate::Stored(id)], "{level:?}");
            assert!(bench.blocks().holds(id));
            let (kept, updates) = bench.run(|task| get_kept(bench, task, id, level));
            assert_eq!(kept, made, "{level:?}");
            assert_eq!(updates, [], "{level:?}");
        }
    });
}

#[test]
fn records_are_read_by_handle() {
    each_level(|bench, level| {
        let id = id(1, 0);
        for _ in 0..2 {
            let (handles, _) = bench.run(|task| {
                let block = bench.blocks().get_or_make(task, id, level, || records(id, 300).into_iter());
                block.into_shared().collect::<Vec<_>>()
            });
            bench.blocks().remove(RddId(2), BlockEpoch::NEVER);
            let copies: Vec<Record> = handles.iter().map(|handle| (**handle).clone()).collect();
            assert_eq!(copies, records(id, 300), "{level:?}");
        }
    });
}

#[test]
fn handles_outlive_their_block() {
    let bench = Bench::new(ROOMY);
    let id = id(1, 0);
    let (handles, _) = bench.run(|task| {
        let make = || records(id, 300).into_iter();
        bench.blocks().get_or_make(task, id, StorageLevel::MemoryOnly, make).into_shared().collect::<Vec<_>>()
    });
    bench.blocks().remove(RddId(1), BlockEpoch::NEVER);
    assert!(!bench.blocks().holds(id));
    assert!(bench.executor.memory().in_use().cache > 0, "the handles hold it");
    assert_eq!(handles[299].1, records(id, 300)[299].1);
    drop(handles);
    assert_eq!(bench.executor.memory().in_use().cache, 0);
}

#[test]
fn records_without_bytes_are_kept() {
    each_level(|bench, level| {
        for _ in 0..2 {
            let (count, _) = bench.run(|task| {
                let make = || std::iter::repeat_n((), 70_000);
                bench.blocks().get_or_make(task, id(1, 0), level, make).into_iter().count()
            });
            assert_eq!(count, 70_000, "{level:?}");
        }
    });
}

#[test]
fn what_was_not_made_to_its_end_is_not_kept() {
    each_level(|bench, level| {
        let id = id(1, 0);
        let (error, updates) = bench.run(|task| {
            raised(|| {
                let make = || {
                    records(id, 20_000).into_iter().inspect(|record| {
                        if record.0 == 19_999 {
                            TaskError::Lost("on purpose".to_owned()).raise();
                        }
                    })
                };
                bench.blocks().get_or_make(task, id, level, make).into_iter().count()
            })
        });
        assert_eq!(error, Some(TaskError::Lost("on purpose".to_owned())), "{level:?}");
        assert_eq!(updates, [], "{level:?}");
        assert!(!bench.blocks().holds(id) && bench.files().is_empty(), "{level:?}");
        assert_eq!(bench.executor.memory().in_use().cache, 0, "{level:?}");
        let (made, _) = bench.run(|task| get(bench, task, id, level, 20_000));
        assert_eq!(made, records(id, 20_000), "{level:?}");
    });
}

#[test]
fn a_removed_rdd_leaves_nothing() {
    each_level(|bench, level| {
        bench.run(|task| {
            for (rdd, partition) in [(1, 0), (1, 1), (2, 0)] {
                get(bench, task, id(rdd, partition), level, 100);
            }
        });
        bench.blocks().remove(RddId(1), BlockEpoch::NEVER);
        assert!(!bench.blocks().holds(id(1, 0)) && !bench.blocks().holds(id(1, 1)));
        assert_eq!(bench.run(|task| get_kept(bench, task, id(2, 0), level)).0, records(id(2, 0), 100));
        bench.blocks().remove(RddId(2), BlockEpoch::NEVER);
        assert_eq!(bench.blocks().counts(), super::super::BlockCounts::default(), "{level:?}");
        assert_eq!(bench.executor.memory().in_use().cache, 0, "{level:?}");
        assert!(bench.files().is_empty(), "{level:?}");
    });
}

#[test]
fn a_block_removed_while_it_is_made_is_read_and_not_kept() {
    each_level(|bench, level| {
        let id = id(1, 0);
        let (made, updates) = bench.run(|task| {
            let remover = Arc::clone(&bench.executor);
            let make = || {
                records(id, 20_000).into_iter().inspect(move |record| {
                    if record.0 == 10_000 {
                        remover.blocks().remove(RddId(1), BlockEpoch::NEVER);
                    }
                })
            };
            bench.blocks().get_or_make(task, id, level, make).into_iter().collect::<Vec<_>>()
        });
        assert_eq!(made, records(id, 20_000), "{level:?}");
        assert_eq!(updates, [], "{level:?}");
        assert!(!bench.blocks().holds(id) && bench.files().is_empty(), "{level:?}");
        assert_eq!(bench.executor.memory().in_use().cache, 0, "{level:?}");
    });
}

#[test]
fn a_block_is_made_from_a_block() {
    each_level(|bench, level| {
        let (outer, inner) = (id(2, 0), id(1, 0));
        for _ in 0..2 {
            let (count, _) = bench.run(|task| {
                let make = || get(bench, task, inner, level, 500).into_iter().map(|record| record.0);
                bench.blocks().get_or_make(task, outer, level, make).into_iter().sum::<u32>()
            });
            assert_eq!(count, (0..500).sum::<u32>());
        }
        assert!(bench.blocks().holds(inner) && bench.blocks().holds(outer), "{level:?}");
    });
}

#[test]
fn a_block_that_needs_itself_is_an_error_and_no_deadlock() {
    let bench = Bench::new(ROOMY);
    let (error, _) = bench.run(|task| {
        raised(|| {
            let make = || get(&bench, task, id(1, 0), StorageLevel::MemoryOnly, 5).into_iter();
            bench.blocks().get_or_make(task, id(1, 0), StorageLevel::MemoryOnly, make).into_iter().count()
        })
    });
    assert!(matches!(error, Some(TaskError::Contract(why)) if why.contains("rdd-1-part-0")));
}

#[test]
fn a_block_cached_as_another_type_is_an_error() {
    let bench = Bench::new(ROOMY);
    let (error, _) = bench.run(|task| {
        get(&bench, task, id(1, 0), StorageLevel::MemoryOnly, 5);
        let make = || 0..5u64;
        raised(|| {
            bench.blocks().get_or_make(task, id(1, 0), StorageLevel::MemoryOnly, make).into_iter().count()
        })
    });
    assert!(matches!(error, Some(TaskError::Contract(why)) if why.contains("u64")));
}

#[test]
fn what_does_not_fit_passes_through_or_goes_to_disk() {
    for level in LEVELS {
        let bench = Bench::new(100_000);
        let id = id(1, 0);
        for _ in 0..2 {
            let pulled = Rc::new(Cell::new(0));
            let count = Rc::clone(&pulled);
            let (passes, updates) = bench.run(|task| {
                let make = || records(id, 20_000).into_iter().inspect(move |_| count.set(count.get() + 1));
                let block = bench.blocks().get_or_make(task, id, level, make);
                let (passes, pulled_at_once) = (is_passed(&block), pulled.get());
                assert_eq!(block.into_iter().collect::<Vec<_>>(), records(id, 20_000), "{level:?}");
                assert!(!passes || (1..20_000).contains(&pulled_at_once), "{level:?}");
                passes
            });
            let has_disk = matches!(level, StorageLevel::MemoryAndDisk | StorageLevel::DiskOnly);
            assert_eq!(passes, !has_disk, "{level:?}");
            assert!(passes == updates.is_empty() || pulled.get() == 0, "{level:?}");
            assert_eq!(bench.blocks().holds(id), has_disk, "{level:?}");
            assert_eq!(bench.executor.memory().in_use().cache, 0, "{level:?}");
        }
    }
}
