//! Outputs in local files, HDFS and S3: what each store promises, and a job that is killed after any step of its commit, in
//! the driver or in an executor. What is read after that is all old or all new, and once the next job or `clean_output` has
//! been there, nothing is left over.
//!
//! It has a `main` of its own: the jobs that are killed are this program. `RSK_FULL=1` takes every step, else some do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use integration_tests::services::{Hdfs, S3};
use libtest_mimic::{Arguments, Failed, Trial};
use rsk::{SaveMode, SaveOptions, prelude::*};
use rsk_proto::{PartitionId, TaskId};
use rsk_storage::{
    CommitLog, ListError, Location, PartWriter, Storage, StorageConfig, clean_output, commit_store,
    read_binary,
};
use std::{
    collections::BTreeSet,
    fs,
    ops::Range,
    path::Path,
    process::{Command, Output},
};

/// What this program does as a user's program comes last, after this.
const ASK: &str = "program:";
const OLD: Range<u64> = 0..6;
const NEW: Range<u64> = 100..107;
const PARTS: usize = 3;

fn main() -> rsk::Result<()> {
    rsk::executor_if_asked();
    if std::env::args().next_back().is_some_and(|last| last == ASK) {
        return rsk::run(|ctx| {
            let mode = match &*rsk::arg(1, String::new())? {
                "append" => SaveMode::Append,
                "overwrite" => SaveMode::Overwrite,
                _ => SaveMode::Error,
            };
            let options = SaveOptions::default().mode(mode);
            ctx.range(NEW, PARTS).save_as_text_file_with(rsk::arg(0, String::new())?, options)
        });
    }
    let tests: [(&str, fn()); 3] = [("local_files", local), ("hdfs", hdfs), ("s3", s3)];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(format!("commits_to_{name}_are_whole_wherever_they_are_killed"), move || {
            std::panic::catch_unwind(test).map_err(|_| Failed::from("it panicked: see above"))
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.into_iter().map(trial).collect()).exit();
}

/// A store with a folder for outputs.
struct Place<'a> {
    /// Of the folder.
    uri: String,
    variables: Vec<(String, String)>,
    storage: Storage,
    /// Without `RSK_FULL`, one of so many steps is taken.
    every: u64,
    /// Uploads that were not completed, wherever they are.
    uploads: Box<dyn Fn() -> usize + 'a>,
}

impl<'a> Place<'a> {
    fn new(
        uri: String,
        variables: &[(&str, String)],
        every: u64,
        uploads: impl Fn() -> usize + 'a,
    ) -> Place<'a> {
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let config = StorageConfig::collect(variables.clone(), &[]).unwrap();
        Place { uri, variables, storage: Storage::new(config), every, uploads: Box::new(uploads) }
    }
}

fn local() {
    let folder = tempfile::tempdir().unwrap();
    kept(&Place::new(folder.path().display().to_string(), &[], 2, || 0));
}

fn hdfs() {
    let hdfs = Hdfs::start();
    kept(&Place::new(format!("{}/outputs", hdfs.uri()), &[], 7, || 0));
}

fn s3() {
    let s3 = S3::start();
    let variables = [
        ("AWS_ENDPOINT_URL", s3.endpoint()),
        ("AWS_ACCESS_KEY_ID", s3.key().to_owned()),
        ("AWS_SECRET_ACCESS_KEY", s3.secret().to_owned()),
        ("AWS_REGION", s3.region().to_owned()),
    ];
    let uri = format!("s3://{}/outputs", s3.bucket());
    let uploads = || {
        let (status, listed) = s3.request("GET", &format!("/{}?uploads=", s3.bucket()), b"").unwrap();
        assert_eq!(status, 200, "{listed}");
        listed.matches("<UploadId>").count()
    };
    kept(&Place::new(uri, &variables, 6, uploads));
}

/// What kills the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    /// The program, after a step of the commit.
    Driver,
    /// The program, after a step of a part.
    Program,
    /// An executor, after a step of a part: the job goes on.
    Executor,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    mode: SaveMode,
    killed: Killed,
    step: u64,
}

fn kept(place: &Place<'_>) {
    commit_store(&place.storage, &Location::parse(&format!("{}/suite", place.uri)).unwrap());
    let is_full = std::env::var("RSK_FULL").is_ok_and(|full| full == "1");
    let mut sweeps = Vec::new();
    for mode in [SaveMode::Error, SaveMode::Overwrite, SaveMode::Append] {
        for killed in [Killed::Driver, Killed::Program, Killed::Executor] {
            sweeps.push((mode, killed));
        }
    }
    let mut steps = BTreeSet::new();
    for (first, (mode, killed)) in (0..).zip(sweeps) {
        let (start, by) = if is_full { (0, 1) } else { (first * 2 % place.every, place.every) };
        for step in (start..).step_by(usize::try_from(by).unwrap()).map(|step| step + 1) {
            match killed_and_mended(place, Case { mode, killed, step }) {
                Some(name) => steps.insert(format!("{killed:?} {mode}: {name}")),
                None => break,
            };
        }
    }
    for killed in ["Driver", "Program", "Executor"] {
        assert!(steps.iter().any(|step| step.starts_with(killed)), "no {killed} was killed: {steps:?}");
    }
}

/// One job that is killed, and what becomes of it. The step's name; nothing if there were fewer.
fn killed_and_mended(place: &Place<'_>, case: Case) -> Option<String> {
    let folder = format!("{}/{}-{:?}-{}", place.uri, case.mode, case.killed, case.step);
    let typed = format!("{folder}/out");
    let out = Location::parse(&typed).unwrap();
    let old = if case.mode == SaveMode::Error { None } else { Some(lines(&[OLD])) };
    if old.is_some() {
        save(place, &out, SaveMode::Error, OLD);
    }
    let new = if case.mode == SaveMode::Append { lines(&[OLD, NEW]) } else { lines(&[NEW]) };
    let scratch = tempfile::tempdir().unwrap();
    let told = scratch.path().join("told");
    let output = run(place, &typed, case, &told);
    let step = fs::read_to_string(&told).ok();
    let said = String::from_utf8_lossy(&output.stderr);
    let what = format!("{case:?} {step:?}\n{said}");
    if step.is_none() || case.killed == Killed::Executor {
        assert!(output.status.success(), "the job goes on: {what}");
        assert_eq!(read(place, &out), Ok(Some(new)), "{what}");
        assert_eq!(left(place, &folder), [""; 0], "{what}");
        return step;
    }
    assert!(!output.status.success(), "it was killed: {what}");
    let seen = read(place, &out);
    let is_new = seen == Ok(Some(new.clone()));
    // A new output of a store may be committed while nobody can read it yet.
    let is_waiting = case.mode == SaveMode::Error && seen == Err("unfinished".to_owned());
    assert!(is_new || is_waiting || seen == Ok(old.clone()), "{seen:?}: {what}");

    if case.step.is_multiple_of(2) {
        clean_output(&place.storage, &out).unwrap_or_else(|error| panic!("{error}: {what}"));
    } else {
        // The next job does what is to be done before its own.
        let next = CommitLog::open(&place.storage, &out, case.mode);
        match (next, case.mode) {
            (Err(error), SaveMode::Error) => {
                assert!(error.to_string().contains("exists already"), "{error}: {what}");
            }
            (next, _) => drop(next.unwrap_or_else(|error| panic!("{error}: {what}"))),
        }
        // In a store who appends lets others be, as they may still run; and who finds an output does nothing to it.
        clean_output(&place.storage, &out).unwrap_or_else(|error| panic!("{error}: {what}"));
    }
    let mended = read(place, &out);
    assert!(
        mended == Ok(Some(new.clone())) || mended == Ok(old) && !is_new && !is_waiting,
        "{mended:?}: {what}"
    );
    assert_eq!(left(place, &folder), [""; 0], "{what}");
    // Whatever came of it, the job can be run again.
    let again = if case.mode == SaveMode::Append { SaveMode::Append } else { SaveMode::Overwrite };
    save(place, &out, again, NEW);
    let read = read(place, &out).unwrap().unwrap();
    assert!(read.is_superset(&new), "{read:?}: {what}");
    assert_eq!(left(place, &folder), [""; 0], "{what}");
    step
}

fn run(place: &Place<'_>, out: &str, case: Case, told: &Path) -> Output {
    let (role, executors) = match case.killed {
        Killed::Driver => ("commit", "threads"),
        Killed::Program => ("part", "threads"),
        Killed::Executor => ("part", "processes"),
    };
    Command::new(std::env::current_exe().unwrap())
        .args(["--conf", &format!("executors={executors}"), "local[2]", out, &case.mode.to_string(), ASK])
        .envs(place.variables.iter().cloned())
        .env("RSK_CRASH_AT", format!("{role}:{}", case.step))
        .env("RSK_CRASH_TOLD", told)
        .output()
        .unwrap()
}

/// What a job without accidents does.
fn save(place: &Place<'_>, out: &Location, mode: SaveMode, numbers: Range<u64>) {
    let output = CommitLog::open(&place.storage, out, mode).unwrap();
    let mut part =
        PartWriter::create(output.target().attempt(&place.storage, PartitionId(0), TaskId(numbers.start)))
            .unwrap();
    numbers.for_each(|number| part.write_line(number).unwrap());
    output.grant(&part.finish().unwrap()).unwrap();
    output.commit().unwrap();
}

fn lines(ranges: &[Range<u64>]) -> BTreeSet<String> {
    ranges.iter().cloned().flatten().map(|number| number.to_string()).collect()
}

/// The lines of an output, if it is there.
fn read(place: &Place<'_>, out: &Location) -> Result<Option<BTreeSet<String>>, String> {
    let files = match place.storage.list(&out.to_string()) {
        Ok(files) => files,
        Err(ListError::Missing(_)) => return Ok(None),
        Err(ListError::Unfinished(_)) => return Err("unfinished".to_owned()),
        Err(error) => return Err(format!("{error:?}")),
    };
    let mut lines = BTreeSet::new();
    for file in files {
        let bytes = read_binary(&place.storage, &file, 1 << 20).unwrap();
        lines.extend(String::from_utf8(bytes).unwrap().lines().map(str::to_owned));
    }
    Ok(Some(lines))
}

/// What is there that is neither an output, nor its log, nor `_SUCCESS`.
fn left(place: &Place<'_>, folder: &str) -> Vec<String> {
    let mut left: Vec<String> = match Location::parse(folder).unwrap() {
        Location::Local(folder) => below(&folder, ""),
        Location::Remote(root, path) => {
            use futures::TryStreamExt;
            let client = place.storage.client(&root).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let prefix = object_store::path::Path::parse(&path).unwrap();
            let found: Vec<_> = runtime.block_on(client.list(Some(&prefix)).try_collect()).unwrap();
            let names = found.into_iter().map(|meta: object_store::ObjectMeta| meta.location.to_string());
            names.map(|name| name.strip_prefix(&format!("{path}/")).unwrap().to_owned()).collect()
        }
    };
    let is_log = |name: &str| {
        let number = name.strip_prefix("out/_rsk/log/").and_then(|rest| rest.strip_suffix(".json"));
        number.is_some_and(|number| number.parse::<u64>().is_ok())
    };
    let has_success = left.iter().any(|name| name == "out/_SUCCESS");
    left.retain(|name| {
        !(has_success && (is_log(name) || name == "out/_SUCCESS" || name.starts_with("out/part-")))
    });
    left.extend((0..(place.uploads)()).map(|_| "an upload".to_owned()));
    left
}

fn below(folder: &Path, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        let own = entry.file_name().into_string().unwrap();
        let path = if name.is_empty() { own } else { format!("{name}/{own}") };
        let is_folder = entry.file_type().unwrap().is_dir();
        if is_folder {
            let within = below(&entry.path(), &path);
            // An empty folder is something, too.
            found.extend(if within.is_empty() { vec![path] } else { within });
        } else {
            found.push(path);
        }
    }
    found
}
