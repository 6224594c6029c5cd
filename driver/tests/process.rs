//! Programs in other processes: executors that decode and run what this one encoded.
//!
//! It has a `main` of its own, because a process that is started as an executor must become one first.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, a driver under test prints"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use rsk::{Config, Context, StorageLevel, prelude::*};
use rsk_proto::{FromExecutor, ProgramHash, ToExecutor, receive, send};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The program that takes the place of each executor process, while it is set.
const IN_PLACE: &str = "RSK_TEST_IN_PLACE";

fn main() {
    become_another();
    rsk::executor_if_asked();
    match std::env::args().nth(1).as_deref() {
        Some("--as-driver") => return drive_after_a_line(),
        Some("--as-busy-driver") => return drive_without_end(),
        Some("--as-deceived-driver") => return drive_another(),
        _ => {}
    }
    let tests: [(&str, fn()); 11] = [
        ("closures_values_and_shuffles_work_in_another_process", closures_values_and_shuffles),
        ("broadcasts_accumulators_and_blocks_work_in_another_process", broadcasts_accumulators_and_blocks),
        ("a_process_that_dies_costs_its_task_alone", a_process_that_dies),
        ("a_straggler_is_overtaken_by_a_second_attempt", a_straggler),
        ("a_panic_in_another_process_names_its_place", a_panic),
        ("a_cancelled_task_in_another_process_stops", a_cancelled_task),
        ("an_executor_goes_with_a_driver_that_is_killed", killed_driver),
        ("another_program_is_told_apart_by_its_hash", another_program),
        ("a_driver_refuses_an_executor_of_another_program_and_its_job_names_both", refused_by_its_driver),
        ("a_driver_meets_a_process_that_is_no_executor_and_its_job_says_so", no_executor),
        ("a_program_rebuilt_while_it_runs_still_ships_itself", rebuilt_while_it_runs),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            std::panic::catch_unwind(test).map_err(|_| Failed::from("it panicked: see above"))
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.into_iter().map(trial).collect()).exit();
}

fn context(slots: u32) -> Context {
    let mut config = Config::default();
    config.set("executors=processes").unwrap();
    Context::with_config(&format!("local[{slots}]"), config).unwrap()
}

/// A generic function whose closures nest: each instance is a place of its own in the program.
fn shifted<R: Rdd<Item = u64>>(input: &R, by: u64) -> impl Rdd<Item = u64> + use<R> {
    input.with(by).map(|by, x| {
        (0..*by).map(|step| [step].map(|step| step / step.max(1))[0]).fold(x + 1, |x, one| x + one)
    })
}

fn closures_values_and_shuffles() {
    let ctx = context(2);
    let own = u64::from(std::process::id());
    let pids = ctx.range(0..2, 2).map(|_| u64::from(std::process::id())).collect().unwrap();
    assert!(pids.iter().all(|pid| *pid != own), "tasks ran here");
    let table: Vec<u64> = (0..10_000).map(|n| n * n).collect();
    let looked_up =
        shifted(&ctx.range(0..100, 4), 3).with(table).map(|table, x| table[usize::try_from(x).unwrap()]);
    assert_eq!(looked_up.collect().unwrap(), (3..103).map(|n| n * n).collect::<Vec<u64>>());
    let mut sums = ctx.range(0..10_000, 4).map(|n| (n % 3, n)).reduce_by_key(|a, b| a + b).collect().unwrap();
    sums.sort_unstable();
    let model = |rest| (0..10_000u64).filter(|n| n % 3 == rest).sum::<u64>();
    assert_eq!(sums, [(0, model(0)), (1, model(1)), (2, model(2))]);
}

fn broadcasts_accumulators_and_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.set("executors=processes").unwrap();
    config.set(&format!("work_dir={}", dir.path().display())).unwrap();
    let ctx = Context::with_config("local[2]", config).unwrap();
    let squares = ctx.broadcast((0..100u64).map(|n| n * n).collect::<Vec<_>>());
    let computed = ctx.accumulator(0u64);
    let made = ctx.range(0..100, 4).with((squares, computed.clone())).map(|(squares, computed), n| {
        computed.add(1);
        squares[rsk_proto::to_usize(n)]
    });
    let kept = made.persist(StorageLevel::DiskOnly);
    let expected: Vec<u64> = (0..100).map(|n| n * n).collect();
    assert_eq!(kept.collect().unwrap(), expected);
    assert_eq!(computed.value(), 100);
    for _ in 0..4 {
        assert_eq!(kept.collect().unwrap(), expected, "a task may meet the process that has not its block");
    }
    let cut = kept.checkpoint().unwrap();
    let computed_until = computed.value();
    assert!(computed_until <= 200, "each process computes a block at most once: {computed_until}");
    assert!(blocks(dir.path()) >= 4);
    kept.unpersist();
    // Each process hears of it with its next task; a task waits for the other, so that both get one.
    let meet = dir.path().join("meet").display().to_string();
    fs::create_dir(&meet).unwrap();
    let passed = cut.repartition(2).unwrap().with(meet).map_partitions(|meet, records| {
        fs::File::create(Path::new(meet).join(std::process::id().to_string())).unwrap();
        while fs::read_dir(meet).unwrap().count() < 2 {
            std::thread::yield_now();
        }
        records
    });
    assert_eq!(passed.count().unwrap(), 100);
    assert_eq!(blocks(dir.path()), 0);
    assert_eq!(computed.value(), computed_until, "the checkpoint needs none of it");
}

/// Blocks of all executors on disk.
fn blocks(dir: &Path) -> usize {
    let count = |path: &Path| fs::read_dir(path).map_or(0, Iterator::count);
    fs::read_dir(dir).unwrap().map(|entry| count(&entry.unwrap().path().join("block"))).sum()
}

fn a_process_that_dies() {
    let dir = tempfile::tempdir().unwrap();
    let marker = dir.path().join("died").display().to_string();
    let died = marker.clone();
    let ctx = context(1);
    let rdd = ctx.range(0..3, 3).with(marker).map(|marker, n| {
        if n == 1 && fs::File::create_new(marker).is_ok() {
            std::process::abort();
        }
        n
    });
    assert_eq!(rdd.collect().unwrap(), [0, 1, 2]);
    assert!(Path::new(&died).exists(), "the fault was injected");
}

/// The first attempt at the last partition ends only when the second has begun.
fn a_straggler() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    for setting in ["executors=processes", "speculation=on"] {
        config.set(setting).unwrap();
    }
    let ctx = Context::with_config("local[2]", config).unwrap();
    let waits = ctx.range(0..20, 20).with(dir.path().display().to_string()).map(|dir, n| {
        let (first, second) = (Path::new(dir).join("first"), Path::new(dir).join("second"));
        if n == 19 && fs::File::create_new(first).is_err() {
            fs::File::create(&second).unwrap();
        }
        while n == 19 && !second.exists() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        n
    });
    assert_eq!(waits.count().unwrap(), 20);
}

fn a_panic() {
    let error =
        context(1).range(0..1, 1).map(|n| [1, 2][usize::try_from(n).unwrap() + 2]).collect().unwrap_err();
    let said = format!("{error:?}");
    assert!(said.contains("index out of bounds") && said.contains("process.rs"), "{said}");
}

fn a_cancelled_task() {
    let dir = tempfile::tempdir().unwrap();
    let endless = dir.path().join("lines.txt");
    fs::write(&endless, "line\n".repeat(200_000)).unwrap();
    let (started, path) = (dir.path().join("started"), endless.display().to_string());
    let ctx = context(1);
    let cancel = ctx.clone();
    let watched = started.clone();
    let waiter = std::thread::spawn(move || {
        while !watched.exists() {
            std::thread::yield_now();
        }
        cancel.cancel_all_jobs()
    });
    let started = started.display().to_string();
    // Each line takes long enough that the job could not end by itself.
    let slow = ctx.text_file(&path).unwrap().with(started).map(|started, line| {
        fs::write(started, "").unwrap();
        line.len()
    });
    let error = slow.count().unwrap_err();
    assert!(matches!(error, rsk::Error::Cancelled(_)), "{error:?}");
    assert_eq!(waiter.join().unwrap(), 1);
    assert_eq!(ctx.range(0..4, 2).count().unwrap(), 4, "the slot is free again");
}

/// What the process does that `killed_driver` starts: its task says who runs it and never looks again.
fn drive_without_end() {
    let ctx = context(1);
    let endless = ctx.range(0..1, 1).for_each(|_| {
        println!("{}", std::process::id());
        loop {
            std::hint::spin_loop();
        }
    });
    endless.unwrap();
}

fn killed_driver() {
    let mut driver = Command::new(std::env::current_exe().unwrap())
        .arg("--as-busy-driver")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(driver.stdout.take().unwrap());
    let mut executor = String::new();
    said.read_line(&mut executor).unwrap();
    assert_ne!(executor.trim(), driver.id().to_string());
    driver.kill().unwrap();
    driver.wait().unwrap();
    // Whoever holds the other end of the pipe is gone when it ends.
    assert_eq!(said.read_to_string(&mut String::new()).unwrap(), 0);
}

/// The same code with other bytes behind it: it runs, but it is not the same program.
fn another_build(dir: &Path) -> PathBuf {
    let other = dir.join("other");
    fs::copy(std::env::current_exe().unwrap(), &other).unwrap();
    fs::File::options().append(true).open(&other).unwrap().write_all(b"rebuilt").unwrap();
    other
}

fn another_program() {
    let dir = tempfile::tempdir().unwrap();
    let other = another_build(dir.path());
    let hello = |program: &Path| {
        let (mut to, theirs) = UnixStream::pair().unwrap();
        let mut child = Command::new(program)
            .arg("--rsk-executor")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let Ok(FromExecutor::Hello { program: hash, .. }) = receive(&mut to) else { panic!("no greeting") };
        send(&ToExecutor::Refused { why: format!("it is program {hash}") }, &mut to).unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(!child.wait().unwrap().success() && said.contains(&hash.to_string()), "{said}");
        hash
    };
    let own = std::env::current_exe().unwrap();
    assert_eq!(hello(&own), hello(&own));
    assert_ne!(hello(&own), hello(&other));
}

/// As an executor of the driver that is to be deceived: this process goes on as the other program, on the same stream.
fn become_another() {
    if let (Some("--rsk-executor"), Ok(other)) = (std::env::args().nth(1).as_deref(), std::env::var(IN_PLACE))
    {
        let error = Command::new(other).args(std::env::args_os().skip(1)).env_remove(IN_PLACE).exec();
        panic!("{error}");
    }
}

/// What the process does whose executors are replaced: it says why its job failed, and what its work directory holds
/// afterwards.
fn drive_another() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    for setting in ["executors=processes", "task_attempts=2", &format!("work_dir={}", dir.path().display())] {
        config.set(setting).unwrap();
    }
    let ctx = Context::with_config("local[1]", config).unwrap();
    let error = ctx.range(0..4, 1).map(|n| n + 1).collect().unwrap_err();
    println!("{error:?}");
    drop(ctx);
    println!("left {}", fs::read_dir(dir.path()).unwrap().count());
}

/// What a driver says whose executors are this program.
fn said_of(other: &Path) -> String {
    let mut driver = Command::new(std::env::current_exe().unwrap());
    let ran = driver.arg("--as-deceived-driver").env(IN_PLACE, other).output().unwrap();
    let (said, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && said.ends_with("left 0\n"), "{said}{err}");
    said
}

fn refused_by_its_driver() {
    let dir = tempfile::tempdir().unwrap();
    let other = another_build(dir.path());
    let hash = |path: &Path| {
        let digest = Sha256::digest(fs::read(path).unwrap());
        ProgramHash(digest.into()).to_string()
    };
    let said = said_of(&other);
    for part in [&hash(&std::env::current_exe().unwrap()), &hash(&other), "failed 2 times", "same build"] {
        assert!(said.contains(part), "it does not say {part:?}: {said}");
    }
}

fn no_executor() {
    let said = said_of(Path::new("/bin/true"));
    for part in ["failed 2 times", "it ended without a word", "rsk::executor_if_asked() first"] {
        assert!(said.contains(part), "it does not say {part:?}: {said}");
    }
}

/// What the copy does that `rebuilt_while_it_runs` starts: waits for a line, then runs a job in another process.
fn drive_after_a_line() {
    println!("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    println!("{}", context(1).range(0..10, 2).map(|n| n * 2).reduce(|a, b| a + b).unwrap());
}

fn rebuilt_while_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut driver = Command::new(&program)
        .arg("--as-driver")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    fs::remove_file(&program).unwrap();
    fs::copy("/bin/false", &program).unwrap();
    driver.stdin.take().unwrap().write_all(b"go\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "90");
    assert!(driver.wait().unwrap().success());
}
