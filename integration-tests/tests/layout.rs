//! The rules of the tree, executed: who may use whom, what files may be called, how long they may be, what is pure.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Packages in the order data flows, each with those of ours that it may use.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("rsk-proto", &[]),
    ("rsk-scheduler", &["rsk-proto"]),
    ("rsk-storage", &["rsk-proto"]),
    ("rsk-executor", &["rsk-proto", "rsk-storage"]),
    ("rsk", &["rsk-proto", "rsk-storage", "rsk-executor"]),
    ("rsk-cli", &["rsk-proto", "rsk-scheduler", "rsk-storage"]),
    ("examples", &["rsk"]),
    ("bench", &["rsk"]),
    ("integration-tests", &["rsk", "rsk-proto", "rsk-scheduler", "rsk-storage", "rsk-executor", "examples"]),
];

/// Files over 600 lines, each with a reason.
const LONG: [(&str, &str); 1] = [(
    "driver/src/rdd/pair/operators.rs",
    "a catalogue: a method, its documentation and its example an operator",
)];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Files that git knows, so that what a build leaves is not looked at.
fn files(extension: &str) -> Vec<(String, String)> {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "the tree is read by `git ls-files`");
    let names = String::from_utf8(listed.stdout).unwrap();
    let wanted =
        names.lines().filter(|name| Path::new(name).extension().is_some_and(|found| found == extension));
    let files: Vec<_> = wanted
        .filter_map(|name| Some((name.to_owned(), fs::read_to_string(root().join(name)).ok()?)))
        .collect();
    assert!(!files.is_empty(), "no {extension} file was found");
    files
}

#[test]
fn packages_use_only_what_lies_before_them() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let mut used = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let all = package["dependencies"].as_array().unwrap();
        let ours: Vec<_> = all.iter().filter(|dependency| dependency["path"].is_string()).collect();
        let names = ours.iter().map(|dependency| dependency["name"].as_str().unwrap().to_owned());
        used.insert(package["name"].as_str().unwrap().to_owned(), names.collect::<Vec<_>>());
    }
    for (package, uses) in used {
        let rule = MAY_USE.iter().find(|(name, _)| *name == package);
        let (_, may_use) = rule.unwrap_or_else(|| panic!("say in layout.rs what {package} may use"));
        for name in uses {
            assert!(may_use.contains(&name.as_str()), "{package} must not use {name}");
        }
    }
}

#[test]
fn files_are_short_or_have_a_reason() {
    for (name, text) in files("rs") {
        let lines = text.lines().count();
        let has_reason = LONG.iter().any(|(long, _)| *long == name);
        assert!(
            lines <= 600 || has_reason,
            "{name} has {lines} lines: find its second noun, or give a reason"
        );
        assert!(lines > 600 || !has_reason, "{name} is short now: take it from the list");
    }
}

#[test]
fn cores_are_pure() {
    const IMPURE: [&str; 9] = [
        "std::fs",
        "std::net",
        "std::thread",
        "std::time::Instant",
        "Instant::now",
        "SystemTime",
        "tokio",
        "Mutex",
        "rand::",
    ];
    let cores: Vec<_> = files("rs").into_iter().filter(|(name, _)| name.ends_with("/core.rs")).collect();
    assert!(cores.len() >= 2, "there are cores");
    for (name, text) in cores {
        for word in IMPURE {
            assert!(!text.contains(word), "{name} is a core and must not use {word}");
        }
    }
}

#[test]
fn names_are_nouns_and_words_are_ours() {
    const NO_NAMES: [&str; 6] = ["utils", "util", "common", "helpers", "types", "misc"];
    // Put together here, so that this file does not break its own rule.
    let banned = [["sla", "ve"].concat(), ["Sched", "uler {"].concat(), ["unbounded_", "channel"].concat()];
    for (name, text) in files("rs") {
        let stem = Path::new(&name).file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!NO_NAMES.contains(&stem.as_str()), "{name}: name the noun");
        for word in &banned {
            assert!(!text.contains(word.as_str()), "{name} says {word:?}: see the vocabulary");
        }
    }
}

#[test]
fn unsafe_code_is_where_it_is_argued_for() {
    const MAY: [&str; 3] =
        ["driver/src/rdd/ship.rs", "executor/src/memory/allocator.rs", "scheduler/src/agent/exit_code.rs"];
    let keyword = ["unsafe", " "].concat();
    for (name, text) in files("rs") {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let is_found = code.into_iter().any(|line| line.contains(&keyword) && line.contains('{'));
        assert!(!is_found || MAY.contains(&name.as_str()), "{name} has {keyword}code");
    }
}

/// What a user calls on an RDD.
const OPERATORS: [&str; 10] = [
    "Transform",
    "PairRdd",
    "Wide",
    "Persist",
    "Actions",
    "PairActions",
    "NumberActions",
    "SaveActions",
    "Batches",
    "RecordBatches",
];

/// A function that users call, as the sources of the driver have it.
struct Called {
    file: String,
    /// Its trait or type; empty where it stands by itself.
    of: String,
    name: String,
    text: String,
}

/// The word that a text begins with.
fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Whose functions follow, after a line such as `impl<P: Rdd<Item: Data>> With<P> {`.
fn subject(line: &str) -> Option<String> {
    let generics = line.strip_prefix("pub trait ").or_else(|| line.strip_prefix("impl"))?;
    let mut depth = 0;
    let end = generics.find(|c| {
        depth += i32::from(c == '<') - i32::from(c == '>');
        depth == 0
    })?;
    Some(word(generics[end..].trim_start_matches(['>', ' '])))
}

/// All that users call, and the documentation of all traits and types, by name. Cores are shown to the simulation alone.
fn called() -> (Vec<Called>, BTreeMap<String, String>) {
    let (mut called, mut types) = (Vec::new(), BTreeMap::new());
    // Cores and what they are told of are there for the simulation alone.
    let is_internal = |name: &str| name.ends_with("/core.rs") || name == "driver/src/task/site.rs";
    let is_shown = |name: &str| name.starts_with("driver/src/") && !is_internal(name);
    for (file, source) in files("rs").into_iter().filter(|(name, _)| is_shown(name)) {
        let (mut of, mut text) = (String::new(), String::new());
        for line in source.lines() {
            if let Some(line) = line.trim_start().strip_prefix("///") {
                text.extend([line, "\n"]);
                continue;
            }
            if let Some(subject) = subject(line) {
                of = subject;
            }
            if line == "}" || line.ends_with("{}") {
                of.clear();
            }
            for kind in ["pub trait ", "pub struct ", "pub enum "] {
                types.extend(line.strip_prefix(kind).map(|line| (word(line), text.clone())));
            }
            let line = line.strip_prefix("    ").unwrap_or(line);
            // Methods of a trait are as public as it is.
            let kind = if OPERATORS.contains(&of.as_str()) { "fn " } else { "pub fn " };
            if let Some(line) = line.strip_prefix(kind) {
                called.push(Called {
                    file: file.clone(),
                    of: of.clone(),
                    name: word(line),
                    text: text.clone(),
                });
            }
            if !line.starts_with("#[") {
                text.clear();
            }
        }
    }
    (called, types)
}

#[test]
fn what_users_call_has_an_example() {
    let (called, types) = called();
    for name in OPERATORS.iter().chain(&["Context", "With", ""]) {
        assert!(called.iter().any(|function| function.of == *name), "there are functions of {name:?}");
    }
    let mut without = Vec::new();
    for Called { file, of, name, text } in &called {
        let is_shown = match of.as_str() {
            // Operators that get the value of `with` point to those that do not, whose examples are much the same.
            "With" => text.contains(&format!("[`{name}`](")),
            "Context" => false,
            of if OPERATORS.contains(&of) => false,
            // A small type is shown once, as it is used.
            of => types.get(of).is_some_and(|text| text.contains("```")),
        };
        if !is_shown && !text.contains("```") {
            without.push(format!("{file}: {of}::{name}"));
        }
    }
    assert!(without.is_empty(), "these have no example: {without:#?}");
    for family in ["transform", "pair", "wide", "action"] {
        let folder = format!("driver/src/rdd/{family}/");
        let mut with = called.iter().filter(|it| it.of == "With" && it.file.starts_with(&folder));
        assert!(with.any(|it| it.text.contains("```")), "{family} has no example of `with`");
    }
}

#[test]
fn operators_say_what_they_cost() {
    let (_, types) = called();
    for name in OPERATORS {
        assert!(types[name].contains("Cost: where none is said"), "{name} says what its operators cost");
    }
}

#[test]
fn every_example_is_declared_and_run() {
    let manifest = fs::read_to_string(root().join("examples/Cargo.toml")).unwrap();
    let run = fs::read_to_string(root().join("integration-tests/tests/examples.rs")).unwrap();
    let sources: Vec<PathBuf> =
        fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for source in sources.iter().filter(|path| path.extension().is_some_and(|found| found == "rs")) {
        let name = source.file_stem().unwrap().to_string_lossy().into_owned();
        if name == "lib" {
            continue;
        }
        assert!(manifest.contains(&format!("\"{name}.rs\"")), "declare {name} in examples/Cargo.toml");
        assert!(run.contains(&format!("\"{name}\"")), "run {name} in integration-tests/tests/examples.rs");
        let lines = fs::read_to_string(source).unwrap().lines().count();
        assert!(lines <= 75, "examples/{name}.rs has {lines} lines: one idea a file");
    }
}
