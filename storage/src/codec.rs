//! Codecs: how bytes are packed, as streams over any [`std::io::Read`] and [`std::io::Write`].
//!
//! Damage is an error, never fewer bytes: a stream that is cut, a bit that changed, a length that is not true. What a
//! format cannot tell is said where it is (snappy and the framing of Hadoop have no end mark, zstd's checksum is optional).

mod bzip2;
mod deflate;
mod hadoop;
mod lz4;
mod read;
mod snappy;
mod write;
mod zstd;

pub use read::CodecReader;
pub use write::CodecWriter;

use serde::{Deserialize, Serialize};
use std::{fmt, io, path::Path};

/// How bytes are packed.
///
/// | codec | name's end | read | written | split |
/// |---|---|---|---|---|
/// | gzip | `.gz` | any number of members | one, level 6 | no |
/// | deflate | `.deflate` | a zlib stream | level 6 | no |
/// | bzip2 | `.bz2` | any number of streams | one, blocks of 900 kB | at its blocks |
/// | zstd | `.zst` | any number of frames, windows up to 128 MiB | frames of 1 MiB, level 1 | no |
/// | lz4 | `.lz4` | any number of frames | one of linked blocks, with a checksum | no |
/// | lz4-hadoop | `.lz4` | chunks up to 64 MiB | blocks of 192 KiB | no |
/// | snappy | `.sz`, `.snappy` | any number of streams | one | no |
/// | snappy-hadoop | `.snappy` | chunks up to 64 MiB | blocks of 192 KiB | no |
///
/// ```
/// use rsk_storage::Codec;
/// use std::io::{Read, Write};
/// for codec in Codec::ALL {
///     let mut packed = codec.writer(Vec::new());
///     packed.write_all(b"to be or not to be")?;
///     let mut text = String::new();
///     codec.reader(&packed.finish()?[..]).read_to_string(&mut text)?;
///     assert_eq!(text, "to be or not to be", "{codec}");
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// gzip: RFC 1952.
    Gzip,
    /// zlib's format, RFC 1950, which Hadoop calls its default.
    Deflate,
    /// bzip2. Packs best and is slowest; the one that is read in splits.
    Bzip2,
    /// Zstandard: RFC 8878.
    Zstd,
    /// lz4's own frames.
    Lz4,
    /// lz4 in Hadoop's blocks.
    Lz4Hadoop,
    /// snappy's own frames.
    Snappy,
    /// snappy in Hadoop's blocks.
    SnappyHadoop,
}

impl Codec {
    /// All of them.
    pub const ALL: [Codec; 8] = [
        Codec::Gzip,
        Codec::Deflate,
        Codec::Bzip2,
        Codec::Zstd,
        Codec::Lz4,
        Codec::Lz4Hadoop,
        Codec::Snappy,
        Codec::SnappyHadoop,
    ];

    /// What people call it.
    ///
    /// ```
    /// assert_eq!(rsk_storage::Codec::SnappyHadoop.name(), "snappy-hadoop");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Codec::Gzip => "gzip",
            Codec::Deflate => "deflate",
            Codec::Bzip2 => "bzip2",
            Codec::Zstd => "zstd",
            Codec::Lz4 => "lz4",
            Codec::Lz4Hadoop => "lz4-hadoop",
            Codec::Snappy => "snappy",
            Codec::SnappyHadoop => "snappy-hadoop",
        }
    }

    /// How names of files that it packed end, after the dot.
    ///
    /// ```
    /// assert_eq!(rsk_storage::Codec::Bzip2.extension(), "bz2");
    /// ```
    pub fn extension(self) -> &'static str {
        match self {
            Codec::Gzip => "gz",
            Codec::Deflate => "deflate",
            Codec::Bzip2 => "bz2",
            Codec::Zstd => "zst",
            Codec::Lz4 | Codec::Lz4Hadoop => "lz4",
            Codec::Snappy => "sz",
            Codec::SnappyHadoop => "snappy",
        }
    }

    /// The class of Hadoop that packs like it; lz4's and snappy's own frames are none of Hadoop's.
    ///
    /// ```
    /// use rsk_storage::Codec;
    /// assert_eq!(Codec::Gzip.hadoop_class(), Some("org.apache.hadoop.io.compress.GzipCodec"));
    /// assert_eq!(Codec::Lz4.hadoop_class(), None);
    /// ```
    pub fn hadoop_class(self) -> Option<&'static str> {
        match self {
            Codec::Gzip => Some("org.apache.hadoop.io.compress.GzipCodec"),
            Codec::Deflate => Some("org.apache.hadoop.io.compress.DefaultCodec"),
            Codec::Bzip2 => Some("org.apache.hadoop.io.compress.BZip2Codec"),
            Codec::Zstd => Some("org.apache.hadoop.io.compress.ZStandardCodec"),
            Codec::Lz4Hadoop => Some("org.apache.hadoop.io.compress.Lz4Codec"),
            Codec::SnappyHadoop => Some("org.apache.hadoop.io.compress.SnappyCodec"),
            Codec::Lz4 | Codec::Snappy => None,
        }
    }

    /// The codec that a class of Hadoop is.
    ///
    /// ```
    /// use rsk_storage::Codec;
    /// assert_eq!(Codec::of_hadoop_class("org.apache.hadoop.io.compress.DeflateCodec"), Some(Codec::Deflate));
    /// ```
    pub fn of_hadoop_class(class: &str) -> Option<Codec> {
        if class == "org.apache.hadoop.io.compress.DeflateCodec" {
            return Some(Codec::Deflate);
        }
        Codec::ALL.into_iter().find(|codec| codec.hadoop_class() == Some(class))
    }

    /// The bytes that it begins with, none where nothing is fixed.
    fn magic(self) -> &'static [u8] {
        match self {
            Codec::Gzip => &[0x1f, 0x8b],
            Codec::Bzip2 => b"BZh",
            Codec::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
            Codec::Lz4 => &lz4::MAGIC,
            Codec::Snappy => &snappy::HEAD,
            Codec::Deflate | Codec::Lz4Hadoop | Codec::SnappyHadoop => &[],
        }
    }

    /// The codec that the end of a name promises, in any case of letters; lz4 and snappy stand for both of their framings.
    ///
    /// ```
    /// use rsk_storage::Codec;
    /// assert_eq!(Codec::of_name("a.txt.BZ2".as_ref()), Some(Codec::Bzip2));
    /// assert_eq!(Codec::of_name("a.txt".as_ref()), None);
    /// ```
    pub fn of_name(path: &Path) -> Option<Codec> {
        let end = path.extension()?.to_str()?.to_ascii_lowercase();
        match &*end {
            "gz" => Some(Codec::Gzip),
            "deflate" => Some(Codec::Deflate),
            "bz2" => Some(Codec::Bzip2),
            "zst" => Some(Codec::Zstd),
            "lz4" => Some(Codec::Lz4),
            "sz" | "snappy" => Some(Codec::Snappy),
            _ => None,
        }
    }

    /// The codec that the first bytes of a file, ten of them if it has so many, can only be of.
    pub(crate) fn of_start(start: &[u8]) -> Option<Codec> {
        // Text may begin with bzip2's three letters, hardly with its first block's magic after a level.
        let is_bzip2 = matches!(start, [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
            if rest.starts_with(&bzip2::BLOCK_MAGIC) || rest.starts_with(&bzip2::END_MAGIC));
        let by_magic = |codec: &Codec| {
            *codec != Codec::Bzip2 && !codec.magic().is_empty() && start.starts_with(codec.magic())
        };
        if is_bzip2 { Some(Codec::Bzip2) } else { Codec::ALL.into_iter().find(by_magic) }
    }

    /// The codec of a file by its first bytes, then by its name. `Err`: they are not what the name promises.
    pub(crate) fn of_file(path: &Path, start: &[u8]) -> Result<Option<Codec>, Codec> {
        let Some(named) = Codec::of_name(path) else { return Ok(Codec::of_start(start)) };
        if let Some(found) = Codec::of_start(start) {
            return Ok(Some(found));
        }
        // A file cut within its magic is damaged, which its decoder will say.
        let is_cut = |codec: Codec| codec.magic().starts_with(start);
        let is_skippable = matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
        match named {
            Codec::Lz4 if is_cut(named) || is_skippable => Ok(Some(Codec::Lz4)),
            Codec::Lz4 => Ok(Some(Codec::Lz4Hadoop)),
            Codec::Snappy if is_cut(named) => Ok(Some(Codec::Snappy)),
            Codec::Snappy if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("snappy")) => {
                Ok(Some(Codec::SnappyHadoop))
            }
            Codec::Deflate if deflate::is_head(start) => Ok(Some(named)),
            Codec::Zstd if is_skippable => Ok(Some(named)),
            Codec::Bzip2 if start.starts_with(named.magic()) => Ok(Some(named)),
            Codec::Gzip | Codec::Bzip2 | Codec::Zstd if is_cut(named) => Ok(Some(named)),
            _ => Err(named),
        }
    }

    /// Can a task begin in the middle of a file?
    ///
    /// ```
    /// use rsk_storage::Codec;
    /// assert!(Codec::Bzip2.can_split() && !Codec::Gzip.can_split());
    /// ```
    pub fn can_split(self) -> bool {
        self == Codec::Bzip2
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Bytes that are not what their format says.
pub(crate) fn damaged(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

#[cfg(test)]
mod tests;
