//! What the compiler says to a user's mistakes: small programs against the built library, and the words they must be told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The library as the running tests use it, and the folder of what it is made of.
fn library() -> (PathBuf, PathBuf) {
    // The command that built this test: it has nothing left to build, and says where everything is.
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let args = ["test", "--workspace", "--no-run", "--offline", "--message-format=json"];
    let built = Command::new(cargo).args(args).current_dir(root).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let artifacts = String::from_utf8(built.stdout).unwrap();
    let mut paths = artifacts.lines().filter_map(|line| {
        let artifact: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_ours = artifact["target"]["name"] == "rsk" && artifact["target"]["kind"][0] == "lib";
        let files = artifact["filenames"].as_array().filter(|_| is_ours)?.clone();
        let mut files = files.iter().filter_map(|file| file.as_str()).map(PathBuf::from);
        files.find(|file| file.extension().is_some_and(|found| found == "rlib"))
    });
    let library = paths.next_back().unwrap();
    let folder = library.parent().unwrap();
    let parts = if folder.ends_with("deps") { folder.to_owned() } else { folder.join("deps") };
    (library, parts)
}

/// Builds a program whose `main` is `body`, which has a `ctx`. Gives what the compiler said, and whether it was content.
fn build(name: &str, body: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("main.rs");
    let text = format!(
        "use rsk::prelude::*;\nfn double(n: u64) -> u64 {{ n * 2 }}\nstruct Plain(u64);\n\
         fn main() -> rsk::Result<()> {{\nlet ctx = rsk::Context::new(\"local\")?;\n{body}\nOk(())\n}}\n"
    );
    fs::write(&source, text).unwrap();
    let (library, parts) = library();
    let compiler = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let said = Command::new(compiler)
        .args(["--edition", "2024", "--crate-name", name, "--allow", "unused", "--extern"])
        .arg(format!("rsk={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", parts.display()))
        .arg("-o")
        .arg(folder.path().join(name))
        .arg(&source)
        .output()
        .unwrap();
    (said.status.success(), String::from_utf8(said.stderr).unwrap())
}

/// Builds what must not build, and looks for what must be said, exactly once each.
fn refused(name: &str, body: &str, expected: &[&str]) {
    let (is_built, said) = build(name, body);
    assert!(!is_built, "{name} builds");
    for words in expected {
        assert_eq!(said.matches(words).count(), 1, "{name} is told {words:?} once: {said}");
    }
}

#[test]
fn what_is_right_builds() {
    let body = "let table = vec![1u64, 2];\n\
                ctx.range(0..2, 2).map(double).with(table).map(|table, n| table[0] * n).count()?;";
    let (is_built, said) = build("right", body);
    assert!(is_built && said.is_empty(), "{said}");
}

#[test]
fn a_captured_copy_is_told_of_with() {
    let body = "let factor = 3u64;\nctx.range(0..2, 2).map(move |n| n * factor).count()?;";
    refused(
        "copy",
        body,
        &["error[E0080]", "this closure captures its environment", "Hand a value over with `.with(value)`"],
    );
}

#[test]
fn a_captured_value_is_told_of_with() {
    let body = "let table = vec![1u64];\nctx.range(0..1, 2).map(move |n| table[n as usize]).count()?;";
    refused(
        "owned",
        body,
        &[
            "this closure captures a value, which would not travel to the executors: hand it over by `.with(value)`",
        ],
    );
}

/// A borrow is the compiler's own business: it advises `move`, and with that one of the above is told.
#[test]
fn a_borrow_is_told_to_move() {
    let body = "let table = vec![1u64];\nctx.range(0..1, 2).map(|n| table[n as usize]).count()?;";
    refused("borrow", body, &["error[E0373]", "use the `move` keyword"]);
}

#[test]
fn a_function_pointer_is_told_of_the_name() {
    let body = "ctx.range(0..2, 2).map(double as fn(u64) -> u64).count()?;";
    refused("pointer", body, &["error[E0080]", "Give a function by its name, without `as fn(…)`"]);
}

#[test]
fn a_type_without_serde_is_told_to_derive() {
    let told = [
        "`Plain` cannot be sent to executors or written to disk",
        "derive `serde::Serialize` and `serde::Deserialize`",
    ];
    refused("collected", "ctx.range(0..2, 2).map(Plain).collect()?;", &told);
    refused("grouped", "ctx.range(0..2, 2).map(|n| (n, Plain(n))).group_by_key();", &told);
    refused("handed", "ctx.range(0..2, 2).with(Plain(1));", &told);
}
