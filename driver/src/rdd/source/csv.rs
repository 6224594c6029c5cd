//! `ctx.csv_file(paths)`: the records of CSV files.

use super::{Files, Format, text_file::within};
use crate::{Context, Error, Result};
use rsk_executor::TaskContext;
use rsk_storage::{CsvOptions, ReadError, TextPartition, plan_csv, read_csv};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{any::type_name, fmt, marker::PhantomData};

/// Records of CSV files, split by split.
pub type Csv<T> = Files<CsvRecords<T>>;

/// How records of a type are read.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct CsvRecords<T>(CsvOptions, PhantomData<fn() -> T>);

impl<T> Clone for CsvRecords<T> {
    fn clone(&self) -> Self {
        CsvRecords(self.0.clone(), PhantomData)
    }
}

impl<T> fmt::Debug for CsvRecords<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CsvRecords<{}>", type_name::<T>())
    }
}

impl<T: DeserializeOwned + Send + 'static> Format for CsvRecords<T> {
    type Split = TextPartition;
    type Item = T;

    const LOOK_EVERY: u32 = 1024;

    fn read(
        &self,
        split: TextPartition,
        task: &TaskContext,
    ) -> impl Iterator<Item = Result<T, ReadError>> + 'static {
        let text = within(&self.0.text, task);
        read_csv(task.executor().storage(), split, &CsvOptions { text, ..self.0.clone() })
    }
}

impl Context {
    /// The records of CSV files, each of the type asked for, whose first lines name their fields. What `paths` may be, what is
    /// unpacked, and the partitions are as with [`text_file`](Context::text_file); a record is a line.
    ///
    /// A struct that derives `Deserialize` finds its fields by name, and an empty field is a `None`; a tuple is filled field by
    /// field, and so is a list of texts, for records of which nothing is known.
    ///
    /// Errors: those of `text_file`; a record that is not of the type, or has more or fewer fields than its file's first line:
    /// with its file, its first byte and what is wrong.
    ///
    /// ```
    /// use rsk::{Text, prelude::*};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct City { name: String, people: Option<u32> }
    /// let folder = tempfile::tempdir().unwrap();
    /// std::fs::write(folder.path().join("a.csv"), "people,name\n3769,Berlin\n,\"Ur, in Sumer\"\n").unwrap();
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let path = folder.path().display().to_string();
    /// let names = ctx.csv_file::<City>(&path)?.filter(|city| city.people.is_none()).map(|city| city.name);
    /// assert_eq!(names.collect()?, ["Ur, in Sumer"]);
    /// assert_eq!(ctx.csv_file::<Vec<Text>>(&path)?.map(|fields| fields[1].clone()).first()?, "Berlin");
    /// assert!(ctx.csv_file::<(u32, String)>(&path)?.count().is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn csv_file<T: DeserializeOwned + Send + 'static>(&self, paths: &str) -> Result<Csv<T>> {
        self.csv_file_with(paths, CsvOptions { text: self.text_options(), ..CsvOptions::default() })
    }

    /// [`csv_file`](Context::csv_file), read in another way: without a header, between other signs, with fields that hold the ends of
    /// lines.
    ///
    /// Errors: signs that cannot be told apart.
    ///
    /// ```
    /// use rsk::{CsvOptions, prelude::*};
    /// let file = tempfile::NamedTempFile::new().unwrap();
    /// std::fs::write(file.path(), "Berlin;3769\n\"Ur\nin Sumer\";65\n").unwrap();
    /// let ctx = rsk::Context::new("local[2]")?;
    /// let options = CsvOptions { delimiter: b';', header: false, multi_line: true, ..CsvOptions::default() };
    /// let cities = ctx.csv_file_with::<(String, u32)>(&file.path().display().to_string(), options)?;
    /// assert_eq!(cities.collect()?, [("Berlin".to_owned(), 3769), ("Ur\nin Sumer".to_owned(), 65)]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    pub fn csv_file_with<T: DeserializeOwned + Send + 'static>(
        &self,
        paths: &str,
        options: CsvOptions,
    ) -> Result<Csv<T>> {
        options.check().map_err(|error| Error::Argument(error.to_string()))?;
        let splits = plan_csv(&self.list(paths)?, &options);
        Ok(Files::new(self, splits, CsvRecords(options, PhantomData)))
    }
}
