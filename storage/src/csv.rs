//! CSV: fields between delimiters, in quotes where they hold one.

mod check;
mod fields;
mod lines;
mod read;
mod whole;
mod write;

pub use check::CsvOptionsError;
pub use read::{plan_csv, read_csv};
pub use write::CsvPartWriter;

use crate::TextOptions;
use serde::{Deserialize, Serialize};

/// How CSV is read and written.
///
/// ```
/// use rsk_storage::CsvOptions;
/// let german = CsvOptions { delimiter: b';', ..CsvOptions::default() };
/// assert!(german.check().is_ok() && german.header && !german.multi_line);
/// assert!(CsvOptions { delimiter: b'"', ..german }.check().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one question that a user answers")]
pub struct CsvOptions {
    /// Stands between two fields. ASCII, as are the three below.
    pub delimiter: u8,
    /// Stands around fields that hold a delimiter, a quote (two of them then) or a line's end. Nothing, for reading alone: it is
    /// a sign as others are.
    pub quote: Option<u8>,
    /// Stands before a quote within quotes, instead of a second one. For reading alone.
    pub escape: Option<u8>,
    /// Lines that begin with it are passed over.
    pub comment: Option<u8>,
    /// Is each file's first record the names of its fields? Where it is not, types are filled field by field.
    pub header: bool,
    /// May records have more or fewer fields than their file's first one?
    pub flexible: bool,
    /// Are blanks around fields, and names, passed over?
    pub trim: bool,
    /// May fields in quotes hold the ends of lines? Then a file is read as a whole, by one task.
    pub multi_line: bool,
    /// How the text is read.
    pub text: TextOptions,
}

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            comment: None,
            header: true,
            flexible: false,
            trim: false,
            multi_line: false,
            text: TextOptions::default(),
        }
    }
}

#[cfg(test)]
mod tests;
