//! `save_as_text_file` and its like for each format: a part a partition, all of them or none.

mod avro;
mod csv;
mod format;
mod json;
mod objects;
mod sequence;
mod text;

pub(super) use avro::SaveAvro;
pub(super) use csv::SaveCsv;
pub(crate) use format::WriteFormat;
pub(super) use json::SaveJson;
pub(crate) use objects::SaveObjects;
pub(super) use sequence::SaveSequence;
pub(super) use text::SaveText;

use super::result;
use crate::{Error, Result, rdd::Rdd};
use format::SaveAs;
use rsk_storage::{Codec, Location, PartFile, SaveMode};
use std::path::Path;

/// How output is written.
///
/// ```
/// use rsk::{Codec, SaveMode, SaveOptions};
/// let options = SaveOptions::default().compress(Codec::Gzip).mode(SaveMode::Append);
/// assert_eq!(options.codec(), Some(Codec::Gzip));
/// assert_eq!(options.save_mode(), SaveMode::Append);
/// ```
#[derive(Debug, Clone, Default)]
pub struct SaveOptions {
    codec: Option<Codec>,
    mode: SaveMode,
}

impl SaveOptions {
    /// What is done where the output exists already; without, the job is refused.
    pub fn mode(mut self, mode: SaveMode) -> Self {
        self.mode = mode;
        self
    }

    /// What is done where the output exists already.
    pub fn save_mode(&self) -> SaveMode {
        self.mode
    }

    /// Packs each part of text, whose name ends as the codec says. Formats that pack themselves refuse it.
    pub fn compress(mut self, codec: Codec) -> Self {
        self.codec = Some(codec);
        self
    }

    /// What packs it.
    pub fn codec(&self) -> Option<Codec> {
        self.codec
    }

    /// Refuses a codec around a format that packs itself: nobody could read it.
    pub(crate) fn check_unpacked(&self, what: &str) -> Result<()> {
        match self.codec {
            None => Ok(()),
            Some(_) => Err(Error::Argument(format!("{what} packs its records itself: leave compress away"))),
        }
    }
}

/// Saves where the user says.
pub(crate) fn save<R, F>(rdd: &R, typed: &Path, mode: SaveMode, format: F) -> Result<()>
where
    R: Rdd,
    F: WriteFormat<R::Item>,
{
    let out = rdd.context().output(typed)?;
    save_at(rdd, &out, mode, format, |_| {})
}

/// Commits the parts that the tasks wrote, of which `granted` gets each in partition order; whatever fails, the output is
/// dropped uncommitted and removes itself.
pub(crate) fn save_at<R, F>(
    rdd: &R,
    out: &Location,
    mode: SaveMode,
    format: F,
    mut granted: impl FnMut(&PartFile),
) -> Result<()>
where
    R: Rdd,
    F: WriteFormat<R::Item>,
{
    let output = rdd.context().open_output(out, mode)?;
    let action = SaveAs { target: output.target(), format };
    result::try_run(rdd, &action, |part| {
        if let Some(part) = part {
            output.grant(&part)?;
            granted(&part);
        }
        Ok(())
    })?;
    Ok(output.commit()?)
}
