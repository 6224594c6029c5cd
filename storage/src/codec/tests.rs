use super::*;
use proptest::prelude::*;
use std::io::{Read, Write};

pub(crate) fn pack(codec: Codec, bytes: &[u8]) -> Vec<u8> {
    let mut to = codec.writer(Vec::new());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn unpack(codec: Codec, packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    codec.reader(packed).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Text that packs neither well nor badly.
fn words(count: u64) -> Vec<u8> {
    (0..count).flat_map(|n| format!("{} word{}\n", n * n % 7919, n % 13).into_bytes()).collect()
}

/// A stream that gives a byte at a time, as a slow socket may.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let bytes = to.len().min(1);
        self.0.read(&mut to[..bytes])
    }
}

#[test]
fn nothing_is_packed_as_something_and_comes_back() {
    for codec in Codec::ALL {
        let packed = pack(codec, b"");
        assert_eq!(unpack(codec, &packed).map_err(|error| error.to_string()), Ok(Vec::new()), "{codec}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_packed_comes_back(bytes: Vec<u8>, again: Vec<u8>) {
        for codec in Codec::ALL {
            let packed = pack(codec, &bytes);
            prop_assert_eq!(&unpack(codec, &packed).unwrap(), &bytes, "{}", codec);
            let mut slow = Vec::new();
            codec.reader(io::BufReader::with_capacity(1, Slow(&packed))).read_to_end(&mut slow).unwrap();
            prop_assert_eq!(&slow, &bytes, "{}", codec);
            // One file behind the other is both, but for zlib, which has one stream.
            let both = unpack(codec, &[packed, pack(codec, &again)].concat());
            if codec == Codec::Deflate {
                prop_assert!(both.is_err());
            } else {
                prop_assert_eq!(both.unwrap(), [&bytes[..], &again].concat(), "{}", codec);
            }
        }
    }

    #[test]
    fn any_bytes_are_an_error_or_something_but_no_panic(bytes: Vec<u8>, magic: bool) {
        for codec in Codec::ALL {
            let start = if magic { codec.magic() } else { &[] };
            // Whoever would allocate what a length claims would not come back.
            drop(unpack(codec, &[start, &bytes].concat()));
        }
    }

    #[test]
    fn damage_within_a_file_is_no_panic(at: prop::sample::Index, bits in 1u8.., cut: prop::sample::Index) {
        for codec in Codec::ALL {
            let mut packed = pack(codec, &words(300));
            let at = at.index(packed.len());
            packed[at] ^= bits;
            packed.truncate(cut.index(packed.len()) + 1);
            drop(unpack(codec, &packed));
        }
    }
}

#[test]
fn large_files_come_back() {
    let text = words(200_000);
    for codec in Codec::ALL {
        let packed = pack(codec, &text);
        assert!(packed.len() * 3 < text.len() * 2, "{codec}: {} of {}", packed.len(), text.len());
        assert!(unpack(codec, &packed).unwrap() == text, "{codec}");
    }
}

#[test]
fn a_cut_is_an_error_wherever_the_format_can_tell() {
    let text = words(2_000);
    for codec in Codec::ALL {
        let packed = pack(codec, &text);
        // Ends of chunks, where these look whole: what comes out is then their text and no other.
        let mut whole = 0;
        for cut in (1..packed.len()).step_by(7).chain([packed.len() - 1]) {
            if let Ok(bytes) = unpack(codec, &packed[..cut]) {
                assert!(text.starts_with(&bytes) && bytes.len() < text.len(), "{codec} cut at {cut}");
                whole += 1;
            }
        }
        let can_tell = !matches!(codec, Codec::Snappy | Codec::SnappyHadoop | Codec::Lz4Hadoop);
        assert!(whole == 0 || !can_tell && whole < 4, "{codec}: {whole}");
    }
}

#[test]
fn a_changed_bit_is_an_error_or_changes_nothing() {
    let text = words(60);
    for codec in [Codec::Gzip, Codec::Deflate, Codec::Bzip2, Codec::Zstd, Codec::Lz4, Codec::Snappy] {
        let packed = pack(codec, &text);
        let mut harmless = 0;
        for bit in 0..packed.len() * 8 {
            let mut bytes = packed.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            match unpack(codec, &bytes) {
                Ok(bytes) => {
                    assert!(bytes == text, "{codec} bit {bit}");
                    harmless += 1;
                }
                Err(error) => assert!(error.raw_os_error().is_none(), "{codec} bit {bit}: {error}"),
            }
        }
        assert!(harmless < 90, "{codec}: {harmless}");
    }
}

#[test]
fn lengths_that_are_not_true_are_errors() {
    let block =
        |length: u32, chunk: u32, bytes: &[u8]| [&length.to_be_bytes(), &chunk.to_be_bytes(), bytes].concat();
    for (codec, chunk) in [
        (Codec::SnappyHadoop, snap::raw::Encoder::new().compress_vec(b"to be").unwrap()),
        (Codec::Lz4Hadoop, lz4_flex::block::compress(b"to be")),
    ] {
        let length = u32::try_from(chunk.len()).unwrap();
        assert_eq!(unpack(codec, &block(5, length, &chunk)).unwrap(), b"to be", "{codec}");
        for wrong in [
            block(4, length, &chunk),
            block(6, length, &chunk),
            block(u32::MAX, length, &chunk),
            block(5, u32::MAX, &chunk),
            block(5, (64 << 20) + 1, &chunk),
            block(5, length + 1, &chunk),
            block(5, 0, &[]),
            [&[0; 4][..], &block(u32::MAX, u32::MAX, &chunk)].concat(),
        ] {
            unpack(codec, &wrong).unwrap_err();
        }
        assert_eq!(unpack(codec, &[0; 8]).unwrap(), b"", "blocks of nothing");
    }
    // snappy's own length claims 4 GiB.
    unpack(Codec::SnappyHadoop, &block(u32::MAX, 6, b"\xff\xff\xff\xff\x0f\0")).unwrap_err();
    // A skippable frame of 4 GiB that is not there.
    unpack(Codec::Lz4, &[0x50, 0x2a, 0x4d, 0x18, 255, 255, 255, 255, 0]).unwrap_err();
}

#[test]
fn skippable_frames_and_what_is_none() {
    let skip = [0x5f, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7];
    for codec in [Codec::Lz4, Codec::Zstd] {
        let packed = pack(codec, b"to be");
        assert_eq!(unpack(codec, &[&skip[..], &packed, &skip].concat()).unwrap(), b"to be");
    }
    for codec in [Codec::Gzip, Codec::Deflate, Codec::Bzip2, Codec::Zstd, Codec::Lz4, Codec::Snappy] {
        unpack(codec, &[&pack(codec, b"to be")[..], b"junk"].concat()).unwrap_err();
    }
}

#[test]
fn files_tell_by_their_start_then_by_their_name() {
    for codec in Codec::ALL {
        let name = format!("a.{}", codec.extension());
        let packed = pack(codec, &words(9));
        assert_eq!(Codec::of_file(name.as_ref(), &packed[..10]), Ok(Some(codec)), "{codec}");
        let has_magic = !codec.magic().is_empty();
        assert_eq!(Codec::of_start(&packed[..10]), has_magic.then_some(codec), "{codec}");
        if has_magic {
            assert_eq!(Codec::of_file("a.gz".as_ref(), &packed[..10]), Ok(Some(codec)));
            assert_eq!(Codec::of_file(name.as_ref(), &packed[..2]), Ok(Some(codec)), "cut");
        }
    }
    assert_eq!(Codec::of_file("a.snappy".as_ref(), &pack(Codec::Snappy, b"to be")), Ok(Some(Codec::Snappy)));
    for name in ["a.gz", "a.deflate", "a.bz2", "a.zst", "a.sz"] {
        Codec::of_file(name.as_ref(), b"plain text").unwrap_err();
    }
    assert_eq!(Codec::of_file("a.txt".as_ref(), b"BZh9 plain text"), Ok(None));
    assert_eq!(Codec::of_file("a.txt".as_ref(), b"BZh91AY&SY"), Ok(Some(Codec::Bzip2)));
    for codec in Codec::ALL {
        assert_eq!(
            codec.hadoop_class().and_then(Codec::of_hadoop_class),
            codec.hadoop_class().map(|_| codec)
        );
    }
}
