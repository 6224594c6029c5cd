use super::*;
use crate::{InputFile, plan};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::{fs, io::Write, path::Path};

/// What all partitions give, and how many there are.
fn read_file(path: &Path, options: &TextOptions) -> Result<(Vec<Text>, usize), ReadError> {
    let input = InputFile::new(path, fs::metadata(path).unwrap().len());
    let partitions = plan(&[input], options);
    let count = partitions.len();
    let lines: Result<Vec<Text>, ReadError> = partitions
        .into_iter()
        .flat_map(|partition| read_lines(&Storage::default(), partition, options))
        .collect();
    Ok((lines?, count))
}

fn read_named(name: &str, bytes: &[u8], options: &TextOptions) -> Result<Vec<Text>, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    read_file(&path, options).map(|(lines, _)| lines)
}

fn splits(splits_min: u64) -> TextOptions {
    TextOptions { splits_min, ..TextOptions::default() }
}

fn lossy() -> TextOptions {
    TextOptions { invalid_utf8: InvalidUtf8::Lossy, ..TextOptions::default() }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::default());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// zstd 1.5's own frames, level 19 with a checksum: `to be\nor not\n` 40 times.
const ZSTD_19: &[u8] =
    b"\x28\xb5\x2f\xfd\x64\x08\x01\xa5\x00\x00\x68to be\nor not\n\x01\x00\xf8\xa0\xce\x2f\xae\x7d\xc4\xf2";

proptest! {
    #[test]
    fn splits_together_give_the_lines_of_the_whole(lines in "[a-c\u{e9}\r\n]{0,60}", pieces in 1u64..70) {
        let read = read_named("a.txt", lines.as_bytes(), &splits(pieces)).unwrap();
        prop_assert_eq!(read, lines.lines().collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_read_lossily_or_refused_with_their_line(bytes: Vec<u8>, pieces in 1u64..9) {
        let options = TextOptions { splits_min: pieces, ..lossy() };
        let read = read_named("a.txt", &bytes, &options).unwrap();
        let whole = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert_eq!(&read, &whole.lines().collect::<Vec<_>>());
        match read_named("a.txt", &bytes, &splits(pieces)) {
            Ok(read) => prop_assert_eq!(read, std::str::from_utf8(&bytes).unwrap().lines().collect::<Vec<_>>()),
            Err(ReadError::Utf8 { offset, source, .. }) => {
                let valid = std::str::from_utf8(&bytes).unwrap_err().valid_up_to();
                let start = bytes[..valid].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                prop_assert_eq!((offset, source.valid_up_to()), (start as u64, valid - start));
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn packed_files_give_the_lines_of_what_they_hold(lines in "[a-c\u{e9}\r\n]{0,200}", cut in 0usize..200) {
        let at = (0..=cut.min(lines.len())).rev().find(|at| lines.is_char_boundary(*at)).unwrap_or(0);
        let (first, rest) = lines.as_bytes().split_at(at);
        let expected: Vec<&str> = lines.lines().collect();
        for (name, bytes) in [
            ("a.gz", gzip(lines.as_bytes())),
            ("a.txt.gz", [gzip(first), gzip(rest)].concat()),
            ("a.zst", zstd(lines.as_bytes())),
            ("A.ZST", [&[0x51, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7], &*zstd(first), &zstd(rest)].concat()),
        ] {
            prop_assert_eq!(&read_named(name, &bytes, &splits(7)).unwrap(), &expected, "{}", name);
        }
    }

    #[test]
    fn random_bytes_in_packed_files_never_panic(bytes: Vec<u8>) {
        for (name, magic) in [("a.gz", &[0x1f, 0x8b, 8][..]), ("a.zst", &[0x28, 0xb5, 0x2f, 0xfd][..])] {
            let whole = [magic, &bytes].concat();
            if let Ok(lines) = read_named(name, &whole, &lossy()) {
                prop_assert!(lines.is_empty() || name == "a.zst", "{:?}", lines);
            }
        }
    }
}

#[test]
fn a_packed_file_cut_anywhere_or_with_a_flipped_bit_is_an_error_that_names_it() {
    let text = "to be\nor not\n".repeat(8);
    let folder = tempfile::tempdir().unwrap();
    let read_named = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let lines = read_file(&path, &splits(1)).map(|(lines, _)| lines);
        // Written over, it would have to reach the disk each time.
        fs::remove_file(&path).unwrap();
        lines
    };
    for (name, whole) in [("cut.gz", gzip(text.as_bytes())), ("cut.zst", zstd(text.as_bytes()))] {
        let refused = |bytes: &[u8]| {
            let error = read_named(name, bytes).unwrap_err();
            assert!(matches!(error, ReadError::Damaged(..) | ReadError::Format { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        };
        for cut in 1..whole.len() {
            refused(&whole[..cut]);
        }
        // A few bits mean nothing to a reader: gzip's time and machine, zstd's window. The text is then the same.
        let mut harmless = 0;
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            match read_named(name, &bytes) {
                Ok(lines) => {
                    assert_eq!(lines, text.lines().collect::<Vec<_>>(), "{name} bit {bit}");
                    harmless += 1;
                }
                Err(_) => refused(&bytes),
            }
        }
        assert!(harmless < 70, "{harmless} bits of {name}");
        refused(&[&whole[..], b"junk"].concat());
    }
}

#[test]
fn frames_of_zstd_itself() {
    assert_eq!(read_named("a.zst", ZSTD_19, &splits(1)).unwrap(), ["to be", "or not"].repeat(40));
}

#[test]
fn bytes_that_are_not_utf8_are_named_with_their_place_far_in() {
    let mut bytes = "0123456789abcde\n".repeat(100_000).into_bytes();
    bytes[16 * 50_000 + 3] = 0xff;
    for pieces in [1, 13] {
        let error = read_named("a.txt", &bytes, &splits(pieces)).unwrap_err();
        assert!(error.to_string().contains("in the line at byte 800000:"), "{error}");
    }
    let mut lines = 0;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    fs::write(&path, &bytes).unwrap();
    let split = Split { file: InputFile::new(path, bytes.len() as u64), start: 0, end: bytes.len() as u64 };
    let mut read = read_lines(&Storage::default(), TextPartition { splits: vec![split] }, &splits(1));
    assert!(read.by_ref().any(|line| line.inspect(|_| lines += 1).is_err()));
    assert_eq!((lines, read.count()), (50_000, 0), "lines before it are given, none after it");
    assert_eq!(read_named("a.txt", &bytes, &lossy()).unwrap()[50_000], "012\u{fffd}456789abcde");
}

#[test]
fn lines_longer_than_blocks_are_whole_up_to_the_limit() {
    let long = "x".repeat(3 << 20);
    let text = format!("a\n{long}\nb\n{long}");
    for pieces in [1, 2, 11] {
        let read = read_named("a.txt", text.as_bytes(), &splits(pieces)).unwrap();
        assert!(read == ["a", &long, "b", &long]);
        let limit = TextOptions { record_bytes_max: 1 << 20, ..splits(pieces) };
        let error = read_named("a.txt", text.as_bytes(), &limit).unwrap_err();
        assert!(matches!(&error, ReadError::TooLarge { .. }), "{error}");
        assert!(error.to_string().contains("the line at byte 2 of"), "{error}");
    }
}

#[test]
fn a_file_shorter_than_it_was_listed_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    fs::write(&path, "to be\n").unwrap();
    for (start, end) in [(0, 7), (5, 7), (6, 9), (100, 200)] {
        let splits = vec![Split { file: InputFile::new(&*path, end), start, end }];
        let error = read_lines(&Storage::default(), TextPartition { splits }, &TextOptions::default())
            .next()
            .unwrap()
            .unwrap_err();
        assert!(matches!(error, ReadError::Shrunk { bytes: 6, .. }), "{error}");
    }
}

#[test]
fn empty_files_and_missing_ones() {
    for name in ["a.txt", "a.gz", "a.zst"] {
        assert_eq!(read_named(name, b"", &splits(1)).unwrap(), [""; 0]);
    }
    let gone = Split { file: InputFile::new("/none/a.txt", 0), start: 0, end: 0 };
    let mut lines =
        read_lines(&Storage::default(), TextPartition { splits: vec![gone] }, &TextOptions::default());
    assert!(matches!(lines.next(), Some(Err(ReadError::Io(..)))));
    assert!(lines.next().is_none());
}

#[test]
fn several_small_files_in_one_partition() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("a", &b"1\n2"[..]), ("b", b""), ("c.gz", &gzip(b"3\r\n")), ("d", b"4\n")] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let options = TextOptions { packed: true, ..TextOptions::default() };
    let partitions = plan(&Storage::default().list(&folder.path().display().to_string()).unwrap(), &options);
    assert_eq!(partitions.len(), 1);
    let lines: Result<Vec<Text>, _> =
        read_lines(&Storage::default(), partitions[0].clone(), &options).collect();
    assert_eq!(lines.unwrap(), ["1", "2", "3", "4"]);
}
