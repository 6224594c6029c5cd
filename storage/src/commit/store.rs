//! What the commit of outputs asks of a store.

use super::{
    SaveMode,
    core::{Abilities, Thing},
    entry::Part,
};
use crate::{Location, WriteError};
use std::{any::Any, fmt};

/// A file below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Below the folder.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) tag: Option<String>,
}

/// An upload that was not completed: the path of its final key below the folder that was asked for, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenUpload {
    pub(crate) path: String,
    pub(crate) id: String,
}

/// What holds an output for one job of this host, until it is dropped or the process ends.
pub(crate) type Held = Box<dyn Any + Send + Sync>;

/// A store in which outputs are committed. `suite` is what each promises.
///
/// Bounds: no call is atomic but `put_new` and `move_new`/`exchange`. What a call did may be done again: a file or a folder
/// that is gone is deleted, a part that is in its place is published.
pub(crate) trait CommitStore: fmt::Debug + Send + Sync {
    /// What it can do for an output; exchanges are of interest where something is to be overwritten.
    fn abilities(&self, out: &Location, mode: SaveMode) -> Result<Abilities, WriteError>;

    fn look(&self, at: &Location) -> Result<Thing, WriteError>;

    /// The files at any depth below a folder; none where there is none.
    fn list(&self, folder: &Location) -> Result<Vec<Listed>, WriteError>;

    /// The names in a folder that begin so: of files and of folders. For what lies beside an output.
    fn beside(&self, folder: &Location, start: &str) -> Result<Vec<String>, WriteError>;

    fn read(&self, at: &Location) -> Result<Option<Vec<u8>>, WriteError>;

    /// Writes a small file that is durable and whole when it is seen; `false` if something is there.
    fn put_new(&self, at: &Location, bytes: &[u8]) -> Result<bool, WriteError>;

    /// [`put_new`](CommitStore::put_new) over what is there.
    fn put(&self, at: &Location, bytes: &[u8]) -> Result<(), WriteError>;

    /// Makes a folder and those above it, where a store has folders.
    fn make_folder(&self, at: &Location) -> Result<(), WriteError>;

    fn delete(&self, file: &Location) -> Result<(), WriteError>;

    /// With all that is below.
    fn delete_folder(&self, folder: &Location) -> Result<(), WriteError>;

    /// Removes a folder if it is empty, where a store has folders.
    fn delete_empty(&self, folder: &Location) -> Result<bool, WriteError>;

    /// Puts a part of the output in `base` in its place.
    ///
    /// Errors: it is neither where it waited nor in its place, as it was written.
    fn publish(&self, base: &Location, part: &Part) -> Result<(), WriteError>;

    /// Makes files that were written on this host durable, and their names.
    fn sync(&self, folder: &Location, files: &[Location]) -> Result<(), WriteError>;

    /// Gives a folder the name `to`; `false` if something has it.
    fn move_new(&self, from: &Location, to: &Location) -> Result<bool, WriteError>;

    fn exchange(&self, one: &Location, other: &Location) -> Result<(), WriteError>;

    /// Uploads to keys below a folder.
    fn uploads(&self, folder: &Location) -> Result<Vec<OpenUpload>, WriteError>;

    fn abort(&self, at: &Location, id: &str) -> Result<(), WriteError>;

    /// Takes an output for one job of this host, where a store can: nothing if another has it.
    fn hold(&self, out: &Location, thing: Thing) -> Result<Option<Held>, WriteError>;
}
