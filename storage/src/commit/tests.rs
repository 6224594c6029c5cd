use super::*;
use crate::PartWriter;
use rsk_proto::{PartitionId, TaskError, TaskId};

fn part(folder: &Path, partition: u32, task: u64) -> PartFile {
    let mut part = PartWriter::create(folder, PartitionId(partition), TaskId(task)).unwrap();
    part.write_line(task).unwrap();
    part.finish().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a/b/out");
    let output = OutputCommit::prepare(&out).unwrap();
    output.commit_part(&part(&out, 3, 9)).unwrap();
    drop(output);
    assert_eq!(names(folder.path()), [""; 0], "an aborted output leaves nothing, nor do its parents");
    let output = OutputCommit::prepare(&out).unwrap();
    output.commit_part(&part(&out, 3, 9)).unwrap();
    part(&out, 4, 10);
    assert!(!out.join("_SUCCESS").exists());
    output.commit().unwrap();
    assert_eq!(names(&out), ["_SUCCESS", "part-00003"]);
    assert_eq!(fs::read_to_string(out.join("part-00003")).unwrap(), "9\n");
}

#[test]
fn whatever_is_there_is_refused_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, file, link) = (folder.path().join("d"), folder.path().join("f"), folder.path().join("l"));
    fs::create_dir(&empty).unwrap();
    fs::write(&file, "theirs").unwrap();
    std::os::unix::fs::symlink("/none", &link).unwrap();
    for there in [empty, file.clone(), link] {
        let error = OutputCommit::prepare(&there).unwrap_err();
        assert!(matches!(&error, WriteError::Exists(path) if *path == there), "{error}");
    }
    let below = OutputCommit::prepare(&file.join("out")).unwrap_err();
    assert!(matches!(below, WriteError::Folder(..)), "{below}");
    let nowhere = OutputCommit::prepare(Path::new("/proc/rsk/out")).unwrap_err();
    assert!(nowhere.to_string().contains("/proc/rsk/out"), "{nowhere}");
    assert_eq!(names(folder.path()), ["d", "f", "l"]);
}

#[test]
fn of_two_jobs_with_one_output_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a/out");
    let tried: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..8).map(|_| scope.spawn(|| OutputCommit::prepare(&out))).collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (made, refused): (Vec<_>, Vec<_>) = tried.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    assert!(refused.iter().all(|one| matches!(one, Err(WriteError::Exists(_)))), "{refused:?}");
    assert!(aside(&out).is_dir(), "who was refused has removed nothing");
}

#[test]
fn the_first_attempt_to_be_published_stays() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output = OutputCommit::prepare(&out).unwrap();
    let (first, second) = (part(&out, 0, 1), part(&out, 0, 2));
    output.commit_part(&first).unwrap();
    let error = output.commit_part(&second).unwrap_err();
    assert!(matches!(error, WriteError::Published(_)), "{error}");
    assert_eq!(TaskError::from(error), TaskError::CommitDenied);
    output.commit().unwrap();
    assert_eq!(fs::read_to_string(out.join("part-00000")).unwrap(), "1\n");
    assert_eq!(names(&out), ["_SUCCESS", "part-00000"]);
}

#[test]
fn what_others_put_there_is_never_removed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a/out");
    let output = OutputCommit::prepare(&out).unwrap();
    output.commit_part(&part(&out, 0, 1)).unwrap();
    fs::write(out.join("notes"), "theirs").unwrap();
    fs::write(out.join("part-00001"), "theirs").unwrap();
    let error = output.commit_part(&part(&out, 1, 2)).unwrap_err();
    assert!(matches!(error, WriteError::Exists(_)), "{error}");
    drop(output);
    assert_eq!(names(&out), ["notes", "part-00001"]);
}

#[test]
fn a_folder_in_the_place_of_ours_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let first = OutputCommit::prepare(&out).unwrap();
    let written = part(&out, 0, 1);
    fs::remove_dir_all(&out).unwrap();
    assert!(matches!(first.commit_part(&written), Err(WriteError::Gone(_))));
    let second = OutputCommit::prepare(&out).unwrap();
    second.commit_part(&part(&out, 0, 2)).unwrap();
    drop(first);
    second.commit().unwrap();
    assert_eq!(fs::read_to_string(out.join("part-00000")).unwrap(), "2\n");
    let gone = folder.path().join("gone");
    let output = OutputCommit::prepare(&gone).unwrap();
    fs::remove_dir_all(&gone).unwrap();
    assert!(matches!(output.commit(), Err(WriteError::Gone(_))));
}
