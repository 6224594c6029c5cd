//! Files of this host.

use super::{
    Role, SaveMode,
    core::{Abilities, Thing},
    entry::{Aside, HALF, Part},
    point,
    store::{CommitStore, Held, Listed, OpenUpload},
};
use crate::{Location, WriteError};
use rustix::fs::{CWD, RenameFlags};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Up to so many files each is made durable by itself; where there are more, the whole file system is, which takes one call.
const SYNCED_ALONE_MAX: usize = 32;
/// Somebody may write into a folder while it is removed.
const REMOVALS_MAX: usize = 10;

#[derive(Debug)]
pub(super) struct Local;

fn path(at: &Location) -> Result<&Path, WriteError> {
    at.local().ok_or_else(|| WriteError::ReadOnly(at.clone()))
}

/// A name beside `target` that nobody has.
fn half(target: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    target.with_file_name(format!("{HALF}{name}.{}-{next}", std::process::id()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a file beside its place, has it put there, and both made durable.
fn write(at: &Path, bytes: &[u8], place: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let half = half(at);
    let written = File::create_new(&half).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    point(Role::Commit, "a small file is written beside its place");
    let placed = written.and_then(|()| place(&half));
    if placed.is_err() {
        // There is nobody to tell: what went wrong before is told.
        fs::remove_file(&half).unwrap_or(());
    }
    placed?;
    sync_folder(folder_of(at))
}

fn walk(folder: &Path, below: &str, found: &mut Vec<Listed>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if is_missing(&error) => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidFilename, format!("{} is no UTF-8", name.display()))
        })?;
        let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        match entry.metadata() {
            Ok(there) if there.is_dir() => walk(&entry.path(), &path, found)?,
            // A link is as long as what it leads to.
            Ok(there) if there.is_symlink() => {
                let bytes = fs::metadata(entry.path()).map_or(0, |there| there.len());
                found.push(Listed { path, bytes, tag: None });
            }
            Ok(there) => found.push(Listed { path, bytes: there.len(), tag: None }),
            // It went meanwhile.
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unless_missing(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|error| if is_missing(&error) { Ok(()) } else { Err(error) })
}

/// Can `out` and a folder beside it change names in one step? Not where something is mounted there.
fn can_exchange(out: &Path) -> io::Result<bool> {
    if fs::metadata(out)?.dev() != fs::metadata(folder_of(out))?.dev() {
        return Ok(false);
    }
    let (one, other) = (half(out), half(out));
    let made = fs::create_dir(&one).and_then(|()| fs::create_dir(&other));
    let tried =
        made.map(|()| rustix::fs::renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).is_ok());
    // They are empty, and what is left of them is swept with all that is half written.
    fs::remove_dir(&one).unwrap_or(());
    fs::remove_dir(&other).unwrap_or(());
    tried
}

/// A lock file, which goes with the lock.
struct LockFile(PathBuf, #[expect(dead_code, reason = "it is locked while it is open")] File);

impl Drop for LockFile {
    fn drop(&mut self) {
        // Whoever opened it meanwhile notices that it has no name any more.
        fs::remove_file(&self.0).unwrap_or(());
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn lock_path(out: &Path) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!("{HALF}{name}.lock"))
}

/// Takes the name of an output that is not there.
fn hold_name(out: &Path) -> io::Result<Option<Held>> {
    let lock = lock_path(out);
    loop {
        let file = File::options().create(true).truncate(false).write(true).open(&lock)?;
        if !try_lock(&file)? {
            return Ok(None);
        }
        let own = file.metadata()?;
        match fs::metadata(&lock) {
            Ok(there) if (there.dev(), there.ino()) == (own.dev(), own.ino()) => {
                return Ok(Some(Box::new(LockFile(lock, file))));
            }
            // Its owner removed it when it was done.
            _ => {}
        }
    }
}

/// Takes an output that is there.
fn hold_folder(out: &Path) -> io::Result<Option<Held>> {
    let folder = File::open(out)?;
    if !try_lock(&folder)? {
        return Ok(None);
    }
    // Whoever gave the folder its name may have been killed just then.
    if lock_path(out).exists() {
        drop(hold_name(out)?);
    }
    Ok(Some(Box::new(folder)))
}

impl CommitStore for Local {
    fn abilities(&self, out: &Location, mode: SaveMode) -> Result<Abilities, WriteError> {
        let out = path(out)?;
        let is_asked = mode == SaveMode::Overwrite && out.is_dir();
        // Where nothing can be made beside it, it is overwritten in its place.
        let exchanges = is_asked && can_exchange(out).unwrap_or(false);
        Ok(Abilities { moves: true, exchanges })
    }

    fn look(&self, at: &Location) -> Result<Thing, WriteError> {
        let path = path(at)?;
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Thing::Nothing),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(WriteError::folder(path)(error))
            }
            Err(error) => Err(WriteError::of(path)(error)),
            Ok(_) if path.is_dir() => Ok(Thing::Folder),
            Ok(_) => Ok(Thing::Other),
        }
    }

    fn list(&self, folder: &Location) -> Result<Vec<Listed>, WriteError> {
        let folder = path(folder)?;
        let mut found = Vec::new();
        walk(folder, "", &mut found).map_err(WriteError::of(folder))?;
        Ok(found)
    }

    fn beside(&self, folder: &Location, start: &str) -> Result<Vec<String>, WriteError> {
        let folder = path(folder)?;
        let names = || -> io::Result<Vec<String>> {
            let entries = fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
            let names = entries.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default()));
            names.filter(|name| name.as_ref().map_or(true, |name| name.starts_with(start))).collect()
        };
        match names() {
            Err(error) if is_missing(&error) => Ok(Vec::new()),
            names => names.map_err(WriteError::of(folder)),
        }
    }

    fn read(&self, at: &Location) -> Result<Option<Vec<u8>>, WriteError> {
        let at = path(at)?;
        match fs::read(at) {
            Err(error) if is_missing(&error) => Ok(None),
            read => read.map(Some).map_err(WriteError::of(at)),
        }
    }

    fn put_new(&self, at: &Location, bytes: &[u8]) -> Result<bool, WriteError> {
        let at = path(at)?;
        let placed = write(at, bytes, |half| {
            fs::hard_link(half, at)?;
            point(Role::Commit, "a small file has two names");
            fs::remove_file(half)
        });
        match placed {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(WriteError::of(at)(error)),
        }
    }

    fn put(&self, at: &Location, bytes: &[u8]) -> Result<(), WriteError> {
        let at = path(at)?;
        write(at, bytes, |half| fs::rename(half, at)).map_err(WriteError::of(at))
    }

    fn make_folder(&self, at: &Location) -> Result<(), WriteError> {
        let at = path(at)?;
        fs::create_dir_all(at).map_err(WriteError::folder(at))
    }

    fn delete(&self, file: &Location) -> Result<(), WriteError> {
        let file = path(file)?;
        unless_missing(fs::remove_file(file)).map_err(WriteError::of(file))
    }

    fn delete_folder(&self, folder: &Location) -> Result<(), WriteError> {
        let folder = path(folder)?;
        let mut tried = Ok(());
        for _ in 0..REMOVALS_MAX {
            tried = match fs::symlink_metadata(folder) {
                Ok(there) if !there.is_dir() => unless_missing(fs::remove_file(folder)),
                _ => unless_missing(fs::remove_dir_all(folder)),
            };
            if !matches!(&tried, Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty) {
                break;
            }
        }
        tried.map_err(WriteError::of(folder))
    }

    fn delete_empty(&self, folder: &Location) -> Result<bool, WriteError> {
        let folder = path(folder)?;
        match fs::remove_dir(folder) {
            Ok(()) => Ok(true),
            Err(error) if is_missing(&error) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
            Err(error) => Err(WriteError::of(folder)(error)),
        }
    }

    fn publish(&self, base: &Location, part: &Part) -> Result<(), WriteError> {
        let to = base.join(&part.name);
        let target = path(&to)?;
        let Some(Aside::File(aside)) = &part.aside else { return Ok(()) };
        let aside = base.join(aside);
        match fs::rename(path(&aside)?, target) {
            Err(error) if is_missing(&error) => match fs::metadata(target) {
                Ok(there) if there.len() == part.bytes => Ok(()),
                _ => Err(WriteError::Gone(base.clone())),
            },
            moved => moved.map_err(WriteError::of(target)),
        }
    }

    fn sync(&self, folder: &Location, files: &[Location]) -> Result<(), WriteError> {
        let folder = path(folder)?;
        if files.len() > SYNCED_ALONE_MAX {
            let synced = File::open(folder).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
            return synced.map_err(WriteError::of(folder));
        }
        for file in files {
            let file = path(file)?;
            File::open(file).and_then(|file| file.sync_all()).map_err(WriteError::of(file))?;
        }
        let mut folders: Vec<&Path> = files.iter().filter_map(|file| file.local()?.parent()).collect();
        folders.push(folder);
        folders.sort();
        folders.dedup();
        folders.into_iter().try_for_each(|folder| sync_folder(folder).map_err(WriteError::of(folder)))
    }

    fn move_new(&self, from: &Location, to: &Location) -> Result<bool, WriteError> {
        let (from, to) = (path(from)?, path(to)?);
        let moved = match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Not every file system has it. A folder takes no other's place that is not empty.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if fs::symlink_metadata(to).is_err() => {
                fs::rename(from, to)
            }
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => return Ok(false),
            moved => moved.map_err(io::Error::from),
        };
        match moved {
            Ok(()) => sync_folder(folder_of(to)).map(|()| true).map_err(WriteError::of(to)),
            Err(error) => match error.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => Ok(false),
                io::ErrorKind::NotFound => Err(WriteError::Gone(to.into())),
                _ => Err(WriteError::of(to)(error)),
            },
        }
    }

    fn exchange(&self, one: &Location, other: &Location) -> Result<(), WriteError> {
        let (one, other) = (path(one)?, path(other)?);
        let done = rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
        match done {
            Ok(()) => sync_folder(folder_of(other)).map_err(WriteError::of(other)),
            Err(rustix::io::Errno::NOENT) => Err(WriteError::Gone(other.into())),
            Err(error) => Err(WriteError::of(other)(error.into())),
        }
    }

    fn uploads(&self, _: &Location) -> Result<Vec<OpenUpload>, WriteError> {
        Ok(Vec::new())
    }

    fn abort(&self, _: &Location, _: &str) -> Result<(), WriteError> {
        Ok(())
    }

    fn hold(&self, out: &Location, thing: Thing) -> Result<Option<Held>, WriteError> {
        let out = path(out)?;
        let held = match thing {
            Thing::Folder => hold_folder(out),
            Thing::Nothing | Thing::Other => hold_name(out),
        };
        held.map_err(WriteError::folder(out))
    }
}
