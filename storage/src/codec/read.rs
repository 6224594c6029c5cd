//! One reader over all codecs.

use super::{
    Codec,
    bzip2::Bzip2Reader,
    deflate::DeflateReader,
    hadoop::{Chunks, HadoopReader},
    lz4::Lz4Reader,
    snappy::SnappyReader,
    zstd::ZstdReader,
};
use flate2::bufread::MultiGzDecoder;
use std::{
    fmt,
    io::{self, BufRead, Read},
};

/// What comes out of packed bytes, by [`Codec::reader`]. After an error it gives nothing that can be relied upon.
pub struct CodecReader<R: BufRead> {
    codec: Codec,
    from: Unpack<R>,
}

enum Unpack<R: BufRead> {
    Gzip(MultiGzDecoder<R>),
    Deflate(DeflateReader<R>),
    Bzip2(Bzip2Reader<R>),
    Zstd(Box<ZstdReader<R>>),
    Lz4(Lz4Reader<R>),
    Snappy(SnappyReader<R>),
    Hadoop(HadoopReader<R>),
}

impl Codec {
    /// What comes out of `from`, to its end.
    ///
    /// Bounds: what the codec's format needs and no more, whatever lengths the bytes claim: a block of bzip2's (8 MB), a
    /// window of zstd's (up to 128 MiB), a chunk of Hadoop's (64 MiB, twice), 12 MiB of lz4's frames, less of the others.
    ///
    /// Errors: the bytes are cut short or damaged ([`io::ErrorKind::UnexpectedEof`], `InvalidData` or another that is not
    /// the system's), as far as the format tells; those of `from`.
    ///
    /// See [`Codec`] for an example.
    pub fn reader<R: BufRead>(self, from: R) -> CodecReader<R> {
        let from = match self {
            Codec::Gzip => Unpack::Gzip(MultiGzDecoder::new(from)),
            Codec::Deflate => Unpack::Deflate(DeflateReader::new(from)),
            Codec::Bzip2 => Unpack::Bzip2(Bzip2Reader::new(from, 0, u64::MAX)),
            Codec::Zstd => Unpack::Zstd(Box::new(ZstdReader::new(from))),
            Codec::Lz4 => Unpack::Lz4(Lz4Reader::new(from)),
            Codec::Snappy => Unpack::Snappy(SnappyReader::new(from)),
            Codec::Lz4Hadoop => Unpack::Hadoop(HadoopReader::new(from, Chunks::Lz4)),
            Codec::SnappyHadoop => Unpack::Hadoop(HadoopReader::new(from, Chunks::Snappy)),
        };
        CodecReader { codec: self, from }
    }
}

impl<R: BufRead> CodecReader<R> {
    /// What comes out of bzip2's blocks that begin at byte `at` of the file or after it, and what follows them: the
    /// [`border`](CodecReader::border) is where the first block that begins at `to` or after it starts.
    ///
    /// Shape: `from` is at `at`. From 0 on, it must begin as a stream does; else the first block is looked for.
    ///
    /// ```
    /// use rsk_storage::{Codec, CodecReader};
    /// use std::io::{Read, Write};
    /// let mut packed = Codec::Bzip2.writer(Vec::new());
    /// packed.write_all(b"to be")?;
    /// let packed = packed.finish()?;
    /// let mut split = CodecReader::bzip2_split(&packed[..], 0, 7);
    /// assert_eq!(std::io::read_to_string(&mut split)?, "to be");
    /// assert_eq!(split.border(), Some(5));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bzip2_split(from: R, at: u64, to: u64) -> CodecReader<R> {
        CodecReader { codec: Codec::Bzip2, from: Unpack::Bzip2(Bzip2Reader::new(from, at, to)) }
    }

    /// How many bytes come out of what begins in the split, as soon as that is known: before any byte beyond them is given.
    pub fn border(&self) -> Option<u64> {
        match &self.from {
            Unpack::Bzip2(from) => from.border(),
            _ => None,
        }
    }

    /// How its bytes are packed.
    pub fn codec(&self) -> Codec {
        self.codec
    }
}

impl<R: BufRead> Read for CodecReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match &mut self.from {
            Unpack::Gzip(from) => from.read(to),
            Unpack::Deflate(from) => from.read(to),
            Unpack::Bzip2(from) => from.read(to),
            Unpack::Zstd(from) => from.read(to),
            Unpack::Lz4(from) => from.read(to),
            Unpack::Snappy(from) => from.read(to),
            Unpack::Hadoop(from) => from.read(to),
        }
    }
}

impl<R: BufRead> fmt::Debug for CodecReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodecReader").field("codec", &self.codec).finish_non_exhaustive()
    }
}
