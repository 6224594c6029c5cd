//! The bytes of records, as a block holds them.

use super::AvroError;

/// Bytes that were not read yet.
#[derive(Debug)]
pub(super) struct Datum<'de> {
    bytes: &'de [u8],
    /// What items that take no bytes may still come.
    empty_left: u64,
}

impl<'de> Datum<'de> {
    /// `empty_max`: how many items without bytes a record may have.
    pub(super) fn new(bytes: &'de [u8], empty_max: u64) -> Self {
        Datum { bytes, empty_left: empty_max }
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<&'de [u8], AvroError> {
        let (taken, rest) = self.bytes.split_at_checked(bytes).ok_or_else(AvroError::short)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], AvroError> {
        self.take(N)?.first_chunk().copied().ok_or_else(AvroError::short)
    }

    pub(super) fn long(&mut self) -> Result<i64, AvroError> {
        read_long(|| {
            let (first, rest) = self.bytes.split_first().ok_or_else(AvroError::short)?;
            self.bytes = rest;
            Ok(*first)
        })
    }

    /// Bytes behind their length.
    pub(super) fn sized(&mut self) -> Result<&'de [u8], AvroError> {
        let length = self.long()?;
        let bytes = usize::try_from(length);
        self.take(bytes.map_err(|_| AvroError::Damaged(format!("{length} where a length should be")))?)
    }

    pub(super) fn text(&mut self) -> Result<&'de str, AvroError> {
        let bytes = self.sized()?;
        std::str::from_utf8(bytes)
            .map_err(|error| AvroError::Damaged(format!("a text is not UTF-8: {error}")))
    }

    /// How many items the next part of a list or a map has; none at its end.
    pub(super) fn items(&mut self) -> Result<u64, AvroError> {
        let count = self.long()?;
        if count < 0 {
            // Their bytes follow, for who skips them.
            self.long()?;
        }
        Ok(count.unsigned_abs())
    }

    /// An item has been read, before which `left` bytes were left.
    pub(super) fn count_item(&mut self, left: usize) -> Result<(), AvroError> {
        if self.left() < left {
            return Ok(());
        }
        self.empty_left = self
            .empty_left
            .checked_sub(1)
            .ok_or_else(|| AvroError::Damaged("a list claims more items than there can be".to_owned()))?;
        Ok(())
    }
}

/// A zig-zag varint of at most ten bytes.
pub(super) fn read_long(mut byte: impl FnMut() -> Result<u8, AvroError>) -> Result<i64, AvroError> {
    let mut number = 0_u64;
    for shift in (0..70).step_by(7) {
        let next = byte()?;
        number |= u64::from(next & 0x7f) << shift;
        if next < 0x80 {
            return Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()));
        }
    }
    Err(AvroError::Damaged("a number has more than ten bytes".to_owned()))
}

pub(super) fn write_long(number: i64, to: &mut Vec<u8>) {
    let mut left = (number << 1 ^ (number >> 63)).cast_unsigned();
    while left >= 0x80 {
        to.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    to.push((left & 0x7f) as u8);
}

/// Bytes behind their length.
pub(super) fn write_sized(bytes: &[u8], to: &mut Vec<u8>) {
    write_long(i64::try_from(bytes.len()).unwrap_or(i64::MAX), to);
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn longs_are_read_as_they_were_written(number: i64, near in -70_i64..70) {
            for number in [number, near, i64::MIN, i64::MAX] {
                let mut bytes = Vec::new();
                write_long(number, &mut bytes);
                let mut datum = Datum::new(&bytes, 0);
                assert_eq!((datum.long().unwrap(), datum.left()), (number, 0));
            }
        }
    }

    #[test]
    fn longs_are_as_the_specification_says() {
        for (number, bytes) in [(0, &[0][..]), (-1, &[1]), (1, &[2]), (-64, &[0x7f]), (64, &[0x80, 1])] {
            let mut written = Vec::new();
            write_long(number, &mut written);
            assert_eq!(written, bytes);
        }
        assert!(Datum::new(&[0xff; 11], 0).long().is_err());
    }
}
