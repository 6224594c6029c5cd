//! Every example, as a user starts it: the real program, its arguments, what it prints and what it leaves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use integration_tests::user::parts;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The built example. A run of the whole workspace's tests builds it.
fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(program.exists(), "{} is not built: run `cargo build --examples` first", program.display());
    program
}

fn run(name: &str, args: &[&str]) -> Output {
    Command::new(program(name)).args(args).output().unwrap()
}

/// What it printed to stdout; it must have ended well and said on stderr what it did.
fn printed(name: &str, args: &[&str]) -> String {
    let output = run(name, args);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{name} {args:?} failed: {err}");
    assert!(err.contains("done in ") && err.contains(" job"), "{name} says what it did: {err}");
    out
}

/// A file of this repository.
fn data(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name).display().to_string()
}

#[test]
fn pi() {
    assert!(printed("pi", &["local[2]", "4", "200000"]).starts_with("pi is roughly 3.1"));
}

#[test]
fn word_count() {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (data("examples/data/licence.txt"), dir.path().join("counts"));
    let out = printed("word_count", &["local[2]", &input, &output.display().to_string()]);
    assert_eq!(out.lines().count(), 11, "ten words and where the rest is: {out}");
    let mut total = 0;
    for part in parts(&output).into_values() {
        let text = String::from_utf8(part).unwrap();
        total += text
            .lines()
            .map(|line| line.split_once('\t').unwrap().1.parse::<usize>().unwrap())
            .sum::<usize>();
    }
    assert_eq!(total, fs::read_to_string(input).unwrap().split_whitespace().count());
    let again = run("word_count", &["local", &data("examples/data"), &output.display().to_string()]);
    assert!(!again.status.success());
    assert!(
        String::from_utf8_lossy(&again.stderr).contains("exists already"),
        "an output is never overwritten"
    );
}

#[test]
fn stop_words() {
    let folder = tempfile::tempdir().unwrap();
    let stop = folder.path().join("stop.txt");
    fs::write(&stop, "the of and").unwrap();
    let input = data("examples/data/licence.txt");
    let text = fs::read_to_string(&input).unwrap();
    let all = text.split_whitespace().count();
    let kept = text.split_whitespace().filter(|word| !["the", "of", "and"].contains(word)).count();
    let files = format!("files={}", stop.display());
    for executors in ["executors=threads", "executors=processes"] {
        let out = printed("stop_words", &["--conf", &files, "--conf", executors, "local[2]", &input]);
        assert_eq!(out, format!("{all} words, {kept} without the 3 of the list\n"));
    }
    let without = run("stop_words", &["local", &input]);
    let said = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(!without.status.success() && said.contains("stop.txt") && said.contains("--files"), "{said}");
}

#[test]
fn log_query() {
    let out = printed("log_query", &["local[2]", &data("examples/data/access.log")]);
    let hits: u64 = out
        .lines()
        .filter(|line| line.starts_with("12/Mar/2026:"))
        .map(|line| line.split_whitespace().nth(2).unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(hits, 400, "every request is counted once: {out}");
    assert_eq!(out.lines().skip_while(|line| !line.ends_with("url")).count(), 21, "twenty URLs: {out}");
}

#[test]
fn page_rank() {
    let out = printed("page_rank", &["local[2]", &data("examples/data/edges.txt"), "10"]);
    // As a plain loop over the same edges gives it.
    assert!(out.ends_with(&format!("{}\n", plain_page_rank(10))), "{out} is not {}", plain_page_rank(10));
}

fn plain_page_rank(iterations: usize) -> String {
    let text = fs::read_to_string(data("examples/data/edges.txt")).unwrap();
    let number = |id: Option<&str>| id.unwrap().parse::<u32>().unwrap();
    let mut links = BTreeMap::<u32, BTreeSet<u32>>::new();
    for line in text.lines() {
        let mut ids = line.split(' ');
        links.entry(number(ids.next())).or_default().insert(number(ids.next()));
    }
    let mut ranks: BTreeMap<u32, f64> = links.keys().map(|page| (*page, 1.0)).collect();
    for _ in 0..iterations {
        let mut sums = BTreeMap::<u32, f64>::new();
        for (page, targets) in &links {
            let Some(rank) = ranks.get(page) else { continue };
            let share = rank / f64::from(u32::try_from(targets.len()).unwrap());
            targets.iter().for_each(|target| *sums.entry(*target).or_default() += share);
        }
        ranks = sums.into_iter().map(|(page, sum)| (page, 0.15 + 0.85 * sum)).collect();
    }
    format!("pages {} sum {:.6}", ranks.len(), ranks.values().sum::<f64>())
}

#[test]
fn k_means() {
    let out = printed("k_means", &["local[2]", &data("examples/data/points.txt"), "3", "20"]);
    let numbers = |line: &str| -> Vec<f64> {
        line.trim_matches(['[', ']']).split(", ").map(|number| number.parse().unwrap()).collect()
    };
    let centres: Vec<_> = out.lines().filter(|line| line.starts_with('[')).map(numbers).collect();
    for (found, made) in centres.iter().zip([[0.0, 8.0, 3.0], [1.0, 1.0, 1.0], [5.0, 5.0, 0.0]]) {
        assert!(found.iter().zip(made).all(|(a, b)| (a - b).abs() < 0.3), "{out}");
    }
    assert_eq!(centres.len(), 3);
}

#[test]
fn logistic_regression() {
    let out = printed("logistic_regression", &["local[2]", &data("examples/data/classes.txt"), "20"]);
    let right: u32 = out.lines().last().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(right > 180, "{out}");
}

#[test]
fn transitive_closure() {
    let dir = tempfile::tempdir().unwrap();
    let chain = dir.path().join("chain.txt");
    fs::write(&chain, "1 2\n2 3\n3 4\n").unwrap();
    let out = printed("transitive_closure", &["local[2]", &chain.display().to_string()]);
    assert_eq!(out, "6 pairs are connected\n");
}

#[test]
fn tera_sort() {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (data("examples/data/licence.txt"), dir.path().join("sorted"));
    printed("tera_sort", &["local[2]", &input, &output.display().to_string()]);
    let sorted: String = parts(&output).into_values().map(|part| String::from_utf8(part).unwrap()).collect();
    let text = fs::read_to_string(input).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_by_key(|line| line.bytes().take(10).collect::<Vec<u8>>());
    assert_eq!(sorted.lines().collect::<Vec<_>>(), lines, "sorted, and stable");
}

#[test]
fn sequence_file() {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (data("examples/data/licence.txt"), dir.path().join("counts"));
    let out = printed("sequence_file", &["local[2]", &input, &output.display().to_string()]);
    let words = fs::read_to_string(input).unwrap().split_whitespace().count();
    assert!(out.contains(&format!("\n{words} words in all")), "{out}");
    let part = fs::read(output.join("part-00000")).unwrap();
    assert!(
        part.starts_with(
            b"SEQ\x06\x19org.apache.hadoop.io.Text\x21org.apache.hadoop.io.LongWritable\x01\x01"
        )
    );
}

#[test]
fn parquet_stats() {
    let dir = tempfile::tempdir().unwrap();
    // Without an input it makes one up, under the system's temporary folder.
    let output =
        Command::new(program("parquet_stats")).arg("local[2]").env("TMPDIR", dir.path()).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = [
        "36500 sales, 1822825.00 in all",
        "July in       sales       mean",
        "Berlin          846      50.00",
        "Lima            846      50.39",
        "Osaka           844      49.83",
        "Ur              564      49.30",
    ];
    assert_eq!(out.lines().collect::<Vec<_>>(), lines);
    let input = dir.path().join("examples-of-rsk/sales").display().to_string();
    assert_eq!(printed("parquet_stats", &["local", &input]), out);
}

#[test]
fn join() {
    let out =
        printed("join", &["local[2]", &data("examples/data/people.txt"), &data("examples/data/orders.txt")]);
    let orders = fs::read_to_string(data("examples/data/orders.txt")).unwrap().lines().count();
    let without = out.lines().filter(|line| line.ends_with("nothing")).count();
    assert_eq!(out.lines().count(), orders + without, "every order once, and who has none: {out}");
    assert!(without > 0 && out.lines().is_sorted_by_key(|line| line.split(' ').next().unwrap().to_owned()));
}

#[test]
fn shortest_paths() {
    let dir = tempfile::tempdir().unwrap();
    let edges = dir.path().join("edges.txt");
    fs::write(&edges, "1 2\n2 3\n1 3\n3 4\n5 1\n").unwrap();
    let out = printed("shortest_paths", &["local[2]", &edges.display().to_string(), "1"]);
    let lines: Vec<_> =
        out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        ["0 steps 1 vertices", "1 steps 2 vertices", "2 steps 1 vertices", "unreachable 1 vertices"]
    );
}

#[test]
fn broadcast() {
    let out = printed("broadcast", &["local[2]", "1000"]);
    let round = |round: u64| (0..1_000u64).map(|n| (n * round % 1_000).pow(2) % 1_000).sum::<u64>();
    let expected: Vec<_> = (1..=3).map(|n| format!("round {n}: {}", round(n))).collect();
    assert_eq!(out.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn accumulator() {
    let out = printed("accumulator", &["local[2]", &data("examples/data/access.log")]);
    assert_eq!(out, "400 lines are requests, 1 are not\n");
}

#[test]
fn a_wrong_command_line_says_what_would_be_right() {
    for (args, expected) in [
        (&["nowhere"][..], "use local, local[K] or local[*]"),
        (&["--conf", "memry=1g"], "memory"),
        (&["--cluster"], "--conf key=value"),
        (&["local[2]", "no/such/file"], "no input at \"no/such/file\""),
    ] {
        let output = run("word_count", args);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && err.contains(expected), "{args:?}: {err}");
    }
    let help = run("word_count", &["--help"]);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("memory="));
}
