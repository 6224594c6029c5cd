//! About how large the part of a map output is that one reduce task reads.

use serde::{Deserialize, Serialize};

/// A number of bytes in one byte: at most an eighth too small, and no more than 15 GiB.
///
/// ```
/// # use rsk_proto::PartSize;
/// assert_eq!(PartSize::of(0).bytes(), 0);
/// assert_eq!(PartSize::of(11).bytes(), 11);
/// assert_eq!(PartSize::of(1_000_000).bytes(), 983_040);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct PartSize(u8);

/// So many bits behind the first one are kept.
const BITS: u32 = 3;
/// Numbers below this are kept whole.
const WHOLE: u64 = 1 << (BITS + 1);

impl PartSize {
    /// About so many bytes.
    pub fn of(bytes: u64) -> Self {
        if bytes < WHOLE {
            return PartSize(u8::try_from(bytes).unwrap_or(u8::MAX));
        }
        let shift = bytes.ilog2() - BITS;
        let code = u64::from(shift) * (WHOLE / 2) + (bytes >> shift);
        PartSize(u8::try_from(code).unwrap_or(u8::MAX))
    }

    /// How many bytes, as far as it is known.
    pub fn bytes(self) -> u64 {
        let code = u64::from(self.0);
        if code < WHOLE {
            return code;
        }
        let shift = code / (WHOLE / 2) - 1;
        (code - shift * (WHOLE / 2)) << shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_at_most_an_eighth_too_small_and_keep_their_order() {
        let mut last = PartSize::of(0);
        let all = (0..5000)
            .chain((13..34).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + (1 << (bit - 1))]));
        for bytes in all {
            let size = PartSize::of(bytes);
            assert!(size.bytes() <= bytes && bytes - size.bytes() <= bytes / 8, "{bytes}: {size:?}");
            assert!(size >= last, "{bytes}");
            last = size;
        }
        assert_eq!(PartSize::of(u64::MAX).bytes(), 15 << 30);
    }
}
