//! `ctx.object_file(paths)`: records as `save_as_object_file` left them.

use super::{Files, Format};
use crate::{Context, Result};
use rsk_executor::TaskContext;
use rsk_proto::Data;
use rsk_storage::{InputFile, ReadError, read_object_part};
use serde::{Deserialize, Serialize};
use std::{fmt, marker::PhantomData};

/// Records of object files, a partition a file.
pub type ObjectFile<T> = Files<Objects<T>>;

/// How records of a type are read.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Objects<T>(PhantomData<fn() -> T>);

impl<T> Clone for Objects<T> {
    fn clone(&self) -> Self {
        Objects(PhantomData)
    }
}

impl<T> fmt::Debug for Objects<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Objects<{}>", std::any::type_name::<T>())
    }
}

impl<T: Data> Format for Objects<T> {
    type Split = InputFile;
    type Item = T;

    const LOOK_EVERY: u32 = 4096;

    fn read(
        &self,
        file: InputFile,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<T, ReadError>> + 'static {
        let (part, failed) = match read_object_part(task.executor().storage(), &file) {
            Ok(part) => (Some(part), None),
            Err(error) => (None, Some(Err(error))),
        };
        part.into_iter().flatten().chain(failed)
    }
}

impl<T: Data> ObjectFile<T> {
    /// A partition a file.
    pub(crate) fn of_files(context: &Context, files: Vec<InputFile>) -> Self {
        Files::new(context, files, Objects(PhantomData))
    }
}

impl Context {
    /// The records that [`save_as_object_file`](crate::rdd::action::Actions::save_as_object_file) left, a partition a file;
    /// what `paths` may be is as with [`text_file`](Context::text_file).
    ///
    /// Errors: input that is missing or cannot be listed; while a job reads: a file that holds another type, both named;
    /// one that is damaged.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local[2]")?;
    /// ctx.range(0..9, 3).map(|n| (n, n % 2 == 0)).save_as_object_file(&folder)?;
    /// let back = ctx.object_file::<(u64, bool)>(&folder.display().to_string())?;
    /// assert_eq!((back.partitions(), back.count()?, back.first()?), (3, 9, (0, true)));
    /// assert!(ctx.object_file::<String>(&folder.display().to_string())?.count().is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn object_file<T: Data>(&self, paths: &str) -> Result<ObjectFile<T>> {
        Ok(ObjectFile::of_files(self, self.list(paths)?))
    }
}
