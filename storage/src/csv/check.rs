//! Which options contradict each other.

use super::CsvOptions;

/// Options that no CSV can be read or written by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsvOptionsError {
    /// A sign is no ASCII character, or ends lines.
    #[error("the {0} of CSV is {1:?}: choose a printable ASCII character, or a tab")]
    Sign(&'static str, char),
    /// Two signs are the same.
    #[error("the {0} and the {1} of CSV are both {2:?}: choose two")]
    Same(&'static str, &'static str, char),
    /// Fields could not be told apart when they are read back.
    #[error(
        "CSV is written with quotes, and two of them for one within a field: leave quote and escape as they are"
    )]
    Unwritable,
}

impl CsvOptions {
    /// Sees that the signs can be told apart.
    pub fn check(&self) -> Result<(), CsvOptionsError> {
        let signs = [
            ("delimiter", Some(self.delimiter)),
            ("quote", self.quote),
            ("escape", self.escape),
            ("comment", self.comment),
        ];
        let signs: Vec<_> = signs.into_iter().filter_map(|(name, sign)| Some((name, sign?))).collect();
        for (at, (name, sign)) in signs.iter().enumerate() {
            if !(sign.is_ascii_graphic() || matches!(sign, b'\t' | b' ' | 1..=8)) {
                return Err(CsvOptionsError::Sign(name, char::from(*sign)));
            }
            if let Some((other, _)) = signs[..at].iter().find(|(_, other)| other == sign) {
                return Err(CsvOptionsError::Same(other, name, char::from(*sign)));
            }
        }
        Ok(())
    }

    /// [`check`](CsvOptions::check), and that whatever is written by them can be read.
    ///
    /// ```
    /// use rsk_storage::CsvOptions;
    /// assert!(CsvOptions { quote: None, ..CsvOptions::default() }.check_writable().is_err());
    /// ```
    pub fn check_writable(&self) -> Result<(), CsvOptionsError> {
        self.check()?;
        match (self.quote, self.escape) {
            (Some(_), None) => Ok(()),
            _ => Err(CsvOptionsError::Unwritable),
        }
    }
}
