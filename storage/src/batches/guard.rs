//! What a reader of Arrow's makes of bytes that are not what they should be.

use crate::{Location, ReadError};
use rsk_proto::Cause;
use std::{
    error::Error,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

/// The last error of the file below a reader that only keeps what it says.
#[derive(Debug, Clone, Default)]
pub(super) struct LastError(Arc<Mutex<Option<io::Error>>>);

impl LastError {
    /// Keeps it, and gives one that says the same.
    pub(super) fn keep(&self, error: io::Error) -> io::Error {
        let same = io::Error::new(error.kind(), error.to_string());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        same
    }

    fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Calls a reader. What it says of the bytes, or that they made it panic, is damage; what the file says is not.
pub(super) fn guarded<T, E: Error + 'static>(
    path: &Location,
    last: &LastError,
    read: impl FnOnce() -> Result<T, E>,
) -> Result<T, ReadError> {
    let cause = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(read)) => return Ok(read),
        Ok(Err(error)) => Cause::of(&error),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word");
            Cause::new(format!("its reader gave up: {text}"))
        }
    };
    match last.take().map(|error| ReadError::unpacking(path, error)) {
        Some(error) if !matches!(error, ReadError::Damaged(..)) => Err(error),
        _ => Err(ReadError::Damaged(path.clone(), cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_says_is_not_damage_and_a_panic_is() {
        let (path, last) = (&Location::from("a.parquet"), LastError::default());
        let of_disk = || Err::<(), _>(last.keep(io::Error::from_raw_os_error(5)));
        assert!(matches!(guarded(path, &last, of_disk), Err(ReadError::Io(..))));
        let of_bytes = || Err::<(), _>(last.keep(io::ErrorKind::UnexpectedEof.into()));
        assert!(matches!(guarded(path, &last, of_bytes), Err(ReadError::Damaged(..))));
        let panics = || -> io::Result<()> { panic!("out of bounds") };
        let Err(ReadError::Damaged(_, cause)) = guarded(path, &last, panics) else { panic!("no damage") };
        assert!(cause.message.contains("out of bounds"), "{cause}");
    }
}
