//! Blocks that another executor gives, over real sockets.

use super::*;
use crate::block::BlockServer;
use rsk_proto::{
    BLOCK_FETCH_VERSION, BlockHolder, BlockReply, BlockRequest, BlockSecret, ExecutorId, receive, send,
};
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::atomic::Ordering,
    thread,
    time::Duration,
};

const OURS: BlockSecret = BlockSecret::new([7; 16]);
const COUNT: u32 = 8000;

fn port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn holder(number: u64, listener: &TcpListener) -> BlockHolder {
    BlockHolder { executor: ExecutorId(number), at: listener.local_addr().unwrap().to_string() }
}

/// Another executor that gives its blocks.
struct Other {
    bench: Bench,
    named: BlockHolder,
    _gives: BlockServer,
}

impl Other {
    fn new(number: u64) -> Other {
        let (bench, listener) = (Bench::new(64 << 20), port());
        let named = holder(number, &listener);
        let gives = BlockServer::start(listener, bench.blocks(), OURS).unwrap();
        Other { bench, named, _gives: gives }
    }

    /// With one block of `count` records.
    fn with(number: u64, level: StorageLevel, count: u32) -> Other {
        let other = Other::new(number);
        other.bench.run(|task| get(&other.bench, task, id(1, 0), level, count));
        other
    }

    fn holders(&self) -> [BlockHolder; 1] {
        [self.named.clone()]
    }
}

/// An executor that asks others.
fn reader() -> Bench {
    reader_with(Duration::from_mins(1))
}

fn reader_with(patience: Duration) -> Bench {
    let bench = Bench::new(64 << 20);
    bench.executor.holders().introduce_with(OURS, patience);
    bench
}

/// The records, if somebody gives them; who did not; and how many bytes came.
fn fetch(bench: &Bench, holders: &[BlockHolder]) -> (Option<Vec<Record>>, Vec<u64>, u64) {
    let ((records, bytes), updates) = bench.run(|task| {
        let block = bench.blocks().fetch::<Record>(task, id(1, 0), holders);
        (block.map(|block| block.into_iter().collect()), task.metrics().block_fetched_bytes)
    });
    let not_at = |update| match update {
        BlockUpdate::NotAt(block, executor) if block == id(1, 0) => executor.0,
        other => panic!("{other:?}"),
    };
    (records, updates.into_iter().map(not_at).collect(), bytes)
}

/// Answers one request with these bytes, and hangs up.
fn replays(bytes: Vec<u8>) -> BlockHolder {
    let listener = port();
    let named = holder(9, &listener);
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        receive::<BlockRequest>(&mut stream).unwrap();
        // Who has seen enough may hang up first.
        stream.write_all(&bytes).unwrap_or(());
    });
    named
}

/// All that a holder says.
fn said(by: &BlockHolder, version: u32, secret: BlockSecret) -> Vec<u8> {
    let mut stream = TcpStream::connect(&by.at).unwrap();
    send(&BlockRequest { version, secret, block: id(1, 0) }, &mut stream).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_block_of_each_level_comes_from_another_executor_and_is_not_kept() {
    for level in LEVELS {
        for count in [0, 1, COUNT] {
            let (other, here) = (Other::with(1, level, count), reader());
            for _ in 0..2 {
                let (got, not_at, bytes) = fetch(&here, &other.holders());
                assert_eq!(got.unwrap(), records(id(1, 0), count), "{level:?}");
                assert!(not_at.is_empty() && (bytes > 0) == (count > 0), "{level:?}: {bytes}");
            }
            assert!(!here.blocks().holds(id(1, 0)) && other.bench.blocks().holds(id(1, 0)));
            assert_eq!(here.executor.memory().in_use().cache, 0);
        }
    }
}

#[test]
fn a_large_block_goes_through_a_file_that_nobody_sees() {
    let (other, here) = (Other::with(1, StorageLevel::MemoryOnly, 10 * COUNT), reader());
    let task = TaskContext::new(Arc::clone(&here.executor), here.task().attempt(), 1 << 20, Arc::default());
    task.enter(|| {
        let block = here.blocks().fetch::<Record>(&task, id(1, 0), &other.holders()).unwrap();
        let spill = here.executor.work_dir().spill();
        assert_eq!(fs::read_dir(spill).unwrap().count(), 0, "it has no name");
        // The holder is not needed any more.
        drop(other);
        assert!(block.into_iter().eq(records(id(1, 0), 10 * COUNT)));
    });
}

#[test]
fn what_is_held_of_it_is_said_to_the_budget() {
    let (other, here) = (Other::with(1, StorageLevel::MemoryOnly, COUNT), reader());
    let held = || here.executor.memory().in_use().execution;
    here.run(|task| {
        let mut block = here.blocks().fetch::<Record>(task, id(1, 0), &other.holders()).unwrap().into_iter();
        let whole = held();
        assert_eq!(block.by_ref().take(COUNT as usize / 2).count(), COUNT as usize / 2);
        assert!((whole / 4..whole * 3 / 4).contains(&held()), "{whole} {}", held());
        drop(block);
        assert_eq!(held(), 0);
    });
}

#[test]
fn records_without_bytes_are_counted_and_handles_own_their_records() {
    let (other, here) = (Other::new(1), reader());
    other.bench.run(|task| {
        let blocks = other.bench.blocks();
        drop(
            blocks.get_or_make(task, id(1, 0), StorageLevel::MemoryOnly, || std::iter::repeat_n((), 70_000)),
        );
    });
    here.run(|task| {
        let block = here.blocks().fetch::<()>(task, id(1, 0), &other.holders()).unwrap();
        assert_eq!(block.into_shared().count(), 70_000);
    });
}

#[test]
fn what_this_executor_has_or_nobody_holds_is_not_asked_for() {
    let (other, here) = (Other::with(1, StorageLevel::MemoryOnly, 3), reader());
    here.run(|task| {
        get(&here, task, id(1, 0), StorageLevel::MemoryOnly, 5);
        assert!(here.blocks().fetch::<Record>(task, id(1, 0), &other.holders()).is_none());
        assert_eq!(get_kept(&here, task, id(1, 0), StorageLevel::MemoryOnly).len(), 5);
    });
    assert_eq!(fetch(&reader(), &[]), (None, Vec::new(), 0));
}

#[test]
fn one_that_has_it_no_more_or_is_dead_is_passed_over_for_the_next() {
    let [evicted, has] = [1, 3].map(|number| Other::with(number, StorageLevel::MemoryOnly, COUNT));
    evicted.bench.run(|_| evicted.bench.executor.memory().hold().resize(64 << 20));
    assert!(!evicted.bench.blocks().holds(id(1, 0)));
    let dead = holder(2, &port());
    let holders = [evicted.named.clone(), dead.clone(), has.named.clone()];
    let (got, not_at, _) = fetch(&reader(), &holders);
    assert_eq!((got.unwrap(), not_at), (records(id(1, 0), COUNT), vec![1, 2]));
    assert_eq!(fetch(&reader(), &holders[..2]), (None, vec![1, 2], 0));
    let later = BlockId { epoch: BlockEpoch(1), ..id(1, 0) };
    let (got, _) =
        reader().run(|task| task.executor().blocks().fetch::<Record>(task, later, &has.holders()).is_some());
    assert!(!got, "a block of another epoch is another block");
}

#[test]
fn who_does_not_know_the_secret_gets_nothing_and_harms_nobody() {
    let other = Other::with(1, StorageLevel::MemoryOnly, COUNT);
    assert!(said(&other.named, BLOCK_FETCH_VERSION, BlockSecret::new([8; 16])).is_empty());
    assert!(said(&other.named, BLOCK_FETCH_VERSION + 1, OURS).is_empty());
    for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 5000]] {
        let mut stream = TcpStream::connect(&other.named.at).unwrap();
        // It may hang up on what it has not read, at any of these.
        let said = stream.write_all(nonsense).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut answer = Vec::new();
        said.and_then(|()| stream.read_to_end(&mut answer)).unwrap_or(0);
        assert!(answer.is_empty());
    }
    let stranger = Bench::new(64 << 20);
    assert_eq!(fetch(&stranger, &other.holders()), (None, vec![1], 0));
    stranger.executor.holders().introduce(BlockSecret::new([8; 16]));
    assert_eq!(fetch(&stranger, &other.holders()), (None, vec![1], 0));
    assert!(fetch(&reader(), &other.holders()).0.is_some());
}

#[test]
fn any_flipped_bit_and_any_cut_on_the_way_means_that_it_is_not_given() {
    let other = Other::with(1, StorageLevel::MemoryOnly, 3);
    let whole = said(&other.named, BLOCK_FETCH_VERSION, OURS);
    assert_eq!(fetch(&reader(), &[replays(whole.clone())]).0.unwrap(), records(id(1, 0), 3));
    let here = reader();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(fetch(&here, &[replays(flipped)]), (None, vec![9], 0), "bit {bit}");
    }
    for end in 0..whole.len() {
        assert_eq!(fetch(&here, &[replays(whole[..end].to_vec())]), (None, vec![9], 0), "cut at {end}");
    }
    let longer = [whole, vec![0]].concat();
    assert_eq!(fetch(&here, &[replays(longer)]), (None, vec![9], 0));
}

#[test]
fn a_long_block_that_is_cut_or_damaged_late_fails_nobody() {
    let has = Other::with(1, StorageLevel::MemoryOnlySer, 10 * COUNT);
    let mut bytes = said(&has.named, BLOCK_FETCH_VERSION, OURS);
    let (middle, nearly) = (bytes.len() / 2, bytes.len() - 20);
    let cut = replays(bytes[..nearly].to_vec());
    bytes[middle] ^= 1;
    let (got, not_at, _) = fetch(&reader(), &[cut, replays(bytes), has.named.clone()]);
    assert_eq!((got.unwrap(), not_at), (records(id(1, 0), 10 * COUNT), vec![9, 9]));
}

#[test]
fn one_that_is_silent_is_left_and_not_asked_again_soon() {
    let here = reader_with(Duration::from_millis(300));
    let silent = port();
    let named = holder(5, &silent);
    assert_eq!(fetch(&here, std::slice::from_ref(&named)), (None, vec![5], 0));
    drop(silent.accept().unwrap());
    silent.set_nonblocking(true).unwrap();
    assert_eq!(fetch(&here, &[named]), (None, vec![5], 0));
    assert!(silent.accept().is_err(), "it was not dialled");
}

#[test]
fn a_task_that_is_killed_waits_for_nobody() {
    let (here, silent) = (reader(), port());
    let is_killed = Arc::new(AtomicBool::new(false));
    let task = here.task_with(Arc::clone(&is_killed));
    let named = holder(5, &silent);
    let error = thread::scope(|scope| {
        scope.spawn(|| {
            drop(silent.accept().map(|(mut stream, _)| {
                receive::<BlockRequest>(&mut stream).unwrap();
                is_killed.store(true, Ordering::Relaxed);
                // Until the task hangs up.
                stream.read_to_end(&mut Vec::new()).unwrap();
            }));
        });
        raised(|| here.blocks().fetch::<Record>(&task, id(1, 0), &[named]))
    });
    assert!(matches!(error, Some(TaskError::Killed(_))), "{error:?}");
}

#[test]
fn so_many_are_served_at_a_time_and_others_wait() {
    let other = Other::with(1, StorageLevel::MemoryOnly, 3);
    let idle: Vec<_> = (0..32).map(|_| TcpStream::connect(&other.named.at).unwrap()).collect();
    let soon = reader_with(Duration::from_millis(200));
    assert_eq!(fetch(&soon, &other.holders()), (None, vec![1], 0));
    drop(idle);
    assert!(fetch(&reader(), &other.holders()).0.is_some());
}

#[test]
fn a_damaged_file_is_forgotten_by_who_should_give_it() {
    let other = Other::with(1, StorageLevel::DiskOnly, COUNT);
    let path = &other.bench.files()[0];
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    assert_eq!(fetch(&reader(), &other.holders()), (None, vec![1], 0));
    assert!(!other.bench.blocks().holds(id(1, 0)) && other.bench.files().is_empty());
}

#[test]
fn a_record_that_cannot_be_encoded_is_not_given() {
    #[derive(Debug, Clone, serde::Deserialize)]
    struct Stubborn;
    impl serde::Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("it does not want to")
        }
    }
    let (other, here) = (Other::new(1), reader());
    other.bench.run(|task| {
        let make = || std::iter::repeat_n(Stubborn, 3);
        drop(other.bench.blocks().get_or_make(task, id(1, 0), StorageLevel::MemoryOnly, make));
    });
    let ((), updates) = here.run(|task| {
        assert!(here.blocks().fetch::<Stubborn>(task, id(1, 0), &other.holders()).is_none());
    });
    assert_eq!(updates, [BlockUpdate::NotAt(id(1, 0), ExecutorId(1))]);
    other.bench.run(|task| get(&other.bench, task, id(1, 1), StorageLevel::MemoryOnly, 3));
    let (got, _) = here.run(|task| here.blocks().fetch::<Record>(task, id(1, 1), &other.holders()).is_some());
    assert!(got, "it gives others still");
}

#[test]
fn who_asks_too_slowly_is_cut_off() {
    let other = Other::with(1, StorageLevel::MemoryOnly, 3);
    let mut slow = TcpStream::connect(&other.named.at).unwrap();
    slow.write_all(&[20]).unwrap();
    assert_eq!(slow.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn a_holder_says_that_it_has_lost_a_block() {
    let other = Other::new(1);
    let answer = said(&other.named, BLOCK_FETCH_VERSION, OURS);
    assert!(matches!(receive(&mut answer.as_slice()), Ok(BlockReply::Missing(_))));
}
