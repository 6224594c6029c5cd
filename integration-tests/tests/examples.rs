//! Every example, as a user starts it: the real program, its arguments, what it prints and what it leaves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
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
    assert!(output.join("_SUCCESS").exists());
    let mut total = 0;
    for part in fs::read_dir(&output).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(part).unwrap();
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
