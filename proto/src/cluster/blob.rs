//! Programs and files, named by what is in them.

use crate::ProgramHash;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// The most bytes of a blob that one message carries.
pub const BLOB_CHUNK_BYTES_MAX: usize = 256 << 10;

/// The SHA-256 of a program or of a file that is shipped beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct BlobHash(pub [u8; 32]);

/// A text is no SHA-256 in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no hash: it has 64 hexadecimal digits")]
pub struct ParseHashError(String);

impl From<ProgramHash> for BlobHash {
    fn from(program: ProgramHash) -> Self {
        BlobHash(program.0)
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BlobHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let refuse = || ParseHashError(text.to_owned());
        let digits: Option<Vec<u8>> =
            text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or_else(refuse)?;
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(BlobHash(hash))
    }
}

impl Serialize for BlobHash {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.collect_str(self) } else { self.0.serialize(to) }
    }
}

impl<'de> Deserialize<'de> for BlobHash {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            String::deserialize(from)?.parse().map_err(D::Error::custom)
        } else {
            <[u8; 32]>::deserialize(from).map(BlobHash)
        }
    }
}

/// Which blob to read, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct BlobRequest {
    /// The blob.
    pub hash: BlobHash,
    /// Bytes of it that the caller has already.
    pub offset: u64,
}

/// A piece of a blob on its way to the master.
///
/// Shape: the first chunk of an upload names the blob and its length; an upload of no bytes asks what is there. Chunks
/// follow each other without gaps from the offset that the master has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct BlobChunk {
    /// The blob.
    pub hash: BlobHash,
    /// How long all of it is.
    pub length: u64,
    /// Where these bytes are in it.
    pub offset: u64,
    /// At most [`BLOB_CHUNK_BYTES_MAX`] bytes.
    pub bytes: Vec<u8>,
}

/// What the master has of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(proptest_derive::Arbitrary))]
pub struct BlobStatus {
    /// The blob.
    pub hash: BlobHash,
    /// Bytes it has, from the first: go on here.
    pub has: u64,
    /// Whether it has all, and the hash was right.
    pub is_complete: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_read_as_they_print() {
        let hash = BlobHash(std::array::from_fn(|at| u8::try_from(at * 7).unwrap()));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for text in ["", "abc", &"g".repeat(64), &"é".repeat(32), &"a".repeat(65)] {
            assert!(text.parse::<BlobHash>().is_err(), "{text}");
        }
    }
}
