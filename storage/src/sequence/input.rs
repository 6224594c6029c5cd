//! The numbers of SequenceFiles.

use super::{SequenceError, vint};
use crate::input::Input;
use std::io::{self, Read};

impl<R: Read> Input<R> {
    pub(super) fn number(&mut self) -> io::Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// A vint that counts something.
    pub(super) fn count(&mut self) -> Result<u64, SequenceError> {
        let number = vint::read(|| self.array().map(|[byte]| byte))?;
        match i32::try_from(number) {
            Ok(count) if count >= 0 => Ok(count.unsigned_abs().into()),
            _ => Err(SequenceError::Damaged(format!("{number} where something is counted"))),
        }
    }
}
