//! How the blocks of Avro files are packed.

use super::AvroError;
use crate::{Codec, codec::damaged};
use flate2::{Compression, Crc, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// What packs the blocks of an Avro file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AvroCodec {
    /// Nothing.
    Null,
    /// RFC 1951, without a checksum. Each program that reads Avro knows it.
    #[default]
    Deflate,
    /// bzip2. Packs best and is slowest.
    Bzip2,
    /// snappy, with a checksum. Fastest.
    Snappy,
    /// Zstandard.
    Zstandard,
}

const CHECKSUM_BYTES: usize = 4;

impl AvroCodec {
    /// All of them.
    pub const ALL: [AvroCodec; 5] =
        [AvroCodec::Null, AvroCodec::Deflate, AvroCodec::Bzip2, AvroCodec::Snappy, AvroCodec::Zstandard];

    /// What Avro calls it.
    pub fn name(self) -> &'static str {
        match self {
            AvroCodec::Null => "null",
            AvroCodec::Deflate => "deflate",
            AvroCodec::Bzip2 => "bzip2",
            AvroCodec::Snappy => "snappy",
            AvroCodec::Zstandard => "zstandard",
        }
    }

    pub(super) fn of_name(name: &str) -> Result<AvroCodec, AvroError> {
        let found = AvroCodec::ALL.into_iter().find(|codec| codec.name() == name);
        found.ok_or_else(|| AvroError::Codec(name.to_owned()))
    }

    pub(super) fn pack(self, block: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            AvroCodec::Null => Ok(block.to_vec()),
            AvroCodec::Deflate => {
                let mut to = DeflateEncoder::new(Vec::new(), Compression::default());
                to.write_all(block)?;
                to.finish()
            }
            AvroCodec::Bzip2 => packed(Codec::Bzip2, block),
            AvroCodec::Zstandard => packed(Codec::Zstd, block),
            AvroCodec::Snappy => {
                let mut to = snap::raw::Encoder::new().compress_vec(block)?;
                to.extend_from_slice(&checksum(block).to_be_bytes());
                Ok(to)
            }
        }
    }

    /// What comes out of a block, in place of what `to` held; more than the limit is an error.
    pub(super) fn unpack(self, block: &[u8], limit: u64, to: &mut Vec<u8>) -> Result<(), AvroError> {
        to.clear();
        match self {
            AvroCodec::Null => to.extend_from_slice(block),
            AvroCodec::Deflate => read(DeflateDecoder::new(block), limit, to)?,
            AvroCodec::Bzip2 => read(Codec::Bzip2.reader(block), limit, to)?,
            AvroCodec::Zstandard => read(Codec::Zstd.reader(block), limit, to)?,
            AvroCodec::Snappy => unpack_snappy(block, limit, to)?,
        }
        if to.len() as u64 > limit {
            Err(AvroError::too_large("a block", to.len() as u64, limit))
        } else {
            Ok(())
        }
    }
}

fn packed(codec: Codec, block: &[u8]) -> io::Result<Vec<u8>> {
    let mut to = codec.writer(Vec::new());
    to.write_all(block)?;
    to.finish()
}

fn read(from: impl Read, limit: u64, to: &mut Vec<u8>) -> io::Result<()> {
    from.take(limit.saturating_add(1)).read_to_end(to).map(|_| ())
}

fn unpack_snappy(block: &[u8], limit: u64, to: &mut Vec<u8>) -> Result<(), AvroError> {
    let (packed, sum) = block.split_last_chunk::<CHECKSUM_BYTES>().ok_or_else(AvroError::short)?;
    let bytes = snap::raw::decompress_len(packed).map_err(io::Error::from)?;
    // snappy packs to no less than a 64th.
    if bytes as u64 > limit || bytes > packed.len().saturating_mul(64) {
        return Err(AvroError::too_large("a block", bytes as u64, limit.min(packed.len() as u64 * 64)));
    }
    *to = snap::raw::Decoder::new().decompress_vec(packed).map_err(io::Error::from)?;
    if checksum(to).to_be_bytes() != *sum {
        return Err(damaged("a block does not match its checksum").into());
    }
    Ok(())
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}
