//! Byte counts as people write them.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A number of bytes. Parses `1073741824`, `512k`, `64MiB`, `1g`, `1.5 GiB` (always powers of 1,024, as Spark's).
///
/// ```
/// # use rsk_proto::ByteSize;
/// assert_eq!("1g".parse::<ByteSize>()?, ByteSize(1 << 30));
/// assert_eq!(ByteSize(1536 << 10).to_string(), "1.5 MiB");
/// # Ok::<(), rsk_proto::ParseSizeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ByteSize(pub u64);

/// The text is no byte count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no size: write bytes, or a number with k, m, g or t, such as 512m or 4GiB")]
pub struct ParseSizeError(String);

impl ByteSize {
    /// So many mebibytes.
    pub const fn mib(n: u64) -> Self {
        ByteSize(n << 20)
    }
}

impl FromStr for ByteSize {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        let refuse = || ParseSizeError(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let shift = match &lower[digits.len()..] {
            "" | "b" => 0,
            "k" | "kb" | "kib" => 10,
            "m" | "mb" | "mib" => 20,
            "g" | "gb" | "gib" => 30,
            "t" | "tb" | "tib" => 40,
            _ => return Err(refuse()),
        };
        let digits = digits.trim_end();
        if let Ok(whole) = digits.parse::<u64>() {
            return whole.checked_mul(1 << shift).map(ByteSize).ok_or_else(refuse);
        }
        let number: f64 = digits.parse().map_err(|_| refuse())?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a size typed with a fraction is not exact to the byte"
        )]
        let bytes = number * (1u64 << shift) as f64;
        if !(0.0..9e18).contains(&bytes) {
            return Err(refuse());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
        Ok(ByteSize(bytes as u64))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, shift) = match self.0 {
            0..1024 => return write!(f, "{} B", self.0),
            1024..0x10_0000 => ("KiB", 10),
            0x10_0000..0x4000_0000 => ("MiB", 20),
            0x4000_0000..0x100_0000_0000 => ("GiB", 30),
            _ => ("TiB", 40),
        };
        let tenths = (u128::from(self.0) * 10) >> shift;
        match tenths % 10 {
            0 => write!(f, "{} {unit}", tenths / 10),
            tenth => write!(f, "{}.{tenth} {unit}", tenths / 10),
        }
    }
}

/// A `u64` as a `usize`: the same on every machine rsk builds for.
pub fn to_usize(n: u64) -> usize {
    const { assert!(size_of::<usize>() == 8, "rsk needs a 64-bit machine") };
    #[expect(clippy::cast_possible_truncation, reason = "asserted just above")]
    let n = n as usize;
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_parse_as_people_write_them() {
        for (text, bytes) in
            [("0", 0), ("7", 7), ("2k", 2048), ("64MiB", 64 << 20), ("1.5g", 3 << 29), (" 1 GB ", 1 << 30)]
        {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["", "g", "-1", "1x", "99999999999t", "1e30"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_print_with_one_decimal() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1 << 30, "1 GiB"), (u64::MAX, "16777215.9 TiB")]
        {
            assert_eq!(ByteSize(bytes).to_string(), text);
        }
    }
}
