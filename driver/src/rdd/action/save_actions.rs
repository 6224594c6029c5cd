//! Actions that write the formats that other programs read.

use super::save::{self, SaveAvro, SaveCsv, SaveJson, SaveOptions};
use crate::{Error, Result, rdd::Rdd};
use rsk_storage::{AvroCodec, AvroSchema, CsvOptions};
use serde::Serialize;
use std::path::Path;

/// What writes records in formats that other programs read. Each runs a job and waits for it.
///
/// Shape: a part a partition, and `_SUCCESS` at last; all else is as with
/// [`save_as_text_file`](super::Actions::save_as_text_file).
///
/// Cost: where none is said, one pass over the records without a shuffle of its own; a part's buffer a task.
pub trait SaveActions: Rdd {
    /// Writes a line of JSON a record, for [`json_lines`](crate::Context::json_lines) and whatever else reads them, into parts
    /// `part-00000.json` and so on.
    ///
    /// A number that is infinite or none becomes `null`. Errors: a map whose keys are no text.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..4, 2).map(|n| (n, n.to_string())).save_as_json_lines(&folder)?;
    /// assert_eq!(std::fs::read_to_string(folder.join("part-00000.json")).unwrap(), "[0,\"0\"]\n[1,\"1\"]\n");
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_json_lines(&self, folder: impl AsRef<Path>) -> Result<()>
    where
        Self::Item: Serialize,
    {
        self.save_as_json_lines_with(folder, SaveOptions::default())
    }

    /// [`save_as_json_lines`](SaveActions::save_as_json_lines), written in another way.
    ///
    /// ```
    /// use rsk::{Codec, SaveOptions, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..4, 2).save_as_json_lines_with(&folder, SaveOptions::default().compress(Codec::Zstd))?;
    /// assert!(folder.join("part-00001.json.zst").exists());
    /// assert_eq!(ctx.json_lines::<u64>(&folder.display().to_string())?.collect()?, [0, 1, 2, 3]);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_json_lines_with(&self, folder: impl AsRef<Path>, options: SaveOptions) -> Result<()>
    where
        Self::Item: Serialize,
    {
        save::save(self, folder.as_ref(), options.save_mode(), SaveJson(options.codec()))
    }

    /// Writes a record as a line of fields between commas, for [`csv_file`](crate::Context::csv_file) and whatever else reads them, into
    /// parts `part-00000.csv` and so on. Structs have their fields' names in each part's first line, tuples and lists have none.
    ///
    /// Errors: a record that holds something that is no field, such as another struct or a map.
    ///
    /// ```
    /// use rsk::prelude::*;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Square { of: u64, is: u64 }
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// ctx.range(0..4, 2).map(|of| Square { of, is: of * of }).save_as_csv(&folder)?;
    /// assert_eq!(std::fs::read_to_string(folder.join("part-00001.csv")).unwrap(), "of,is\n2,4\n3,9\n");
    /// assert_eq!(ctx.csv_file::<Square>(&folder.display().to_string())?.map(|square| square.is).sum()?, 14);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_csv(&self, folder: impl AsRef<Path>) -> Result<()>
    where
        Self::Item: Serialize,
    {
        self.save_as_csv_with(folder, CsvOptions::default(), SaveOptions::default())
    }

    /// [`save_as_csv`](SaveActions::save_as_csv), written in another way: between other signs, without the names of fields,
    /// packed.
    ///
    /// Errors: signs that cannot be told apart, or no quotes, or an escape instead of a second quote.
    ///
    /// ```
    /// use rsk::{Codec, CsvOptions, SaveOptions, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// let csv = CsvOptions { delimiter: b'\t', header: false, ..CsvOptions::default() };
    /// let pairs = ctx.range(0..4, 2).map(|n| (n, format!("{n}\t")));
    /// pairs.save_as_csv_with(&folder, csv.clone(), SaveOptions::default().compress(Codec::Gzip))?;
    /// let back = ctx.csv_file_with::<(u64, String)>(&folder.display().to_string(), csv)?;
    /// assert_eq!(back.collect()?, pairs.collect()?);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_csv_with(&self, folder: impl AsRef<Path>, csv: CsvOptions, options: SaveOptions) -> Result<()>
    where
        Self::Item: Serialize,
    {
        csv.check_writable().map_err(|error| Error::Argument(error.to_string()))?;
        let format = SaveCsv { options: csv, codec: options.codec() };
        save::save(self, folder.as_ref(), options.save_mode(), format)
    }

    /// Writes the records as Avro's object container files by a schema, given as its JSON, for
    /// [`avro_file`](crate::Context::avro_file) and whatever else reads them, into parts `part-00000.avro` and so on.
    ///
    /// Fields are found by name (a tuple's in order); what is left out, or `None`, is null where the schema has it; of a union
    /// the branch is taken that a value fits best, or that an enum's variant names.
    ///
    /// Errors: JSON that is no schema, before any task runs; a record that is none of the schema's.
    ///
    /// ```
    /// use rsk::{AvroCodec, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// let counts = ctx.range(0..4, 2).map(|n| (n.to_string(), n));
    /// let schema = r#"{"type": "record", "name": "Count", "fields": [
    ///     {"name": "word", "type": "string"}, {"name": "count", "type": "long"}]}"#;
    /// counts.save_as_avro(&folder, schema, AvroCodec::Deflate)?;
    /// let back = ctx.avro_file::<(String, u64)>(&folder.display().to_string())?;
    /// assert_eq!(back.collect()?, counts.collect()?);
    /// assert!(counts.save_as_avro("other", "words", AvroCodec::Null).is_err());
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_avro(&self, folder: impl AsRef<Path>, schema: &str, codec: AvroCodec) -> Result<()>
    where
        Self::Item: Serialize,
    {
        self.save_as_avro_with(folder, schema, codec, SaveOptions::default())
    }

    /// [`save_as_avro`](SaveActions::save_as_avro), over what is there, or beside it.
    ///
    /// Errors: options with a codec, as the file packs itself.
    ///
    /// ```
    /// use rsk::{AvroCodec, SaveMode, SaveOptions, prelude::*};
    /// let folder = tempfile::tempdir().unwrap();
    /// let folder = folder.path().join("out");
    /// let ctx = rsk::Context::new("local")?;
    /// for mode in [SaveMode::Error, SaveMode::Append] {
    ///     let options = SaveOptions::default().mode(mode);
    ///     ctx.range(0..4, 2).save_as_avro_with(&folder, r#""long""#, AvroCodec::Null, options)?;
    /// }
    /// assert_eq!(ctx.avro_file::<u64>(&folder.display().to_string())?.sum()?, 12);
    /// # Ok::<(), rsk::Error>(())
    /// ```
    fn save_as_avro_with(
        &self,
        folder: impl AsRef<Path>,
        schema: &str,
        codec: AvroCodec,
        options: SaveOptions,
    ) -> Result<()>
    where
        Self::Item: Serialize,
    {
        options.check_unpacked("save_as_avro")?;
        AvroSchema::parse(schema).map_err(|error| Error::Argument(error.to_string()))?;
        let format = SaveAvro { schema: schema.to_owned(), codec };
        save::save(self, folder.as_ref(), options.save_mode(), format)
    }
}

impl<R: Rdd> SaveActions for R {}
