//! One writer over all codecs.

use super::{
    Codec,
    hadoop::{Chunks, HadoopWriter},
    snappy::SnappyWriter,
    zstd::ZstdWriter,
};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
use std::{
    fmt,
    io::{self, Write},
};

/// Packs what is written to it, by [`Codec::writer`]. The same bytes are always packed the same.
///
/// Dropped unfinished, what it wrote is cut short.
pub struct CodecWriter<W: Write> {
    codec: Codec,
    to: Pack<W>,
}

enum Pack<W: Write> {
    Gzip(GzEncoder<W>),
    Deflate(ZlibEncoder<W>),
    Bzip2(bzip2::write::BzEncoder<W>),
    Zstd(ZstdWriter<W>),
    Lz4(Box<FrameEncoder<W>>),
    Snappy(Box<SnappyWriter<W>>),
    Hadoop(HadoopWriter<W>),
}

impl Codec {
    /// Packs into `to`.
    ///
    /// Bounds: 8 MB for bzip2, about 2 MiB for zstd, less for the others.
    ///
    /// See [`Codec`] for an example.
    pub fn writer<W: Write>(self, to: W) -> CodecWriter<W> {
        let frames = || FrameInfo::new().block_mode(BlockMode::Linked).content_checksum(true);
        let to = match self {
            Codec::Gzip => Pack::Gzip(GzEncoder::new(to, Compression::default())),
            Codec::Deflate => Pack::Deflate(ZlibEncoder::new(to, Compression::default())),
            Codec::Bzip2 => Pack::Bzip2(bzip2::write::BzEncoder::new(to, bzip2::Compression::best())),
            Codec::Zstd => Pack::Zstd(ZstdWriter::new(to)),
            Codec::Lz4 => Pack::Lz4(Box::new(FrameEncoder::with_frame_info(frames(), to))),
            Codec::Snappy => Pack::Snappy(Box::new(SnappyWriter::new(to))),
            Codec::Lz4Hadoop => Pack::Hadoop(HadoopWriter::new(to, Chunks::Lz4)),
            Codec::SnappyHadoop => Pack::Hadoop(HadoopWriter::new(to, Chunks::Snappy)),
        };
        CodecWriter { codec: self, to }
    }
}

impl<W: Write> CodecWriter<W> {
    /// Writes what is left, and the end where the format has one.
    pub fn finish(self) -> io::Result<W> {
        match self.to {
            Pack::Gzip(to) => to.finish(),
            Pack::Deflate(to) => to.finish(),
            Pack::Bzip2(to) => to.finish(),
            Pack::Zstd(to) => to.finish(),
            Pack::Lz4(to) => Ok(to.finish()?),
            Pack::Snappy(to) => to.finish(),
            Pack::Hadoop(to) => to.finish(),
        }
    }
}

impl<W: Write> Write for CodecWriter<W> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            Pack::Gzip(to) => to.write(from),
            Pack::Deflate(to) => to.write(from),
            Pack::Bzip2(to) => to.write(from),
            Pack::Zstd(to) => to.write(from),
            Pack::Lz4(to) => to.write(from),
            Pack::Snappy(to) => to.write(from),
            Pack::Hadoop(to) => to.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            Pack::Gzip(to) => to.flush(),
            Pack::Deflate(to) => to.flush(),
            Pack::Bzip2(to) => to.flush(),
            Pack::Zstd(to) => to.flush(),
            Pack::Lz4(to) => to.flush(),
            Pack::Snappy(to) => to.flush(),
            Pack::Hadoop(to) => to.flush(),
        }
    }
}

impl<W: Write> fmt::Debug for CodecWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodecWriter").field("codec", &self.codec).finish_non_exhaustive()
    }
}
