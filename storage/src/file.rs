//! The one place at which formats that seek open files.

use crate::ReadError;
use std::{fs::File, path::Path};

/// A file that had `listed` bytes or more, and how many it has now.
pub(crate) fn open(path: &Path, listed: u64) -> Result<(File, u64), ReadError> {
    let fail = |error| ReadError::Io(path.to_owned(), error);
    let file = File::open(path).map_err(fail)?;
    let bytes = file.metadata().map_err(fail)?.len();
    if bytes < listed {
        return Err(ReadError::Shrunk { path: path.to_owned(), listed, bytes });
    }
    Ok((file, bytes))
}
