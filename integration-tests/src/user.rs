//! What a user does and sees: programs with their variables, and what they say.

use crate::example;
use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::Path,
    process::{Command, Output},
};

/// Runs an example with these variables, and with none of S3's but those, to its end, well or not.
pub fn run(program: &str, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(example(program));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.args(args).env("HOME", "/nowhere").envs(variables.iter().copied()).output().unwrap()
}

/// Sees that a program ended well.
pub fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Sees that a program failed, with all of these words, and neither by a panic nor with a secret.
pub fn says(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(!said.contains("panicked") && !said.contains("rsk-secret"), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
}

/// The parts of a complete local output, by name: what differs from run to run, its log and the job's name, is left out.
pub fn parts(out: &Path) -> BTreeMap<String, Vec<u8>> {
    assert!(out.join("_SUCCESS").exists(), "{} is not complete", out.display());
    let files = fs::read_dir(out).unwrap().map(|entry| entry.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
    let parts = named.filter(|(name, _)| !name.starts_with('_'));
    parts.map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

/// An error, and all that caused it.
pub fn told(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", told(cause)),
        None => error.to_string(),
    }
}
