//! `ctx.whole_text_files(paths)` and `ctx.binary_files(paths)`: a record a file.

use super::{Files, Format, text_file::within};
use crate::{Context, Result};
use rsk_executor::TaskContext;
use rsk_storage::{InputFile, ReadError, Text, TextOptions, plan_whole, read_binary, whole_text};
use serde::{Deserialize, Serialize};

/// Files as text, each with its path.
pub type WholeTextFiles = Files<WholeText>;

/// Files as bytes, each with its path.
pub type BinaryFiles = Files<WholeBytes>;

/// How files are read as text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WholeText(TextOptions);

/// How files are read as bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WholeBytes(TextOptions);

impl Format for WholeText {
    type Split = Vec<InputFile>;
    type Item = (Text, Text);

    const LOOK_EVERY: u32 = 1;

    fn read(
        &self,
        files: Vec<InputFile>,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<(Text, Text), ReadError>> + 'static {
        let options = within(&self.0, task);
        let storage = task.executor().storage().clone();
        files.into_iter().map(move |file| Ok((path_of(&file), whole_text(&storage, &file, &options)?)))
    }
}

impl Format for WholeBytes {
    type Split = Vec<InputFile>;
    type Item = (Text, Vec<u8>);

    const LOOK_EVERY: u32 = 1;

    fn read(
        &self,
        files: Vec<InputFile>,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<(Text, Vec<u8>), ReadError>> + 'static {
        let bytes_max = within(&self.0, task).record_bytes_max;
        let storage = task.executor().storage().clone();
        files.into_iter().map(move |file| Ok((path_of(&file), read_binary(&storage, &file, bytes_max)?)))
    }
}

fn path_of(file: &InputFile) -> Text {
    Text::from(&*file.location.to_string())
}

/// Files by partition: as many as the options ask for, and a block of bytes in each or less.
fn deal(context: &Context, paths: &str, options: &TextOptions) -> Result<Vec<Vec<InputFile>>> {
    let files = context.list(paths)?;
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    Ok(plan_whole(&files, options.splits_min.max(bytes.div_ceil(options.block_bytes.max(1)))))
}

impl Context {
    /// Text files, each as one pair of its path and all its text; what `paths` may be and what is unpacked is as with
    /// [`text_file`](Context::text_file).
    ///
    /// Shape: neighbours share a partition of about 32 MiB, of which there are at least as many as slots, if files allow.
    ///
    /// Bounds: a file larger than 256 MiB, or than a task's share of memory, is an error.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let folder = tempfile::tempdir().unwrap();
    /// std::fs::write(folder.path().join("a.txt"), "to be\nor not").unwrap();
    /// let ctx = rsk::Context::new("local")?;
    /// let (path, text) = ctx.whole_text_files(&folder.path().display().to_string())?.first()?;
    /// assert!(path.ends_with("/a.txt"));
    /// assert_eq!(text, "to be\nor not");
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn whole_text_files(&self, paths: &str) -> Result<WholeTextFiles> {
        self.whole_text_files_with(paths, self.text_options())
    }

    /// [`whole_text_files`](Context::whole_text_files), read in another way.
    ///
    /// ```
    /// use rsk::{InvalidUtf8, TextOptions, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// std::fs::write(folder.path().join("a.txt"), b"caf\xe9").unwrap();
    /// let ctx = rsk::Context::new("local")?;
    /// let options = TextOptions { invalid_utf8: InvalidUtf8::Lossy, ..TextOptions::default() };
    /// let files = ctx.whole_text_files_with(&folder.path().display().to_string(), options)?;
    /// assert_eq!(files.first()?.1, "caf\u{fffd}");
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn whole_text_files_with(&self, paths: &str, options: TextOptions) -> Result<WholeTextFiles> {
        Ok(Files::new(self, deal(self, paths, &options)?, WholeText(options)))
    }

    /// Files, each as one pair of its path and all its bytes as they are; partitions and bounds are those of
    /// [`whole_text_files`](Context::whole_text_files).
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let folder = tempfile::tempdir().unwrap();
    /// std::fs::write(folder.path().join("a.bin"), [0xff, 0]).unwrap();
    /// let ctx = rsk::Context::new("local")?;
    /// assert_eq!(ctx.binary_files(&folder.path().display().to_string())?.first()?.1, [0xff, 0]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn binary_files(&self, paths: &str) -> Result<BinaryFiles> {
        let options = self.text_options();
        Ok(Files::new(self, deal(self, paths, &options)?, WholeBytes(options)))
    }
}
