//! `ctx.json_lines(paths)`: a value a line.

use super::{Files, Format, text_file::within};
use crate::{Context, Result};
use rsk_executor::TaskContext;
use rsk_storage::{ReadError, TextOptions, TextPartition, plan, read_json};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{any::type_name, fmt, marker::PhantomData};

/// Values of JSON lines, split by split.
pub type JsonLines<T> = Files<JsonValues<T>>;

/// How values of a type are read.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct JsonValues<T>(TextOptions, PhantomData<fn() -> T>);

impl<T> Clone for JsonValues<T> {
    fn clone(&self) -> Self {
        JsonValues(self.0.clone(), PhantomData)
    }
}

impl<T> fmt::Debug for JsonValues<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonValues<{}>", type_name::<T>())
    }
}

impl<T: DeserializeOwned + Send + 'static> Format for JsonValues<T> {
    type Split = TextPartition;
    type Item = T;

    const LOOK_EVERY: u32 = 1024;

    fn read(
        &self,
        split: TextPartition,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<T, ReadError>> + 'static {
        read_json(task.executor().storage(), split, &within(&self.0, task))
    }
}

impl Context {
    /// The values of files of JSON lines, one a line, each of the type asked for; blank lines are passed over. What `paths` may
    /// be, what is unpacked, and the partitions are as with [`text_file`](Context::text_file).
    ///
    /// The type derives `Deserialize`: fields are found by name, others are passed over, an `Option` may be missing.
    ///
    /// Errors: those of `text_file`; a line that is no JSON or not of that type: with its file, its first byte and what is wrong.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Visit { page: String, seconds: Option<f64> }
    /// let folder = tempfile::tempdir().unwrap();
    /// let lines = "{\"page\":\"/\",\"seconds\":1.5}\n\n{\"page\":\"/no\",\"status\":404}\n";
    /// std::fs::write(folder.path().join("a.json"), lines).unwrap();
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let visits = ctx.json_lines::<Visit>(&folder.path().display().to_string())?;
    /// assert_eq!(visits.map(|visit| (visit.page, visit.seconds.is_some())).collect()?, [
    ///     ("/".to_owned(), true),
    ///     ("/no".to_owned(), false),
    /// ]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn json_lines<T: DeserializeOwned + Send + 'static>(&self, paths: &str) -> Result<JsonLines<T>> {
        self.json_lines_with(paths, self.text_options())
    }

    /// [`json_lines`](Context::json_lines), read in another way.
    ///
    /// ```
    /// use rsk::{TextOptions, prelude::*};
    /// let file = tempfile::NamedTempFile::new().unwrap();
    /// std::fs::write(file.path(), "1\n2\n3\n").unwrap();
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let options = TextOptions { splits_min: 3, ..TextOptions::default() };
    /// let numbers = ctx.json_lines_with::<u64>(&file.path().display().to_string(), options)?;
    /// assert_eq!((numbers.partitions(), numbers.collect()?), (3, vec![1, 2, 3]));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn json_lines_with<T: DeserializeOwned + Send + 'static>(
        &self,
        paths: &str,
        options: TextOptions,
    ) -> Result<JsonLines<T>> {
        let splits = plan(&self.list(paths)?, &options);
        Ok(Files::new(self, splits, JsonValues(options, PhantomData)))
    }
}
