//! `pipe` with programs that behave as programs do: they read late, little or nothing, write much, fail, and hang.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rsk::{Context, prelude::*, rdd::Program};
use std::{fs, path::Path, process::Command};

fn shell(script: &str) -> Program {
    Program::new("sh").arg("-c").arg(script)
}

#[test]
fn lines_go_in_and_out_in_order() {
    let ctx = Context::new("local[2]").unwrap();
    let lines = ctx.range(0..100_000, 3).pipe("cat").unwrap();
    let numbers = lines.try_map(|line| line.parse::<u64>());
    assert_eq!(numbers.collect().unwrap(), (0..100_000).collect::<Vec<_>>());
}

#[test]
fn a_program_runs_for_each_partition_also_for_empty_ones() {
    let ctx = Context::new("local[2]").unwrap();
    assert_eq!(ctx.range(0..2, 4).pipe(["wc", "-l"]).unwrap().collect().unwrap(), ["0", "1", "0", "1"]);
}

#[test]
fn arguments_and_environment_reach_the_program() {
    let ctx = Context::new("local").unwrap();
    let program = shell("echo \"$0 $1 $WHAT\"").args(["a  b", "c"]).env("WHAT", "d e");
    assert_eq!(ctx.range(0..1, 1).pipe(program).unwrap().collect().unwrap(), ["a  b c d e"]);
}

#[test]
fn line_ends_of_both_kinds_are_cut_and_the_last_line_needs_none() {
    let ctx = Context::new("local").unwrap();
    let lines = ctx.range(0..1, 1).pipe(shell(r"printf 'a\r\n\nb\r\r\nc'")).unwrap();
    assert_eq!(lines.collect().unwrap(), ["a", "", "b\r", "c"]);
}

#[test]
fn a_program_may_write_more_than_it_reads() {
    let ctx = Context::new("local[2]").unwrap();
    // 20 MB out for each 2 MB in, both far beyond what a pipe holds; and it writes long before it has read all.
    let program = ["awk", "{ for (i = 0; i < 10; i++) print }"];
    let lines = ctx.range(0..600_000, 2).map(|n| 1_000_000 + n).pipe(program).unwrap();
    assert_eq!(lines.count().unwrap(), 6_000_000);
}

#[test]
fn a_program_may_write_much_before_it_reads_and_read_much_before_it_writes() {
    let ctx = Context::new("local[2]").unwrap();
    let rdd = ctx.range(0..200_000, 2);
    let first = rdd.pipe(shell("seq 100000; cat >/dev/null")).unwrap();
    assert_eq!(first.count().unwrap(), 200_000);
    let last = rdd.pipe("sort -rn").unwrap();
    assert_eq!(last.first_line(), "99999");
}

trait FirstLine {
    fn first_line(&self) -> String;
}
impl<R: Rdd<Item = rsk::Text>> FirstLine for R {
    fn first_line(&self) -> String {
        self.collect().unwrap()[0].to_string()
    }
}

#[test]
fn a_program_may_read_nothing() {
    let ctx = Context::new("local[2]").unwrap();
    let lines = ctx.range(0..1_000_000, 2).pipe("echo hello").unwrap();
    assert_eq!(lines.collect().unwrap(), ["hello", "hello"]);
}

#[test]
fn a_program_may_close_its_input_early_and_go_on() {
    let ctx = Context::new("local[2]").unwrap();
    let rdd = ctx.range(0..1_000_000, 2);
    assert_eq!(rdd.pipe("head -n 2").unwrap().collect().unwrap(), ["0", "1", "500000", "500001"]);
    let later = rdd.pipe(shell("read a; exec <&-; seq 100000 | tail -n 1; echo $a")).unwrap();
    assert_eq!(later.collect().unwrap(), ["100000", "0", "100000", "500000"]);
}

#[test]
fn a_program_may_close_its_output_and_go_on_reading() {
    let ctx = Context::new("local[2]").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let count = dir.path().join("count");
    let program = shell("exec >&-; wc -l > \"$COUNT\"").env("COUNT", count.to_str().unwrap());
    assert_eq!(ctx.range(0..100_000, 1).pipe(program).unwrap().count().unwrap(), 0);
    assert_eq!(fs::read_to_string(count).unwrap().trim(), "100000");
}

#[test]
fn stderr_beyond_what_a_pipe_holds_blocks_nothing() {
    let ctx = Context::new("local[2]").unwrap();
    let lines = ctx.range(0..10, 2).pipe(shell("seq 200000 >&2; cat")).unwrap();
    assert_eq!(lines.count().unwrap(), 10);
}

#[test]
fn a_program_that_fails_is_shown_with_its_code_and_its_last_words() {
    let ctx = Context::new("local[2]").unwrap();
    let failing =
        ctx.range(0..10, 2).pipe(shell("seq 100000 >&2; cat; echo no such luck >&2; exit 3")).unwrap();
    let error = format!("{:?}", failing.collect().unwrap_err());
    assert!(error.contains("exit status: 3") && error.contains("no such luck"), "{error}");
    assert!(
        error.contains("`sh -c") && error.contains("100000\nno such luck") && error.len() < 10_000,
        "{error}"
    );
    let silent = format!("{:?}", ctx.range(0..1, 1).pipe("false").unwrap().count().unwrap_err());
    assert!(silent.contains("`false` ended with exit status: 1"), "{silent}");
    let killed = format!("{:?}", ctx.range(0..1, 1).pipe(shell("kill -9 $$")).unwrap().count().unwrap_err());
    assert!(killed.contains("signal: 9"), "{killed}");
}

#[test]
fn a_program_that_is_not_there_or_not_named_is_an_error_that_names_it() {
    let ctx = Context::new("local").unwrap();
    let error = format!("{:?}", ctx.range(0..1, 1).pipe("no-such-program -x").unwrap().count().unwrap_err());
    assert!(error.contains("cannot start `no-such-program -x`"), "{error}");
    assert!(ctx.range(0..1, 1).pipe(" ").unwrap_err().to_string().contains("no program"));
}

#[test]
fn output_that_is_not_text_or_has_no_line_ends_is_an_error() {
    let mut config = rsk::Config::default();
    config.set("memory=16m").unwrap();
    let ctx = Context::with_config("local", config).unwrap();
    let binary = ctx.range(0..1, 1).pipe(shell(r"echo a; printf '\377\n'")).unwrap().count().unwrap_err();
    let binary = format!("{binary:?}");
    assert!(binary.contains("line 2 that") && binary.contains("UTF-8"), "{binary}");
    let endless = ctx.range(0..1, 1).pipe(shell("tr '\\0' x </dev/zero")).unwrap().count().unwrap_err();
    let endless = format!("{endless:?}");
    assert!(endless.contains("line 1 that") && endless.contains("--conf memory"), "{endless}");
}

#[test]
fn an_error_upstream_is_not_taken_for_the_end_of_input() {
    let ctx = Context::new("local[2]").unwrap();
    let rdd = ctx.range(0..100, 1).try_map(|n| if n < 50 { Ok(n) } else { Err("too many") });
    let error = format!("{:?}", rdd.pipe("wc -l").unwrap().collect().unwrap_err());
    assert!(error.contains("too many"), "{error}");
}

/// A named pipe. To open it for reading waits for a writer: so a test knows that a program has come so far.
fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Says its own id and that of a child through a named pipe, then hangs with both.
const HANGING: &str = "sleep 1000 & echo $$ $! > \"$FIFO\"; wait";

fn is_gone(id: &str) -> bool {
    // A zombie, which only waits for whoever inherited it, is gone too.
    fs::read_to_string(format!("/proc/{id}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

fn wait_until_gone(ids: &str) {
    // SIGKILL has been sent; the kernel takes its moment.
    let started = std::time::Instant::now();
    while !ids.split_whitespace().all(is_gone) {
        assert!(started.elapsed().as_secs() < 20, "still there: {ids}");
        std::thread::yield_now();
    }
}

#[test]
fn a_program_and_its_children_are_killed_when_the_job_is_cancelled() {
    let ctx = Context::new("local").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    fifo(&path);
    let rdd = ctx.range(0..1, 1).pipe(shell(HANGING).env("FIFO", path.to_str().unwrap())).unwrap();
    let job = std::thread::spawn(move || rdd.count());
    let ids = fs::read_to_string(&path).unwrap();
    assert_eq!(ids.split_whitespace().count(), 2);
    assert_eq!(ctx.cancel_all_jobs(), 1);
    assert!(matches!(job.join().unwrap(), Err(rsk::Error::Cancelled(_))));
    wait_until_gone(&ids);
}

#[test]
fn a_program_and_its_children_are_killed_when_the_task_has_seen_enough() {
    let ctx = Context::new("local").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    fifo(&path);
    let program = shell(&format!("echo a; {HANGING}")).env("FIFO", path.to_str().unwrap());
    let first = ctx.range(0..1, 1).pipe(program).unwrap().with(path.to_str().unwrap().to_owned());
    let first = first.map_partitions(|path, mut lines| {
        let line = lines.next().unwrap();
        [(line, std::fs::read_to_string(path).unwrap())]
    });
    let (line, ids) = first.collect().unwrap().remove(0);
    assert_eq!(line, "a");
    wait_until_gone(&ids);
}
