//! How a program ends when somebody else decides: who reads its output leaves, or a signal comes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

/// Starts a built example over a work directory of its own.
fn start(name: &str, work_dir: &Path, args: &[&str]) -> Child {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    let mut command = Command::new(program);
    command.arg("--conf").arg(format!("work_dir={}", work_dir.display())).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn a_reader_that_leaves_ends_the_program_without_a_word() {
    for executors in ["--conf=executors=threads", "--conf=executors=processes"] {
        let work_dir = tempfile::tempdir().unwrap();
        let mut program = start("join", work_dir.path(), &["--conf=progress=off", executors, "local[2]"]);
        drop(program.stdout.take());
        let ended = program.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(141), ""));
        assert!(is_empty(work_dir.path()), "nothing is left");
    }
}

#[test]
fn a_signal_ends_the_program_with_its_code() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let work_dir = tempfile::tempdir().unwrap();
        let mut program = start("pi", work_dir.path(), &["local[2]", "64", "1000000000000"]);
        let mut said = BufReader::new(program.stderr.take().unwrap());
        let mut line = String::new();
        // The job lasts, so it is told of.
        said.read_line(&mut line).unwrap();
        assert!(line.contains("0/64 tasks"), "{line}");
        let sent = Command::new("kill").args([signal, &program.id().to_string()]).status().unwrap();
        assert!(sent.success());
        said.read_to_string(&mut line).unwrap();
        assert_eq!(program.wait().unwrap().code(), Some(code), "{line}");
        assert!(line.contains("interrupted: "), "{line}");
        assert!(is_empty(work_dir.path()), "nothing is left");
    }
}
