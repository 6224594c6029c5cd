//! Programs with more data than memory: the same answers in the same order as with plenty, and errors a person can read.
//!
//! It has a `main` of its own: each test starts this program again as a user's program, twice, and reads what it says.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, a program under test prints"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use rsk::{Context, Result, StorageLevel, prelude::*};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    process::{Command, Output},
};

/// What a program is asked for comes last, after this.
const ASK: &str = "program:";

/// A program that spills, by name; it checks its own answer against a model.
type Program = fn(&Context) -> Result<()>;

const SPILLING: [(&str, Program); 10] = [
    ("reduce_by_key", reduce_by_key),
    ("aggregate_by_key", aggregate_by_key),
    ("group_by_key", group_by_key),
    ("cogroup", cogroup),
    ("joins", joins),
    ("sort_by_key", sort_by_key),
    ("sort_by_text_descending", sort_by_text_descending),
    ("distinct", distinct),
    ("repartition", repartition),
    ("a_sort_of_groups", a_sort_of_groups),
];

const CACHING: [(&str, StorageLevel); 4] = [
    ("memory_only", StorageLevel::MemoryOnly),
    ("memory_only_ser", StorageLevel::MemoryOnlySer),
    ("memory_and_disk", StorageLevel::MemoryAndDisk),
    ("disk_only", StorageLevel::DiskOnly),
];

const REFUSED: [(&str, Program, &str); 5] = [
    ("one_record_sorted", one_record_sorted, "a record of type (u64, alloc::string::String)"),
    ("one_record_shuffled", one_record_shuffled, "(u64, alloc::string::String)"),
    ("one_key_grouped", one_key_grouped, "the values of one key of type u64"),
    ("one_key_concatenated", one_key_concatenated, "u64"),
    ("one_key_joined", one_key_joined, "the values of one key of type u64"),
];

fn main() -> Result<()> {
    let asked = std::env::args().next_back().and_then(|last| last.strip_prefix(ASK).map(str::to_owned));
    if let Some(asked) = asked {
        return rsk::run(|ctx| program(ctx, &asked));
    }
    let mut trials = Vec::new();
    for (name, _) in SPILLING {
        trials.push(trial(format!("{name}_spills_and_is_the_same"), move || spills(name)));
    }
    for (name, _) in CACHING {
        trials.push(trial(format!("{name}_larger_than_memory_is_the_same"), move || caches(name)));
    }
    for (name, _, named) in REFUSED {
        trials.push(trial(format!("{name}_larger_than_memory_is_named"), move || refuses(name, named)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(name: String, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(test))
            .map_err(|_| Failed::from("it panicked: see above"))
    })
}

fn program(ctx: &Context, asked: &str) -> Result<()> {
    let spilling = SPILLING.into_iter().find(|(name, _)| *name == asked).map(|(_, program)| program);
    let refused = REFUSED.into_iter().find(|(name, ..)| *name == asked).map(|(_, program, _)| program);
    if let Some(program) = spilling.or(refused) {
        return program(ctx);
    }
    let (_, level) = CACHING.into_iter().find(|(name, _)| *name == asked).unwrap();
    cached(ctx, level)
}

/// Runs a program with so much memory, in a folder where nothing may be left.
fn run(memory: &str, name: &str) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--conf", &format!("memory={memory}"), "--conf"])
        .arg(format!("work_dir={}", folder.path().display()))
        .args(["local[2]", &format!("{ASK}{name}")])
        .output()
        .unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{name} left something behind");
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    (output, said)
}

/// What it printed, and whether it says that it spilled.
fn answer(memory: &str, name: &str) -> (String, bool) {
    let (output, said) = run(memory, name);
    assert!(output.status.success(), "{name} with {memory}: {said}");
    let spilled = said.trim_end().rsplit(", ").next().unwrap().strip_suffix(" spilled").unwrap();
    (String::from_utf8(output.stdout).unwrap(), spilled != "0 B")
}

fn spills(name: &str) {
    let (small, has_spilled) = answer("16m", name);
    assert!(has_spilled, "{name} with 16m");
    let (large, has_spilled) = answer("1g", name);
    assert!(!has_spilled, "{name} with 1g");
    assert_eq!(small, large, "{name}: the same records in the same order");
    assert_eq!(answer("32m", name).0, large, "{name}: with 32m too");
}

fn caches(name: &str) {
    let (small, large) = (answer("16m", name).0, answer("1g", name).0);
    let records = |said: &str| said.lines().next().unwrap().to_owned();
    assert_eq!(records(&small), records(&large));
    let computed = |said: &str| said.lines().nth(1).unwrap().parse::<u64>().unwrap();
    assert_eq!(computed(&large), CACHED, "{name} keeps all");
    let has_disk = name.contains("disk");
    assert!(if has_disk { computed(&small) == CACHED } else { computed(&small) > CACHED }, "{name}: {small}");
}

fn refuses(name: &str, named: &str) {
    let (output, said) = run("16m", name);
    assert!(!output.status.success(), "{name}");
    for part in [named, "bytes of memory a task has", "raise --conf memory=SIZE", "part-"] {
        assert!(said.contains(part), "{name} does not say {part:?}: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

/// Spread over all keys, and the same in each run.
fn mixed(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

/// What does not get smaller by much when it is compressed.
fn text(n: u64, bytes: usize) -> String {
    let mut state = n + 1;
    let letter = |_| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        char::from(u8::try_from(state >> 58).unwrap() + b'0')
    };
    (0..bytes).map(letter).collect()
}

/// Prints a digest of the records in their order.
fn show<T: Debug>(records: &[T]) {
    let bytes = records.iter().flat_map(|record| format!("{record:?}\n").into_bytes());
    let digest = bytes
        .fold(0xcbf2_9ce4_8422_2325, |sum: u64, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    println!("{} records {digest:x}", records.len());
}

fn as_map<K: Ord + Clone, V: Clone>(records: &[(K, V)]) -> BTreeMap<K, V> {
    let map: BTreeMap<K, V> = records.iter().cloned().collect();
    assert_eq!(map.len(), records.len(), "a key appears once");
    map
}

fn grouped<K: Ord, V>(records: impl Iterator<Item = (K, V)>) -> BTreeMap<K, Vec<V>> {
    let mut groups = BTreeMap::<K, Vec<V>>::new();
    records.for_each(|(key, value)| groups.entry(key).or_default().push(value));
    groups
}

fn reduce_by_key(ctx: &Context) -> Result<()> {
    let pairs = ctx.range(0..500_000, 4).map(|n| (mixed(n) % 300_000, n));
    let sums = pairs.reduce_by_key_into(u64::wrapping_add, 2)?.collect()?;
    let mut model = BTreeMap::new();
    (0..500_000).for_each(|n| *model.entry(mixed(n) % 300_000).or_default() += n);
    assert!(as_map(&sums) == model);
    show(&sums);
    Ok(())
}

fn aggregate_by_key(ctx: &Context) -> Result<()> {
    let pairs = ctx.range(0..200_000, 4).map(|n| (format!("key {:030}", mixed(n) % 90_000), n));
    let lists = pairs.aggregate_by_key_into(
        Vec::new(),
        |mut list: Vec<u64>, n| {
            list.push(n);
            list
        },
        |mut list, mut more| {
            list.append(&mut more);
            list
        },
        2,
    );
    let lists = lists?.collect()?;
    let model = grouped((0..200_000).map(|n| (format!("key {:030}", mixed(n) % 90_000), n)));
    assert!(as_map(&lists) == model, "values in the order in which they came");
    show(&lists);
    Ok(())
}

fn group_by_key(ctx: &Context) -> Result<()> {
    let groups = ctx.range(0..60_000, 4).map(|n| (mixed(n) % 5000, text(n, 160))).group_by_key().collect()?;
    let model = grouped((0..60_000).map(|n| (mixed(n) % 5000, text(n, 160))));
    assert!(as_map(&groups) == model, "values in the order in which they came");
    show(&groups);
    Ok(())
}

fn left(n: u64) -> (u64, String) {
    (mixed(n) % 40_000, text(n, 96))
}

fn right(n: u64) -> (u64, u64) {
    (mixed(n + 3) % 40_000, n)
}

fn cogroup(ctx: &Context) -> Result<()> {
    let groups = ctx.range(0..60_000, 3).map(left).cogroup(&ctx.range(0..60_000, 4).map(right)).collect()?;
    let mut model = BTreeMap::<u64, (Vec<String>, Vec<u64>)>::new();
    (0..60_000).map(left).for_each(|(key, value)| model.entry(key).or_default().0.push(value));
    (0..60_000).map(right).for_each(|(key, value)| model.entry(key).or_default().1.push(value));
    assert!(as_map(&groups) == model);
    show(&groups);
    Ok(())
}

fn joins(ctx: &Context) -> Result<()> {
    let (a, b) = (ctx.range(0..60_000, 3).map(left), ctx.range(0..60_000, 4).map(right));
    let inner = a.join(&b).collect()?;
    let outer = a.full_outer_join(&b).collect()?;
    let by_key = grouped((0..60_000).map(right));
    let mut model: Vec<_> = (0..60_000)
        .map(left)
        .flat_map(|(key, a)| by_key.get(&key).into_iter().flatten().map(move |b| (key, (a.clone(), *b))))
        .collect();
    let mut sorted = inner.clone();
    model.sort_unstable();
    sorted.sort_unstable();
    assert!(sorted == model);
    let both = outer.iter().filter(|(_, (a, b))| a.is_some() && b.is_some()).count();
    assert_eq!(both, inner.len());
    show(&inner);
    show(&outer);
    Ok(())
}

fn sort_by_key(ctx: &Context) -> Result<()> {
    let keyed = |n| (mixed(n) % 300, text(n, 96));
    let sorted = ctx.range(0..90_000, 4).map(keyed).sort_by_key(3).collect()?;
    let mut model: Vec<_> = (0..90_000).map(keyed).collect();
    model.sort_by_key(|record| record.0);
    assert!(sorted == model, "equal keys keep their order");
    show(&sorted);
    Ok(())
}

fn sort_by_text_descending(ctx: &Context) -> Result<()> {
    let keyed = |n| (format!("{:05}", mixed(n) % 9000), text(n, 96));
    let sorted = ctx.range(0..90_000, 4).map(keyed).sort_by_key_descending(3).collect()?;
    let mut model: Vec<_> = (0..90_000).map(keyed).collect();
    model.sort_by(|a, b| b.0.cmp(&a.0));
    assert!(sorted == model, "equal keys keep their order");
    show(&sorted);
    Ok(())
}

fn distinct(ctx: &Context) -> Result<()> {
    let record = |n| text(mixed(n) % 70_000, 96);
    let distinct = ctx.range(0..150_000, 4).map(record).distinct_into(2)?.collect()?;
    let unique = |records: &mut dyn Iterator<Item = String>| records.collect::<BTreeSet<_>>();
    let found = unique(&mut distinct.iter().cloned());
    assert!(found.len() == distinct.len() && found == unique(&mut (0..150_000).map(record)));
    show(&distinct);
    Ok(())
}

fn repartition(ctx: &Context) -> Result<()> {
    let record = |n| (n, text(n, 16_000));
    let dealt = ctx.range(0..1500, 4).map(record).repartition(5)?.collect()?;
    assert!(as_map(&dealt).into_iter().eq((0..1500).map(record)));
    show(&dealt);
    Ok(())
}

/// Two operators that hold at the same time, and a wide merge behind them.
fn a_sort_of_groups(ctx: &Context) -> Result<()> {
    let keyed = |n| (mixed(n) % 20_000, text(n, 160));
    let groups = ctx.range(0..60_000, 4).map(keyed).group_by_key();
    let sorted = groups.map(|(key, texts)| (texts.concat(), key)).sort_by_key(2).collect()?;
    let model = grouped((0..60_000).map(keyed)).into_iter();
    let mut model: Vec<_> = model.map(|(key, texts)| (texts.concat(), key)).collect();
    model.sort();
    assert!(sorted == model);
    show(&sorted);
    Ok(())
}

const CACHED: u64 = 30_000;

/// Prints what all jobs saw, and how many records were computed.
fn cached(ctx: &Context, level: StorageLevel) -> Result<()> {
    let computed = ctx.accumulator(0u64);
    let kept = ctx.range(0..CACHED, 6).with(computed.clone()).map(|computed, n| {
        computed.add(1);
        (n, text(n, 800))
    });
    let kept = kept.persist(level);
    for _ in 0..3 {
        assert!(kept.collect()?.into_iter().eq((0..CACHED).map(|n| (n, text(n, 800)))));
    }
    // A combine beside the cache takes its room.
    let groups = kept.map(|(n, text)| (n % 3000, text)).group_by_key().collect()?;
    assert!(as_map(&groups) == grouped((0..CACHED).map(|n| (n % 3000, text(n, 800)))));
    show(&groups);
    println!("{}", computed.value());
    Ok(())
}

fn one_record_sorted(ctx: &Context) -> Result<()> {
    ctx.range(0..4, 2).map(|n| (n, text(n, 64 << (18 * (n / 3))))).sort_by_key(1).count().map(drop)
}

fn one_record_shuffled(ctx: &Context) -> Result<()> {
    ctx.range(0..4, 2).map(|n| (n, text(n, 64 << (18 * (n / 3))))).repartition(3)?.count().map(drop)
}

fn one_key_grouped(ctx: &Context) -> Result<()> {
    ctx.range(0..30_000, 4).map(|n| (n / 29_000, text(n, 800))).group_by_key().count().map(drop)
}

fn one_key_concatenated(ctx: &Context) -> Result<()> {
    let texts = ctx.range(0..30_000, 4).map(|n| (n / 29_000, text(n, 800)));
    texts.reduce_by_key(|held, more| held + &more).count().map(drop)
}

fn one_key_joined(ctx: &Context) -> Result<()> {
    let hot = ctx.range(0..30_000, 4).map(|n| (n / 29_000, text(n, 800)));
    hot.join(&ctx.range(0..10, 2).map(|n| (n, n))).count().map(drop)
}
