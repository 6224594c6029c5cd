//! What this binary does as a user's program.

use crate::{cached::PARTS, signals::Signals};
use rsk::{Context, Error, Result, prelude::*};
use std::{path::Path, thread, time::Duration};

/// What it is asked for comes last, after this.
const ASK: &str = "program:";

/// Map tasks of the sums.
pub(crate) const MAPS: usize = 8;
const NUMBERS_A_MAP: u64 = 1_000;
/// Where a task comes that misbehaves.
pub(crate) const FAULT: &str = "fault";
pub(crate) const EXIT_CODE: i32 = 3;

pub(crate) fn asked() -> Option<String> {
    std::env::args().next_back()?.strip_prefix(ASK).map(str::to_owned)
}

/// The arguments that make it do this.
pub(crate) fn arguments(asked: &str, signals: &Signals, out: &Path) -> [String; 3] {
    [signals.folder().display().to_string(), out.display().to_string(), format!("{ASK}{asked}")]
}

pub(crate) fn run(ctx: &Context, asked: &str) -> Result<()> {
    let signals = Signals::in_folder(Path::new(&rsk::arg(0, String::new())?));
    let out = rsk::arg(1, String::new())?;
    match asked {
        "sums" => sums(ctx, &signals, out),
        "parts" => parts(ctx, &signals, out),
        "places" => places(ctx, &signals, out),
        "bad_place" => bad_place(ctx, &signals, out),
        "cached" => cached(ctx, &signals, out),
        "crowd" => crowd(ctx, &signals, out),
        "bursts" => bursts(ctx, &signals, out),
        "pools" => pools(ctx, &signals, out),
        "loop" => endless(ctx, &signals, out),
        fault => misbehave(ctx, &signals, fault, out),
    }
}

/// Sums by key, with a gate in each map task, in a reduce task, and in the driver between both.
fn sums(ctx: &Context, signals: &Signals, out: String) -> Result<()> {
    let numbers = ctx.range(0..NUMBERS_A_MAP * MAPS as u64, MAPS);
    let pairs = numbers.with(signals.clone()).map(|signals, n| {
        if n % NUMBERS_A_MAP == 0 {
            signals.pass("map");
        }
        (n % 100, n)
    });
    let sums = pairs.reduce_by_key(|a, b| a + b);
    sums.count()?;
    signals.pass("between");
    let lines = sums.with(signals.clone()).map(|signals, (key, sum)| {
        if key == 0 {
            signals.pass("reduce");
        }
        format!("{key} {sum}")
    });
    lines.save_as_text_file(out)
}

/// Four parts of an output, each with a gate of its own, and one more for who is not the first to make a part.
fn parts(ctx: &Context, signals: &Signals, out: String) -> Result<()> {
    let lines = ctx.range(0..4, 4).with(signals.clone()).map(|signals, n| {
        let gate = format!("part-{n}");
        let is_again = !signals.came(&gate).is_empty();
        signals.pass(&gate);
        if is_again {
            signals.pass("again");
        }
        format!("the line of {n}")
    });
    lines.save_as_text_file(out)
}

/// Many tasks that are short, and in their midst some that are not: they may have been sent to one executor together.
fn crowd(ctx: &Context, signals: &Signals, out: String) -> Result<()> {
    let numbers = ctx.range(0..400, 400).with(signals.clone()).map(|signals, n| {
        if (200..204).contains(&n) {
            signals.pass("long");
        }
        n
    });
    ctx.parallelize(vec![numbers.sum()?.to_string()], 1)?.save_as_text_file(out)
}

/// One task, then nothing, then six tasks at a time, then nothing again.
fn bursts(ctx: &Context, signals: &Signals, out: String) -> Result<()> {
    let one = ctx.range(0..1, 1).with(signals.clone()).map(|signals, n| {
        signals.pass("one");
        n
    });
    let one = one.count()?;
    signals.pass("idle");
    let many = ctx.range(0..6, 6).with(signals.clone()).map(|signals, n| {
        signals.pass("many");
        n
    });
    let many = many.count()?;
    signals.pass("idle-again");
    ctx.parallelize(vec![format!("{one} {many}")], 1)?.save_as_text_file(out)
}

/// Tasks so short and many that an executor always has some ahead; and another pool, whose turn comes all the same.
fn pools(ctx: &Context, signals: &Signals, out: String) -> Result<()> {
    let tasks = if signals.may_misbehave() { 30_000 } else { 10 };
    let short = ctx.range(0..tasks, 30_000.min(usize::try_from(tasks)?)).with(signals.clone());
    let short = short.map(|signals, n| {
        if n == 200 {
            signals.come("short");
        }
        thread::sleep(Duration::from_millis(1));
        n
    });
    thread::scope(|scope| {
        let job = scope.spawn(|| ctx.in_group("short", || ctx.in_pool("short", || short.count())));
        if signals.may_misbehave() {
            signals.wait("short", 1);
        }
        let other = || ctx.range(0..4, 4).map(|n| n.to_string()).save_as_text_file(out);
        let outcome = ctx.in_pool("other", other);
        let has_waited = signals.may_misbehave() && job.is_finished();
        ctx.cancel_group("short");
        drop(job.join());
        assert!(!has_waited, "the other pool had to wait for all short tasks");
        outcome
    })
}

/// Reads what is cached while an executor that holds some of it has no slot free, and once more later.
fn cached(ctx: &Context, signals: &Signals, out: String) -> Result<()> {
    let numbers = ctx.range(0..NUMBERS_A_MAP * PARTS as u64, PARTS).with(signals.clone());
    let kept = numbers.map(|signals, n| {
        if n % NUMBERS_A_MAP == 0 {
            signals.pass("make");
        }
        n.to_string()
    });
    let kept = kept.cache();
    let count = kept.count()?;
    let read = thread::scope(|scope| {
        let busy = ctx.range(0..1, 1).with(signals.clone()).map(|signals, _| signals.pass("busy"));
        let busy = scope.spawn(move || busy.count());
        signals.wait("busy", 1);
        let read = kept.with(signals.clone()).map(|signals, n| {
            if n.ends_with("000") || n == "0" {
                signals.come("read");
            }
            n.len() as u64
        });
        let read = read.reduce(|a, b| a + b);
        busy.join().unwrap().and(read)
    })?;
    signals.pass("gone");
    kept.with(format!("{count} {read}")).map(|all, n| format!("{n} of {all}")).save_as_text_file(out)
}

/// Writes numbers, where one task does something else, too.
fn misbehave(ctx: &Context, signals: &Signals, fault: &str, out: String) -> Result<()> {
    let value = (signals.clone(), fault.to_owned());
    let lines = ctx.range(0..100, 4).with(value).map(|(signals, fault), n| {
        if n == 30 {
            match fault.as_str() {
                "panic_once" => assert!(!signals.is_first(FAULT), "on purpose"),
                "panic_always" => assert!(!signals.is_each(FAULT), "on purpose"),
                "exit_once" if signals.is_first(FAULT) => std::process::exit(EXIT_CODE),
                "exit_always" if signals.is_each(FAULT) => std::process::exit(EXIT_CODE),
                "leak_once" if signals.is_first(FAULT) => leak(),
                "leak_always" if signals.is_each(FAULT) => leak(),
                "exit_once" | "exit_always" | "leak_once" | "leak_always" => {}
                unknown => panic!("no such program: {unknown}"),
            }
        }
        n.to_string()
    });
    lines.save_as_text_file(out)
}

/// Takes more memory than it may, until somebody ends it: where nobody does, it ends itself before the machine suffers.
fn leak() {
    let mut all = Vec::new();
    while all.len() < 200 {
        all.push(vec![1u8; 8 << 20]);
    }
    std::process::exit(EXIT_CODE);
}

/// What prefers the first host, and what reads cached blocks, on three executors.
fn places(ctx: &Context, signals: &Signals, out: String) -> Result<()> {
    let made = ctx.range(0..3, 3).with(signals.clone()).map(|signals, n| {
        signals.come(&format!("made-{n}"));
        signals.pass("made");
        n
    });
    let made = made.cache();
    made.count()?;
    let read = made.with(signals.clone()).map(|signals, n| {
        signals.come(&format!("read-{n}"));
        n.to_string()
    });
    let read = read.collect()?;
    let parts = [0, 1].map(|part| (vec![part], vec!["127.0.0.2".to_owned()]));
    let near = ctx.parallelize_at(parts.to_vec())?.with(signals.clone()).map(|signals, part| {
        signals.pass("near");
        part.to_string()
    });
    near.union(&ctx.parallelize(read, 1)?).save_as_text_file(out)
}

/// The agent at which tasks of the bad place fail.
const BAD: &str = "/agent-0/";

/// Writes numbers, where all tasks of one agent fail.
fn bad_place(ctx: &Context, signals: &Signals, out: String) -> Result<()> {
    let lines = ctx.range(0..8, 8).with(signals.clone()).map(|signals, n| {
        let sandbox = std::env::var("RSK_SANDBOX").unwrap_or_default();
        if signals.may_misbehave() && sandbox.contains(BAD) {
            signals.pass("bad");
            assert!(!signals.is_each(FAULT), "a bad place");
        }
        signals.pass("good");
        n.to_string()
    });
    lines.save_as_text_file(out)
}

/// A job that never ends is cancelled; then there is another.
fn endless(ctx: &Context, signals: &Signals, out: String) -> Result<()> {
    let stuck = ctx.range(0..1, 1).with(signals.clone()).map(|signals, n| {
        signals.come(FAULT);
        while signals.may_misbehave() {
            std::hint::spin_loop();
        }
        n
    });
    let outcome = thread::scope(|scope| {
        let job = scope.spawn(|| ctx.in_group("stuck", || stuck.count()));
        signals.wait(FAULT, 1);
        if signals.may_misbehave() {
            ctx.cancel_group("stuck");
        }
        job.join().unwrap()
    });
    let was_cancelled = matches!(outcome, Err(Error::Cancelled(_)));
    assert_eq!(was_cancelled, signals.may_misbehave(), "{outcome:?}");
    ctx.range(0..10, 2).map(|n| n.to_string()).save_as_text_file(out)
}
