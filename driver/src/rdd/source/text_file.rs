//! `ctx.text_file(paths)`: the lines of text files.

use super::{Files, Format};
use crate::{Context, Result};
use rsk_executor::TaskContext;
use rsk_storage::{ReadError, Text, TextOptions, TextPartition, plan, read_lines};
use serde::{Deserialize, Serialize};

/// The lines of text files, split by split.
pub type TextFile = Files<TextLines>;

/// How lines are read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TextLines(TextOptions);

impl Format for TextLines {
    type Split = TextPartition;
    type Item = Text;

    const LOOK_EVERY: u32 = 4096;

    fn read(
        &self,
        split: TextPartition,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<Text, ReadError>> + 'static {
        read_lines(task.executor().storage(), split, &within(&self.0, task))
    }
}

/// The options, but no record beyond what the task may hold.
pub(super) fn within(options: &TextOptions, task: &TaskContext) -> TextOptions {
    let record_bytes_max = options.record_bytes_max.min(task.memory_share());
    TextOptions { record_bytes_max, ..options.clone() }
}

impl Context {
    /// The lines of text files: a path, a folder, a pattern, or several between commas, without their `\n` or `\r\n`. Files
    /// that a [`Codec`](crate::Codec) packed are unpacked: by their first bytes, then by the end of their name.
    ///
    /// Shape: a partition for each 32 MiB of a file, and at least as many as there are slots; a compressed file is one
    /// partition, but bzip2's are cut at their blocks. A line belongs to the partition in which it starts.
    ///
    /// Errors: input that is missing or cannot be listed; while a job reads: a line that is not UTF-8, a file that is
    /// damaged or has shrunk, or that is packed and not named so.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let folder = tempfile::tempdir().unwrap();
    /// std::fs::write(folder.path().join("a.txt"), "to be\r\nor not").unwrap();
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let lines = ctx.text_file(&format!("{}/*.txt", folder.path().display()))?;
    /// assert_eq!(lines.collect()?, ["to be", "or not"]);
    /// assert!(ctx.text_file("no/such/file").unwrap_err().to_string().contains("no/such/file"));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn text_file(&self, paths: &str) -> Result<TextFile> {
        self.text_file_with(paths, self.text_options())
    }

    /// [`text_file`](Context::text_file), read in another way: more partitions, small files together in one, bytes that are
    /// not UTF-8 let through.
    ///
    /// ```
    /// use rsk::{InvalidUtf8, TextOptions, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// for n in 0..100 {
    ///     std::fs::write(folder.path().join(format!("{n:03}")), b"caf\xe9\n").unwrap();
    /// }
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let options = TextOptions { packed: true, invalid_utf8: InvalidUtf8::Lossy, ..TextOptions::default() };
    /// let lines = ctx.text_file_with(&folder.path().display().to_string(), options)?;
    /// assert_eq!((lines.partitions(), lines.count()?, &*lines.first()?), (1, 100, "caf\u{fffd}"));
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn text_file_with(&self, paths: &str, options: TextOptions) -> Result<TextFile> {
        let splits = plan(&self.list(paths)?, &options);
        Ok(Files::new(self, splits, TextLines(options)))
    }

    /// What is used where no options are given.
    pub(super) fn text_options(&self) -> TextOptions {
        TextOptions { splits_min: self.default_partitions() as u64, ..TextOptions::default() }
    }
}
