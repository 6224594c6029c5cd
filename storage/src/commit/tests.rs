use super::*;
use crate::PartWriter;
use rsk_proto::{PartitionId, TaskError, TaskId};
use std::{fs, path::Path};

fn open(out: &Path, mode: SaveMode) -> Result<CommitLog, WriteError> {
    CommitLog::open(&Storage::default(), &out.into(), mode)
}

fn part(output: &CommitLog, partition: u32, task: u64) -> PartFile {
    let storage = Storage::default();
    let attempt = output.target().attempt(&storage, PartitionId(partition), TaskId(task));
    let mut part = PartWriter::create(attempt).unwrap();
    part.write_line(task).unwrap();
    part.finish().unwrap()
}

/// Saves some parts, a number each.
fn save(out: &Path, mode: SaveMode, tasks: std::ops::Range<u64>) -> Result<(), WriteError> {
    let output = open(out, mode)?;
    for (partition, task) in (0..).zip(tasks) {
        output.grant(&part(&output, partition, task))?;
    }
    output.commit()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What rsk reads there.
fn read(out: &Path) -> String {
    let files = Storage::default().list(&out.display().to_string()).unwrap();
    files.iter().map(|file| fs::read_to_string(file.location.local().unwrap()).unwrap()).collect()
}

#[test]
fn all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a/b/out");
    let output = open(&out, SaveMode::Error).unwrap();
    output.grant(&part(&output, 3, 9)).unwrap();
    assert!(!out.exists());
    drop(output);
    assert_eq!(names(folder.path()), [""; 0], "an aborted output leaves nothing, nor do its parents");
    let output = open(&out, SaveMode::Error).unwrap();
    output.grant(&part(&output, 3, 9)).unwrap();
    part(&output, 4, 10);
    assert!(!out.exists());
    output.commit().unwrap();
    assert_eq!(names(&out), ["_SUCCESS", "_rsk", "part-00003"]);
    assert_eq!(names(&out.join("_rsk")), ["log"]);
    assert_eq!(names(&folder.path().join("a/b")), ["out"]);
    assert_eq!(fs::read_to_string(out.join("part-00003")).unwrap(), "9\n");
}

#[test]
fn whatever_is_there_is_refused_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, file, link) = (folder.path().join("d"), folder.path().join("f"), folder.path().join("l"));
    fs::create_dir(&empty).unwrap();
    fs::write(&file, "theirs").unwrap();
    std::os::unix::fs::symlink("/none", &link).unwrap();
    for there in [&empty, &file, &link] {
        let error = open(there, SaveMode::Error).unwrap_err();
        assert!(matches!(&error, WriteError::Exists(path) if path.local() == Some(there)), "{error}");
    }
    for there in [&file, &link] {
        let error = open(there, SaveMode::Overwrite).unwrap_err();
        assert!(matches!(error, WriteError::NotAFolder(..)), "{error}");
    }
    let below = open(&file.join("out"), SaveMode::Error).unwrap_err();
    assert!(matches!(below, WriteError::Folder(..)), "{below}");
    let nowhere = open(Path::new("/proc/rsk/out"), SaveMode::Error).unwrap_err();
    assert!(nowhere.to_string().contains("/proc/rsk"), "{nowhere}");
    assert_eq!(names(folder.path()), ["d", "f", "l"]);
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("letters"), "dear").unwrap();
    let error = open(&home, SaveMode::Overwrite).unwrap_err();
    assert!(matches!(error, WriteError::NotAnOutput(_)), "{error}");
    assert_eq!(names(&home), ["letters"]);
}

#[test]
fn of_two_jobs_with_one_output_one_is_refused() {
    for mode in [SaveMode::Error, SaveMode::Overwrite, SaveMode::Append] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/out");
        if mode != SaveMode::Error {
            save(&out, mode, 0..2).unwrap();
        }
        let tried: Vec<_> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&out, mode))).collect();
            started.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let (made, refused): (Vec<_>, Vec<_>) = tried.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 1);
        assert!(refused.iter().all(|one| matches!(one, Err(WriteError::Busy(_)))), "{refused:?}");
        for output in made {
            let output = output.unwrap();
            output.grant(&part(&output, 0, 7)).unwrap();
            output.commit().unwrap();
        }
        assert!(read(&out).ends_with("7\n"), "who was refused has removed nothing");
    }
}

#[test]
fn the_first_attempt_to_be_taken_stays() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output = open(&out, SaveMode::Error).unwrap();
    let (first, second) = (part(&output, 0, 1), part(&output, 0, 2));
    output.grant(&first).unwrap();
    let error = output.grant(&second).unwrap_err();
    assert!(matches!(error, WriteError::Published(_)), "{error}");
    assert_eq!(TaskError::from(error), TaskError::CommitDenied);
    output.commit().unwrap();
    assert_eq!(fs::read_to_string(out.join("part-00000")).unwrap(), "1\n");
    assert_eq!(names(&out), ["_SUCCESS", "_rsk", "part-00000"]);
}

#[test]
fn an_output_is_overwritten_in_one_step_and_only_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    save(&out, SaveMode::Overwrite, 0..3).unwrap();
    let output = open(&out, SaveMode::Overwrite).unwrap();
    output.grant(&part(&output, 0, 7)).unwrap();
    assert_eq!(read(&out), "0\n1\n2\n");
    drop(output);
    assert_eq!((read(&out).as_str(), names(folder.path())), ("0\n1\n2\n", vec!["out".to_owned()]));
    save(&out, SaveMode::Overwrite, 7..8).unwrap();
    assert_eq!(read(&out), "7\n");
    assert_eq!(names(&out), ["_SUCCESS", "_rsk", "part-00000"]);
    assert_eq!(names(&out.join("_rsk/log")), ["1.json"], "numbers go on");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&out, &link).unwrap();
    save(&link, SaveMode::Overwrite, 8..9).unwrap();
    assert_eq!(read(&out), "8\n", "what a link leads to is replaced, and not the link");
    assert_eq!(names(folder.path()), ["link", "out"]);
}

#[test]
fn what_is_appended_to_stays() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    save(&out, SaveMode::Append, 0..2).unwrap();
    let before = names(&out);
    let output = open(&out, SaveMode::Append).unwrap();
    output.grant(&part(&output, 0, 5)).unwrap();
    assert_eq!(read(&out), "0\n1\n");
    drop(output);
    assert_eq!(names(&out), before);
    assert_eq!(names(&out.join("_rsk")), ["log"]);
    for task in 5..45 {
        save(&out, SaveMode::Append, task..task + 1).unwrap();
    }
    let all: Vec<String> = (0..2).chain(5..45).map(|task| task.to_string()).collect();
    assert_eq!(read(&out).lines().collect::<Vec<_>>(), all);
    assert!(names(&out.join("_rsk/log")).len() < 40, "the log is written anew now and then");
    let success: Success = serde_json::from_slice(&fs::read(out.join(SUCCESS)).unwrap()).unwrap();
    assert!(names(&out).iter().any(|name| name.ends_with(&success.job)));
    // What another program wrote is adopted.
    let theirs = folder.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("part-r-00000"), "theirs\n").unwrap();
    save(&theirs, SaveMode::Append, 1..2).unwrap();
    assert_eq!(read(&theirs), "theirs\n1\n");
}

#[test]
fn a_folder_in_the_place_of_ours_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output = open(&out, SaveMode::Error).unwrap();
    let written = part(&output, 0, 1);
    output.grant(&part(&output, 1, 2)).unwrap();
    fs::remove_dir_all(output.target().base.local().unwrap()).unwrap();
    let gone = output.grant(&written).unwrap_err();
    assert!(matches!(&gone, WriteError::Gone(at) if at.local() == Some(&out)), "{gone}");
    let gone = output.commit().unwrap_err();
    assert!(matches!(&gone, WriteError::Gone(at) if at.local() == Some(&out)), "{gone}");
    let output = open(&out, SaveMode::Error).unwrap();
    fs::create_dir(&out).unwrap();
    assert!(matches!(output.commit(), Err(WriteError::Exists(_))), "an empty folder, too, is somebody's");
    assert_eq!((names(folder.path()), names(&out)), (vec!["out".to_owned()], vec![]));
}

#[test]
fn a_log_that_is_damaged_or_names_what_is_gone_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    save(&out, SaveMode::Error, 0..2).unwrap();
    let list = || Storage::default().list(&out.display().to_string()).map_err(|error| error.to_string());
    fs::rename(out.join("part-00001"), folder.path().join("kept")).unwrap();
    assert!(list().unwrap_err().contains("part-00001"), "{:?}", list());
    fs::rename(folder.path().join("kept"), out.join("part-00001")).unwrap();
    assert_eq!(list().map(|files| files.len()), Ok(2));
    fs::write(out.join("_rsk/log/0.json"), "{").unwrap();
    assert!(list().unwrap_err().contains("cannot read the log"), "{:?}", list());
}
