//! Bad input, given to real programs: each ends with a code that is not zero and a message that names the thing and says
//! what to do, and leaves nothing half-written: no output, no `_SUCCESS`, no folder beside it, nothing in its work directory.
//!
//! It has a `main` of its own: what no example does it does itself, as a user's program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use libtest_mimic::{Arguments, Failed, Trial};
use rsk::{Context, Result, prelude::*, rdd::Partitioner};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// What this program is asked for comes last, after this.
const ASK: &str = "program:";

/// Root reads and writes whatever it likes, but not without these.
const WITHOUT: &str = "-dac_override,-dac_read_search";

fn main() -> Result<()> {
    rsk::executor_if_asked();
    let asked = std::env::args().next_back().and_then(|last| last.strip_prefix(ASK).map(str::to_owned));
    if let Some(asked) = asked {
        return rsk::run(|ctx| program(ctx, &asked));
    }
    let tests: [(&str, fn()); 9] = [
        ("an_unknown_master_is_refused", unknown_master),
        ("a_missing_input_is_refused", missing_input),
        ("an_unreadable_input_is_refused_before_and_under_the_job", unreadable_input),
        ("an_existing_output_is_refused_and_left_alone", existing_output),
        ("an_unwritable_output_is_refused", unwritable_output),
        ("an_unwritable_work_dir_is_refused", unwritable_work_dir),
        ("zero_partitions_are_refused", zero_partitions),
        ("a_partitioner_out_of_range_fails_the_job", partitioner_out_of_range),
        ("damaged_map_outputs_are_made_again_or_fail_the_job", damaged_map_outputs),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            std::panic::catch_unwind(test).map_err(|_| Failed::from("it panicked: see above"))
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.into_iter().map(trial).collect()).exit();
}

/// A folder for one program: where it works, and where it may write.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("work")).unwrap();
        Place(dir)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn work_dir(&self) -> PathBuf {
        self.0.path().join("work")
    }

    /// Runs a program that may not pass over permissions, also where this test is root.
    fn run(&self, program: &Path, settings: &[&str], args: &[&str]) -> Output {
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let mut command = if is_root {
            let mut command = Command::new("setpriv");
            command
                .arg(format!("--bounding-set={WITHOUT}"))
                .arg(format!("--inh-caps={WITHOUT}"))
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(["--conf", &format!("work_dir={}", self.path("work"))]);
        for setting in settings {
            command.args(["--conf", setting]);
        }
        let ran = command.args(args).output();
        ran.unwrap_or_else(|error| panic!("as root this test needs `setpriv` of util-linux: {error}"))
    }

    /// Runs what must fail, and looks at what it says and leaves.
    fn is_refused(&self, program: &Path, settings: &[&str], args: &[&str], parts: &[&str]) {
        let before = under(self.0.path());
        let ran = self.run(program, settings, args);
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{said}");
        for part in parts {
            assert!(said.contains(part), "it does not say {part:?}: {said}");
        }
        assert!(!said.contains("panicked at"), "{said}");
        assert_eq!(under(self.0.path()), before, "what it left: {said}");
    }
}

/// All files and folders, with what is in the files that can be read.
fn under(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        found.push((path.clone(), fs::read(&path).ok()));
        found.extend(under(&path));
    }
    found.sort();
    found
}

/// The built example. A run of the whole workspace's tests builds it.
fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(program.exists(), "{} is not built: run `cargo build --examples` first", program.display());
    program
}

fn itself() -> PathBuf {
    std::env::current_exe().unwrap()
}

fn forbid(path: &str, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn unknown_master() {
    let place = Place::new();
    for master in ["nowhere", "local[0]", "local[two]", "host:port"] {
        let parts = [&format!("unknown master {master:?}"), "use local, local[K] or local[*]"];
        place.is_refused(
            &example("word_count"),
            &[],
            &[master, &place.path("in"), &place.path("out")],
            &parts,
        );
    }
}

fn missing_input() {
    let place = Place::new();
    let (missing, output) = (place.path("missing"), place.path("out"));
    for name in ["word_count", "tera_sort"] {
        let args = ["local[2]", &missing, &output];
        place.is_refused(&example(name), &[], &args, &[&format!("no input at {missing:?}")]);
    }
    // One of several, and a pattern that nothing matches.
    fs::write(place.path("there"), "line\n").unwrap();
    let several = format!("{},{missing}", place.path("there"));
    place.is_refused(&example("word_count"), &[], &["local", &several, &output], &[&missing]);
    let pattern = place.path("*.txt");
    place.is_refused(&example("word_count"), &[], &["local", &pattern, &output], &[&pattern]);
}

fn unreadable_input() {
    let place = Place::new();
    let (folder, output) = (place.path("in"), place.path("out"));
    fs::create_dir(&folder).unwrap();
    fs::write(place.path("in/a"), "one two\n".repeat(1_000)).unwrap();
    fs::write(place.path("in/b"), "three\n").unwrap();
    forbid(&place.path("in/b"), 0);
    let args = ["local[2]", &folder, &output];
    for executors in ["executors=threads", "executors=processes"] {
        let settings = [executors, "task_attempts=2"];
        // The other file may have been read by then.
        let parts = [&place.path("in/b"), "ermission denied"];
        place.is_refused(&example("word_count"), &settings, &args, &parts);
        place.is_refused(&example("tera_sort"), &settings, &args, &parts);
    }
    forbid(&folder, 0);
    place.is_refused(&example("word_count"), &[], &args, &[&folder, "ermission denied"]);
    forbid(&folder, 0o755);
}

fn existing_output() {
    let place = Place::new();
    let (input, output) = (place.path("in"), place.path("out"));
    fs::write(&input, "one two\n").unwrap();
    fs::create_dir(&output).unwrap();
    fs::write(place.path("out/part-00000"), "of a run before").unwrap();
    let parts = [&format!("output {output:?} exists already"), "choose another path"];
    for name in ["word_count", "tera_sort"] {
        place.is_refused(&example(name), &[], &["local[2]", &input, &output], &parts);
    }
}

fn unwritable_output() {
    let place = Place::new();
    let input = place.path("in");
    fs::write(&input, "one two\n").unwrap();
    fs::create_dir(place.path("closed")).unwrap();
    forbid(&place.path("closed"), 0o555);
    for output in [place.path("in/out"), place.path("closed/out"), place.path("closed/deep/out")] {
        let args = ["local[2]", &input, &output];
        place.is_refused(&example("word_count"), &[], &args, &[&output, "parent is a folder"]);
    }
}

fn unwritable_work_dir() {
    let place = Place::new();
    fs::write(place.path("file"), "").unwrap();
    fs::create_dir(place.path("closed")).unwrap();
    forbid(&place.path("closed"), 0o555);
    for work_dir in
        [place.path("file/under"), place.path("file"), place.path("closed"), place.path("closed/new")]
    {
        for executors in ["executors=threads", "executors=processes"] {
            let settings = [executors, &format!("work_dir={work_dir}")];
            let parts = [&format!("work directory {work_dir:?}"), "--conf work_dir=DIR"];
            place.is_refused(&example("pi"), &settings, &["local[2]", "2", "100"], &parts);
        }
    }
}

fn zero_partitions() {
    let place = Place::new();
    let parts = ["0 partitions", "from 1"];
    for asked in ["zero_slices", "zero_repartition", "zero_groups"] {
        let asked = format!("{ASK}{asked}");
        place.is_refused(&itself(), &[], &["local[2]", &place.path("out"), &asked], &parts);
    }
}

fn partitioner_out_of_range() {
    let place = Place::new();
    let asked = format!("{ASK}partitioner");
    let parts = ["Beyond", "answered 3", "it has 3 partitions, from 0"];
    for executors in ["executors=threads", "executors=processes"] {
        let settings = [executors, "task_attempts=2"];
        place.is_refused(&itself(), &settings, &["local[2]", &place.path("out"), &asked], &parts);
    }
}

fn damaged_map_outputs() {
    let place = Place::new();
    let out = place.path("out");
    for executors in ["executors=threads", "executors=processes"] {
        for damage in ["cut", "flipped", "gone"] {
            let settings = [executors, "resubmit_delay=0"];
            let once =
                place.run(&itself(), &settings, &["local[2]", &out, damage, &format!("{ASK}damage_once")]);
            let said = String::from_utf8_lossy(&once.stderr);
            assert!(once.status.success(), "{said}");
            assert_eq!(fs::read_dir(place.work_dir()).unwrap().count(), 0);
            let always = ["local[2]", &out, damage, &format!("{ASK}damage_always")];
            let parts = ["lost or damaged 4 times in a row", "check the disk under --conf work_dir=DIR"];
            place.is_refused(&itself(), &settings, &always, &parts);
        }
    }
}

/// Answers one more than it may.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Beyond;

impl Partitioner<u64> for Beyond {
    fn partitions(&self) -> usize {
        3
    }

    fn partition(&self, key: &u64) -> usize {
        usize::try_from(key % 4).unwrap()
    }
}

/// What this program does when it is asked.
fn program(ctx: &Context, asked: &str) -> Result<()> {
    let out = rsk::arg(0, String::new())?;
    let pairs = ctx.range(0..1_000, 6).map(|n| (n % 100, n));
    match asked {
        "zero_slices" => ctx.parallelize(vec![1, 2, 3], 0)?.save_as_text_file(out),
        "zero_repartition" => ctx.range(0..10, 2).repartition(0)?.save_as_text_file(out),
        "zero_groups" => pairs.group_by_key_into(0)?.keys().save_as_text_file(out),
        "partitioner" => pairs.partition_by(Beyond)?.keys().save_as_text_file(out),
        "damage_once" => {
            let sums = pairs.reduce_by_key(|a, b| a + b);
            let before = sums.collect()?;
            damage(&ctx.config().work_dir, &rsk::arg(1, String::new())?);
            assert_eq!(sums.collect()?, before, "what was damaged is made again");
            Ok(())
        }
        "damage_always" => {
            // The first record of the one partition damages what the others are read from.
            let value = (ctx.config().work_dir.display().to_string(), rsk::arg(1, String::new())?);
            let damaging = ctx.range(0..1, 1).with(value).map(|(work_dir, how), n| {
                damage(Path::new(work_dir), how);
                (n, n)
            });
            let sums = pairs.reduce_by_key(|a, b| a + b);
            damaging.union(&sums).coalesce(1)?.keys().save_as_text_file(out)
        }
        unknown => panic!("no such program: {unknown}"),
    }
}

/// Damages all map outputs: more than a stage forgives losses of one.
fn damage(work_dir: &Path, how: &str) {
    let is_output = |path: &PathBuf| path.extension() == Some("data".as_ref());
    let outputs: Vec<_> = under(work_dir).into_iter().filter(|(path, _)| is_output(path)).collect();
    assert!(!outputs.is_empty(), "there is something to damage");
    for (path, bytes) in outputs {
        let mut bytes = bytes.unwrap();
        match how {
            "cut" => bytes.truncate(bytes.len() / 2),
            "flipped" => *bytes.last_mut().unwrap() ^= 1,
            _ => {
                fs::remove_file(path).unwrap();
                continue;
            }
        }
        fs::write(path, bytes).unwrap();
    }
}
