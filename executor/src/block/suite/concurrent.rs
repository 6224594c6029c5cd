//! Several tasks at once.

use super::*;
use proptest::prelude::*;
use std::{
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

#[test]
fn a_block_that_many_want_is_made_once() {
    for level in LEVELS {
        let bench = Bench::new(64 << 20);
        let makes = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    bench.run(|task| {
                        let make = || {
                            makes.fetch_add(1, Ordering::Relaxed);
                            records(id(1, 0), 3000).into_iter()
                        };
                        let block = bench.blocks().get_or_make(task, id(1, 0), level, make);
                        assert_eq!(block.into_iter().collect::<Vec<_>>(), records(id(1, 0), 3000));
                    });
                });
            }
        });
        assert_eq!(makes.load(Ordering::Relaxed), 1, "{level:?}");
    }
}

/// Holds up the making of a block: says when it has begun, and goes on, or fails, when told.
struct Gate {
    begun: mpsc::Sender<()>,
    go_on: mpsc::Receiver<bool>,
}

impl Gate {
    fn new() -> (Gate, mpsc::Receiver<()>, mpsc::Sender<bool>) {
        let (begun, has_begun) = mpsc::channel();
        let (tell, go_on) = mpsc::channel();
        (Gate { begun, go_on }, has_begun, tell)
    }

    fn make(self, bench: &Bench, task: &TaskContext) -> Option<TaskError> {
        let make = move || {
            self.begun.send(()).unwrap();
            if !self.go_on.recv().unwrap() {
                TaskError::Lost("on purpose".to_owned()).raise();
            }
            records(id(1, 0), 10).into_iter()
        };
        raised(|| {
            bench.blocks().get_or_make(task, id(1, 0), StorageLevel::MemoryOnly, make).into_iter().count()
        })
    }
}

#[test]
fn a_killed_task_waits_for_no_block() {
    let bench = Bench::new(1 << 20);
    let (gate, has_begun, tell) = Gate::new();
    thread::scope(|scope| {
        scope.spawn(|| bench.run(|task| assert_eq!(gate.make(&bench, task), None)));
        has_begun.recv().unwrap();
        let is_killed = Arc::new(AtomicBool::new(false));
        let task_killed = Arc::clone(&is_killed);
        let bench = &bench;
        let waiter = scope.spawn(move || {
            let task = bench.task_with(task_killed);
            raised(|| get_kept(bench, &task, id(1, 0), StorageLevel::MemoryOnly))
        });
        is_killed.store(true, Ordering::Relaxed);
        assert!(matches!(waiter.join().unwrap(), Some(TaskError::Killed(_))));
        tell.send(true).unwrap();
    });
    assert!(bench.blocks().holds(id(1, 0)));
}

#[test]
fn if_the_first_fails_the_next_makes_it() {
    let bench = Bench::new(1 << 20);
    let (gate, has_begun, tell) = Gate::new();
    thread::scope(|scope| {
        scope.spawn(|| bench.run(|task| assert!(gate.make(&bench, task).is_some())));
        has_begun.recv().unwrap();
        let waiter =
            scope.spawn(|| bench.run(|task| get(&bench, task, id(1, 0), StorageLevel::MemoryOnly, 10)).0);
        tell.send(false).unwrap();
        assert_eq!(waiter.join().unwrap(), records(id(1, 0), 10));
    });
    assert!(bench.blocks().holds(id(1, 0)));
}

#[derive(Debug, Clone)]
enum Step {
    /// Reads a block; RDD 4 is made from blocks of RDD 0 to 3.
    Get {
        rdd: u64,
        partition: u32,
        by_handle: bool,
    },
    /// A task that fails while it makes a block, if it has to.
    Fail {
        rdd: u64,
        partition: u32,
    },
    /// A task that takes the first records and leaves.
    Peek {
        rdd: u64,
        partition: u32,
    },
    Hold(u64),
    Remove(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let block = || (0..5u64, 0..3u32);
    prop_oneof![
        6 => (block(), any::<bool>())
            .prop_map(|((rdd, partition), by_handle)| Step::Get { rdd, partition, by_handle }),
        1 => block().prop_map(|(rdd, partition)| Step::Fail { rdd, partition }),
        1 => block().prop_map(|(rdd, partition)| Step::Peek { rdd, partition }),
        3 => (0..BUDGET / 4).prop_map(Step::Hold),
        1 => (0..5u64).prop_map(Step::Remove),
    ]
}

const BUDGET: u64 = 60_000;

fn level(rdd: u64) -> StorageLevel {
    LEVELS[usize::try_from(rdd).unwrap() % LEVELS.len()]
}

fn count(rdd: u64, partition: u32) -> u32 {
    u32::try_from(rdd).unwrap() * 60 + partition * 90
}

fn expected(rdd: u64, partition: u32) -> Vec<Record> {
    match rdd {
        4 => (0..4).flat_map(|rdd| records(id(rdd, partition), count(rdd, partition))).collect(),
        _ => records(id(rdd, partition), count(rdd, partition)),
    }
}

fn block(bench: &Bench, task: &TaskContext, rdd: u64, partition: u32) -> Block<Record> {
    let (executor, task_inside) = (Arc::clone(&bench.executor), task.clone());
    bench.blocks().get_or_make(task, id(rdd, partition), level(rdd), move || {
        let of = move |rdd: u64| records(id(rdd, partition), count(rdd, partition)).into_iter();
        let made: Box<dyn Iterator<Item = Record>> = match rdd {
            4 => Box::new((0..4).flat_map(move |rdd| {
                let (blocks, id) = (executor.blocks(), id(rdd, partition));
                blocks.get_or_make(&task_inside, id, level(rdd), || of(rdd)).into_iter()
            })),
            _ => Box::new(of(rdd)),
        };
        made
    })
}

fn run(bench: &Bench, step: &Step) {
    let task = bench.task();
    task.enter(|| match *step {
        Step::Get { rdd, partition, by_handle: false } => {
            let records: Vec<_> = block(bench, &task, rdd, partition).into_iter().collect();
            assert_eq!(records, expected(rdd, partition));
        }
        Step::Get { rdd, partition, by_handle: true } => {
            let handles: Vec<_> = block(bench, &task, rdd, partition).into_shared().collect();
            let expected = expected(rdd, partition);
            assert!(handles.iter().map(|handle| &**handle).eq(&expected));
        }
        Step::Fail { rdd, partition } => {
            let make = || {
                records(id(rdd, partition), 5).into_iter().inspect(|record| {
                    if record.0 == 3 {
                        TaskError::Lost("on purpose".to_owned()).raise();
                    }
                })
            };
            let read = || {
                bench.blocks().get_or_make(&task, id(rdd, partition), level(rdd), make).into_iter().collect()
            };
            let kept = catch_unwind(AssertUnwindSafe(read));
            assert!(kept.is_err() || kept.is_ok_and(|kept: Vec<_>| kept == expected(rdd, partition)));
        }
        Step::Peek { rdd, partition } => {
            let first: Vec<_> = block(bench, &task, rdd, partition).into_iter().take(7).collect();
            assert!(first.iter().eq(expected(rdd, partition).iter().take(7)));
        }
        Step::Hold(bytes) => {
            let mut hold = bench.executor.memory().hold();
            hold.resize(bytes);
            hold.resize(bytes / 2);
        }
        Step::Remove(rdd) => bench.blocks().remove(RddId(rdd), BlockEpoch::NEVER),
    });
    let sums = bench.executor.memory().in_use();
    assert!(sums.cache <= BUDGET && sums.leaving <= sums.cache);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_order_of_tasks_gives_the_right_records(
        slots in proptest::collection::vec(proptest::collection::vec(step(), 0..30), 1..4)
    ) {
        let bench = Bench::new(BUDGET);
        thread::scope(|scope| {
            for steps in &slots {
                let bench = &bench;
                scope.spawn(move || steps.iter().for_each(|step| run(bench, step)));
            }
        });
        let (counts, sums) = (bench.blocks().counts(), bench.executor.memory().in_use());
        prop_assert_eq!((sums.execution, sums.leaving), (0, 0));
        prop_assert_eq!(counts.memory_bytes, sums.cache);
        prop_assert_eq!(usize::try_from(counts.on_disk).unwrap(), bench.files().len());
        (0..5).for_each(|rdd| bench.blocks().remove(RddId(rdd), BlockEpoch::NEVER));
        prop_assert_eq!(bench.executor.memory().in_use().cache, 0);
        prop_assert!(bench.files().is_empty());
    }
}
