//! Ctrl-C in a real program, in the middle of a long job: it ends with code 130, and leaves no output, no temporary file and
//! no process. Also what it says of its stages until then, where stderr is no terminal.
//!
//! It has a `main` of its own: a program whose save never looks up is this one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use libtest_mimic::{Arguments, Failed, Trial};
use rsk::prelude::*;
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
};

/// What this program does as a user's program comes last, after this.
const ASK: &str = "program:";

fn main() -> rsk::Result<()> {
    rsk::executor_if_asked();
    if std::env::args().next_back().is_some_and(|last| last.starts_with(ASK)) {
        return rsk::run(|ctx| {
            let stuck = |n| {
                if n % 2 == 0 {
                    return n;
                }
                loop {
                    std::hint::spin_loop();
                }
            };
            ctx.range(0..4, 2).map(stuck).save_as_text_file(rsk::arg(0, String::new())?)
        });
    }
    let tests: [(&str, fn()); 5] = [
        ("ctrl_c_ends_a_program_with_code_130_and_leaves_nothing", a_program),
        ("ctrl_c_ends_executor_processes_too", executor_processes),
        ("ctrl_c_under_a_save_leaves_no_output", a_save),
        ("ctrl_c_under_a_save_that_never_looks_up_leaves_no_output", a_stuck_save),
        ("where_stderr_is_no_terminal_stages_are_told_in_plain_lines", plain_lines),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            std::panic::catch_unwind(test).map_err(|_| Failed::from("it panicked: see above"))
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.into_iter().map(trial).collect()).exit();
}

/// A program with a long job, in a folder of its own.
struct Program {
    place: tempfile::TempDir,
    child: Child,
    said: BufReader<ChildStderr>,
}

/// How it ended, and all it said after it was interrupted.
struct Ended {
    status: ExitStatus,
    said: String,
}

impl Program {
    /// Starts a program on two slots; `args` gets the folder, whose `work` is the work directory.
    fn start(program: &Path, executors: &str, args: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let place = tempfile::tempdir().unwrap();
        let (work_dir, args) = (place.path().join("work"), args(place.path()));
        let mut child = Command::new(program)
            .args(["--conf", &format!("work_dir={}", work_dir.display())])
            .args(["--conf", &format!("executors={executors}")])
            .arg("local[2]")
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Program { place, child, said }
    }

    /// Waits for the first line about a stage that lasts.
    fn progress(&mut self) -> String {
        let mut line = String::new();
        while !line.contains(" running, ") {
            line.clear();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it ended before it told of a stage");
        }
        line
    }

    fn interrupt(&self) {
        // As a terminal would do: to the program, not to its executors, which must go with it.
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Waits until it has ended, and with it all that hold its stderr.
    fn end(mut self) -> (Ended, tempfile::TempDir) {
        let status = self.child.wait().unwrap();
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        (Ended { status, said }, self.place)
    }

    /// The executor processes that it has started.
    fn executors(&self) -> Vec<PathBuf> {
        let parent = format!("PPid:\t{}", self.child.id());
        let of_it = |path: &PathBuf| {
            fs::read_to_string(path.join("status"))
                .is_ok_and(|status| status.lines().any(|line| line == parent))
        };
        let all = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        all.filter(of_it).collect()
    }
}

/// The built example. A run of the whole workspace's tests builds it.
fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(program.exists(), "{} is not built: run `cargo build --examples` first", program.display());
    program
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// Does a process run there? One that has ended and that nobody has asked about is none.
fn runs(process: &Path) -> bool {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
}

/// Many tasks: each ends soon.
fn short_tasks(_: &Path) -> Vec<String> {
    ["1000000", "1000000000000"].map(str::to_owned).into()
}

/// Two tasks of one record each, which never look up.
fn endless_tasks(_: &Path) -> Vec<String> {
    ["2", "1000000000000000"].map(str::to_owned).into()
}

/// A long text, and an output.
fn long_text(place: &Path) -> Vec<String> {
    let (input, output) = (place.join("in"), place.join("out"));
    fs::write(&input, "the quick brown fox jumps over the lazy dog\n".repeat(2_000_000)).unwrap();
    [input, output].map(|path| path.display().to_string()).into()
}

fn is_interrupted(ended: &Ended, place: &Path) {
    assert_eq!(ended.status.code(), Some(130), "{}", ended.said);
    assert!(ended.said.contains("interrupted: "), "{}", ended.said);
    assert!(ended.said.contains("temporary files removed"), "{}", ended.said);
    assert!(!ended.said.contains("done in"), "{}", ended.said);
    assert_eq!(names(&place.join("work")), Vec::<String>::new());
}

fn a_program() {
    for args in [short_tasks, endless_tasks] {
        let mut program = Program::start(&example("pi"), "threads", args);
        program.progress();
        assert_eq!(names(&program.place.path().join("work")).len(), 1, "it has a folder to remove");
        program.interrupt();
        let (ended, place) = program.end();
        is_interrupted(&ended, place.path());
    }
}

fn executor_processes() {
    for args in [short_tasks, endless_tasks] {
        let mut program = Program::start(&example("pi"), "processes", args);
        program.progress();
        // One a slot, of which one may still be on its way.
        let mut executors = program.executors();
        while executors.len() < 2 {
            std::thread::yield_now();
            executors = program.executors();
        }
        assert!(executors.iter().all(|process| runs(process)));
        program.interrupt();
        let (ended, place) = program.end();
        is_interrupted(&ended, place.path());
        assert!(!executors.iter().any(|process| runs(process)), "{executors:?}");
    }
}

fn a_save() {
    for (name, executors) in
        [("word_count", "threads"), ("word_count", "processes"), ("tera_sort", "threads")]
    {
        let mut program = Program::start(&example(name), executors, long_text);
        program.progress();
        program.interrupt();
        let (ended, place) = program.end();
        is_interrupted(&ended, place.path());
        let mut left = names(place.path());
        left.sort();
        assert_eq!(left, ["in", "work"], "{name} on {executors}");
    }
}

fn a_stuck_save() {
    for executors in ["threads", "processes"] {
        let asked = |place: &Path| [place.join("out").display().to_string(), ASK.to_owned()].into();
        let mut program = Program::start(&std::env::current_exe().unwrap(), executors, asked);
        program.progress();
        assert!(!program.place.path().join("out").exists());
        program.interrupt();
        let (ended, place) = program.end();
        is_interrupted(&ended, place.path());
        assert_eq!(names(place.path()), ["work"], "{executors}");
    }
}

fn plain_lines() {
    let mut program = Program::start(&example("pi"), "threads", endless_tasks);
    let line = program.progress();
    program.interrupt();
    assert!(line.contains(": 0/2 tasks, 2 running, ") && line.ends_with(" s\n"), "{line:?}");
    let (ended, _) = program.end();
    for text in [&line, &ended.said] {
        assert!(!text.contains(['\u{1b}', '\r']), "no escapes: {text:?}");
    }
}
