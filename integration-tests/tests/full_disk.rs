//! A disk that is full: each kind of file, in a real program. The error names the file and says what to do, nothing
//! half-written stays, and the same program's next job works.
//!
//! It has a `main` of its own: each test starts this program again as a user's program, over a small file system that
//! only that program sees.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, a program under test prints"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use rsk::{Context, Result, StorageLevel, prelude::*};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What a program is asked for comes last, after this.
const ASK: &str = "program:";

/// Mounts a small file system where only this process and its children see it, runs a program, and lists what it left.
const OVER_A_SMALL_DISK: &str = r#"
disk=$1; shift
mount -t tmpfs -o size=4m tmpfs "$disk" || exit 77
"$@"; code=$?
find "$disk" -mindepth 1 | sed 's/^/left /'
exit $code
"#;
/// What the script exits with when it may not mount.
const CANNOT_MOUNT: i32 = 77;

/// One kind of file: the memory that makes a job write it, what is in its path, and the job, over so many records.
struct Case {
    name: &'static str,
    memory: &'static str,
    path: &'static str,
    job: fn(&Context, &Path, u64) -> Result<()>,
}

/// Records that fill the disk, and records that fit.
const MANY: u64 = 12_000;
const FEW: u64 = 100;

const CASES: [Case; 9] = [
    Case { name: "sort_spill", memory: "16m", path: "/spill", job: sort },
    Case { name: "combine_spill", memory: "16m", path: "/spill", job: combine },
    Case { name: "map_output_spill", memory: "16m", path: "/spill", job: shuffle },
    Case { name: "map_output", memory: "1g", path: "/shuffle/", job: shuffle },
    Case { name: "map_output_index", memory: "1g", path: "/shuffle/", job: wide_shuffle },
    Case { name: "block", memory: "1g", path: "/block/", job: block },
    Case { name: "checkpoint", memory: "1g", path: "/checkpoint", job: checkpoint },
    Case { name: "result", memory: "1g", path: "/result/", job: result },
    Case { name: "part", memory: "1g", path: "/part-00000", job: part },
];

fn main() -> Result<()> {
    let asked = std::env::args().next_back().and_then(|last| last.strip_prefix(ASK).map(str::to_owned));
    if let Some(asked) = asked {
        let case = CASES.into_iter().find(|case| case.name == asked).unwrap();
        return rsk::run(|ctx| fail_and_go_on(ctx, &case));
    }
    let trials = CASES.into_iter().map(|case| {
        Trial::test(format!("a_full_disk_under_a_{}_is_named", case.name), move || {
            std::panic::catch_unwind(|| is_named(&case)).map_err(|_| Failed::from("it panicked: see above"))
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn is_named(case: &Case) {
    let disk = tempfile::tempdir().unwrap();
    let path = disk.path().display().to_string();
    let ran = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", OVER_A_SMALL_DISK, "sh", &path])
        .arg(std::env::current_exe().unwrap())
        .args(["--conf", &format!("memory={}", case.memory), "--conf", &format!("work_dir={path}")])
        .args(["local", &path, &format!("{ASK}{}", case.name)])
        .output()
        .unwrap_or_else(|error| panic!("this test needs `unshare` of util-linux: {error}"));
    let (out, said) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let may_mount = ran.status.code() != Some(CANNOT_MOUNT) && !said.contains("unshare: ");
    assert!(
        may_mount,
        "this test must mount a small tmpfs: run it as root, or allow user namespaces: {said}"
    );
    assert!(ran.status.success(), "{said}");
    for part in [case.path, &path, "no space left", "free space there or choose another"] {
        assert!(out.contains(part), "it does not say {part:?}: {out}");
    }
    assert!(!out.lines().any(|line| line.starts_with("left ")), "{out}");
    assert!(!said.contains("panicked"), "{said}");
}

/// The program: a job that fails, and one of the same kind that does not.
fn fail_and_go_on(ctx: &Context, case: &Case) -> Result<()> {
    let disk = PathBuf::from(rsk::arg(0, String::new())?);
    let before = under(&disk);
    let failed = (case.job)(ctx, &disk, MANY).unwrap_err();
    println!("{failed:?}");
    assert_eq!(under(&disk), before, "nothing half-written is left");
    (case.job)(ctx, &disk, FEW)
}

fn under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(under(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A record that takes a kilobyte, and not much less when it is compressed.
fn record(n: u64) -> (u64, String) {
    let mut state = n + 1;
    let letter = |_| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        char::from(b'0' + u8::try_from(state >> 58).unwrap())
    };
    (n, (0..1024).map(letter).collect())
}

/// One that gets so much smaller that the map output fits, and what is spilled of it as well does not.
fn repetitive(n: u64) -> (u64, String) {
    let (n, text) = record(n);
    (n, text[..256].repeat(4))
}

fn sort(ctx: &Context, _: &Path, records: u64) -> Result<()> {
    assert_eq!(ctx.range(0..records, 1).map(repetitive).sort_by_key(1).count()?, records);
    Ok(())
}

fn combine(ctx: &Context, _: &Path, records: u64) -> Result<()> {
    assert_eq!(ctx.range(0..records, 1).map(repetitive).group_by_key().count()?, records);
    Ok(())
}

fn shuffle(ctx: &Context, _: &Path, records: u64) -> Result<()> {
    assert_eq!(ctx.range(0..records, 1).map(record).repartition(3)?.count()?, records);
    Ok(())
}

/// Few records for so many partitions that the index alone is too large.
fn wide_shuffle(ctx: &Context, _: &Path, records: u64) -> Result<()> {
    let partitions = usize::try_from(records).unwrap() * 20;
    assert_eq!(ctx.range(0..10, 1).repartition(partitions)?.coalesce(1)?.count()?, 10);
    Ok(())
}

fn block(ctx: &Context, _: &Path, records: u64) -> Result<()> {
    let kept = ctx.range(0..records, 2).map(record).persist(StorageLevel::DiskOnly);
    assert_eq!(kept.count()? + kept.count()?, 2 * records);
    Ok(())
}

fn checkpoint(ctx: &Context, _: &Path, records: u64) -> Result<()> {
    assert_eq!(ctx.range(0..records, 2).map(record).checkpoint()?.count()?, records);
    Ok(())
}

fn result(ctx: &Context, _: &Path, records: u64) -> Result<()> {
    assert_eq!(ctx.range(0..records, 2).map(record).collect()?.len() as u64, records);
    Ok(())
}

fn part(ctx: &Context, disk: &Path, records: u64) -> Result<()> {
    let out = disk.join("out");
    ctx.range(0..records, 2).map(|n| record(n).1).save_as_text_file(&out)?;
    assert!(out.join("_SUCCESS").exists());
    fs::remove_dir_all(out).unwrap();
    Ok(())
}
