//! What every store of outputs promises, as code: run over local files here, over HDFS and S3 by the integration tests.

#![expect(clippy::expect_used, reason = "a suite fails by panicking")]

use super::{
    Aside, Part, SaveMode,
    core::Thing,
    store::{CommitStore, Listed},
};
use crate::{Location, PartTarget, PartWriter, Storage};
use rsk_proto::{PartitionId, TaskId};
use std::{sync::Arc, thread};

/// The promises, in a folder of the suite's own.
///
/// # Panics
///
/// One is broken.
pub fn commit_store(storage: &Storage, folder: &Location) {
    let store = super::store(storage, folder).expect("the store is known");
    let at = |name: &str| folder.join(name);
    store.make_folder(folder).expect("a folder is made");
    of_many_who_put_one_thing_one_wins(&store, &at("one/entry.json"));
    files_are_listed_read_and_deleted_twice(&*store, &at("two"));
    a_part_is_published_twice(storage, &*store, &at("three"));
    folders_take_names_that_are_free(&*store, folder);
}

fn of_many_who_put_one_thing_one_wins(store: &Arc<dyn CommitStore>, at: &Location) {
    if let (Location::Local(path), store) = (at, store) {
        store.make_folder(&path.parent().unwrap_or(path).into()).expect("a folder is made");
    }
    let won: Vec<bool> = thread::scope(|scope| {
        let tried = |number: u8| scope.spawn(move || store.put_new(at, &[number]).expect("it is put or not"));
        let tried: Vec<_> = (0..8).map(tried).collect();
        tried.into_iter().map(|one| one.join().expect("it does not panic")).collect()
    });
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    let winner = won.iter().position(|won| *won).and_then(|at| u8::try_from(at).ok());
    assert_eq!(store.read(at).expect("it is read"), winner.map(|winner| vec![winner]));
    assert!(!store.put_new(at, b"later").expect("it is refused"));
    store.put(at, b"over").expect("it is replaced");
    assert_eq!(store.read(at).expect("it is read").as_deref(), Some(&b"over"[..]));
}

fn files_are_listed_read_and_deleted_twice(store: &dyn CommitStore, folder: &Location) {
    let names = |folder: &Location| -> Vec<(String, u64)> {
        let mut found: Vec<_> = store.list(folder).expect("it is listed").into_iter().collect();
        found.sort_by(|a: &Listed, b| a.path.cmp(&b.path));
        found.into_iter().map(|file| (file.path, file.bytes)).collect()
    };
    assert_eq!(store.look(folder).expect("it is looked at"), Thing::Nothing);
    assert_eq!((names(folder), store.read(&folder.join("a")).expect("it is looked for")), (vec![], None));
    store.make_folder(&folder.join("b")).expect("a folder is made");
    store.put(&folder.join("b/c ü"), b"12").expect("it is put");
    store.put(&folder.join("a"), b"1").expect("it is put");
    assert_eq!(names(folder), [("a".to_owned(), 1), ("b/c ü".to_owned(), 2)]);
    assert_eq!(store.look(folder).expect("it is looked at"), Thing::Folder);
    assert_eq!(store.look(&folder.join("a")).expect("it is looked at"), Thing::Other);
    for _ in 0..2 {
        store.delete(&folder.join("a")).expect("it is deleted");
        store.delete(&folder.join("none/x")).expect("nothing is deleted");
    }
    assert_eq!(names(folder).len(), 1);
    store.put(&folder.join("a"), b"1").expect("it is put");
    store.delete(&folder.join("b/c ü")).expect("it is deleted");
    for _ in 0..2 {
        assert!(store.delete_empty(&folder.join("b")).expect("it is empty"));
    }
    for _ in 0..2 {
        store.delete_folder(folder).expect("it is deleted");
    }
    assert_eq!(store.look(folder).expect("it is looked at"), Thing::Nothing);
}

fn a_part_is_published_twice(storage: &Storage, store: &dyn CommitStore, out: &Location) {
    let job = super::job::unique_name();
    let target =
        PartTarget { out: out.clone(), base: out.clone(), job: job.clone(), is_named: true, host: None };
    store.make_folder(&out.join(&super::pending_path(&job))).expect("a folder is made");
    let write = |partition: u32, bytes: &[u8]| -> Part {
        let attempt = target.attempt(storage, PartitionId(partition), TaskId(1));
        let mut part = PartWriter::create(attempt).expect("it is begun");
        part.write_record(bytes).expect("it is written");
        part.finish().expect("it is finished").part
    };
    // Of no bytes, of some, and of several pieces where there are pieces.
    for (partition, bytes) in (0..).zip([&b""[..], &b"to be"[..], &vec![7; 17 << 20][..]]) {
        let part = write(partition, bytes);
        let at = out.join(&part.name);
        assert_eq!((part.bytes, part.checksum), (bytes.len() as u64, Some(crc32c::crc32c(bytes))));
        assert_eq!(store.read(&at).expect("it is looked for"), None, "nothing is seen before");
        for _ in 0..2 {
            store.publish(out, &part).expect("it is published");
            assert!(store.read(&at).expect("it is read").as_deref() == Some(bytes));
        }
        // An upload that nobody knows any more has been completed, if what is there is what it was.
        let forgotten = match part.aside {
            Some(Aside::Upload { id, tags }) => {
                let changed = id.replace(|digit: char| digit.is_ascii_digit(), "a");
                Some(Aside::Upload { id: changed, tags })
            }
            aside => aside,
        };
        let again = Part { aside: forgotten, ..part };
        store.publish(out, &again).expect("it is there");
        let other = Part { bytes: again.bytes + 1, ..again };
        assert!(store.publish(out, &other).is_err(), "another part is not there: {other:?}");
    }
    // One that nobody wants goes, and cannot be published.
    let part = write(9, b"unwanted");
    if let Some(Aside::Upload { id, .. }) = &part.aside {
        let open = store.uploads(out).expect("they are listed");
        assert!(open.iter().any(|upload| upload.path == part.name && upload.id == *id), "{open:?}");
        for _ in 0..2 {
            store.abort(&out.join(&part.name), id).expect("it is aborted");
        }
        assert_eq!(store.uploads(out).expect("they are listed"), []);
    }
    store.delete_folder(&out.join(super::PENDING)).expect("it is deleted");
    assert!(store.publish(out, &part).is_err());
}

fn folders_take_names_that_are_free(store: &dyn CommitStore, folder: &Location) {
    let (one, other) = (folder.join("._rsk_x.1"), folder.join("x"));
    let can = store.abilities(&other, SaveMode::Overwrite).expect("it is known");
    if !can.moves {
        return;
    }
    store.make_folder(&one).expect("a folder is made");
    store.put(&one.join("a"), b"1").expect("it is put");
    let beside = store.beside(folder, "._rsk_x.").expect("it is listed");
    assert_eq!(beside, ["._rsk_x.1"]);
    assert!(store.move_new(&one, &other).expect("it is moved"));
    assert_eq!(store.read(&other.join("a")).expect("it is read").as_deref(), Some(&b"1"[..]));
    assert!(store.move_new(&one, &folder.join("y")).is_err(), "it is gone");
    store.make_folder(&one).expect("a folder is made");
    store.put(&one.join("a"), b"2").expect("it is put");
    assert!(!store.move_new(&one, &other).expect("it is refused"));
    if store.abilities(&other, SaveMode::Overwrite).expect("it is known").exchanges {
        store.exchange(&one, &other).expect("they are exchanged");
        assert_eq!(store.read(&other.join("a")).expect("it is read").as_deref(), Some(&b"2"[..]));
        assert_eq!(store.read(&one.join("a")).expect("it is read").as_deref(), Some(&b"1"[..]));
    }
    store.delete_folder(&one).expect("it is deleted");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_files() {
        let folder = tempfile::tempdir().unwrap();
        commit_store(&Storage::default(), &folder.path().join("suite").as_path().into());
    }
}
