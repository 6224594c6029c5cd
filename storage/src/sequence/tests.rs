use super::*;
use proptest::prelude::*;
use std::io::Cursor;

type Pairs = Vec<(i64, String)>;

fn compressions() -> impl Iterator<Item = Compression> {
    let packed = |codec| [Compression::Records(codec), Compression::Blocks(codec)];
    std::iter::once(Compression::None).chain(Codec::ALL.into_iter().flat_map(packed))
}

fn write(pairs: &[(i64, String)], compression: Compression, interval: u64, block: usize) -> Vec<u8> {
    let mut file = SequenceWriter::with_sizes(Vec::new(), compression, [0xa5; 16], interval, block).unwrap();
    for (key, value) in pairs {
        file.write(key, value).unwrap();
    }
    file.finish().unwrap()
}

fn read(bytes: &[u8], from: u64, to: u64) -> Result<Pairs, SequenceError> {
    SequenceReader::new(Cursor::new(bytes), from..to, 1 << 20)?.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn pairs_come_once_whatever_the_splits(
        pairs in prop::collection::vec((any::<i64>(), "[a-c\u{e9}]{0,90}"), 0..60),
        interval in 1u64..900,
        block in 0usize..2000,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        for compression in compressions() {
            let bytes = write(&pairs, compression, interval, block);
            prop_assert_eq!(&write(&pairs, compression, interval, block), &bytes);
            let mut borders: Vec<u64> = cuts.iter().map(|cut| cut.index(bytes.len() + 1) as u64).collect();
            borders.extend([0, bytes.len() as u64]);
            borders.sort_unstable();
            let mut all = Vec::new();
            for ends in borders.windows(2) {
                all.extend(read(&bytes, ends[0], ends[1]).unwrap());
            }
            prop_assert_eq!(&all, &pairs, "{:?}", compression);
        }
    }

    #[test]
    fn any_bytes_are_an_error_or_something_but_no_panic(bytes: Vec<u8>, at: prop::sample::Index) {
        drop(read(&bytes, 0, u64::MAX));
        drop(read(&[b"SEQ\x06", &bytes[..]].concat(), 0, u64::MAX));
        for compression in compressions() {
            let mut whole = write(&[(1, "one".to_owned()), (2, "two".to_owned())], compression, 10, 10);
            let head = whole.len() - at.index(whole.len());
            whole.truncate(head);
            whole.extend_from_slice(&bytes);
            drop(read(&whole, 0, u64::MAX));
            drop(read(&whole, 30, u64::MAX));
        }
    }
}

fn pairs(count: i64) -> Pairs {
    (0..count).map(|n| (n, format!("value {n}"))).collect()
}

#[test]
fn a_cut_is_an_error_but_between_records() {
    for compression in compressions() {
        let bytes = write(&pairs(9), compression, 100, 60);
        let mut whole = 0;
        for cut in 0..bytes.len() {
            match read(&bytes[..cut], 0, u64::MAX) {
                Ok(read) => {
                    assert_eq!(read, pairs(9)[..read.len()], "{compression:?} cut at {cut}");
                    whole += 1;
                }
                Err(error) => {
                    assert!(matches!(error, SequenceError::Io(_) | SequenceError::Damaged(_)), "{error}");
                }
            }
        }
        // Behind the header, behind each record, and behind each sync marker where records follow it.
        assert!((1..=20).contains(&whole), "{compression:?}: {whole}");
    }
}

#[test]
fn lengths_that_are_not_true_are_errors() {
    let bytes = write(&[], Compression::None, 1, 0);
    for (length, key) in [(i32::MAX, 4), (8, i32::MAX), (8, -1), (-2, 0), (3, 4), (8, 12), (10, 8)] {
        let record = [&bytes[..], &length.to_be_bytes(), &key.to_be_bytes(), &[0; 9]].concat();
        read(&record, 0, u64::MAX).unwrap_err();
    }
    let error = read(&[&bytes[..], &i32::MAX.to_be_bytes(), &[0; 4]].concat(), 0, u64::MAX).unwrap_err();
    assert!(matches!(error, SequenceError::TooLarge { .. }), "{error}");
    let large = vec![(1, "x".repeat((1 << 20) + 1))];
    for compression in compressions() {
        let error = read(&write(&large, compression, 1, 0), 0, u64::MAX).unwrap_err();
        assert!(matches!(error, SequenceError::TooLarge { .. }), "{compression:?}: {error}");
    }
}

#[test]
fn other_files_are_told_apart() {
    assert!(matches!(read(b"RAR\x06", 0, 9), Err(SequenceError::NotSequence)));
    assert!(matches!(read(b"SEQ\x04", 0, 9), Err(SequenceError::Version(4))));
    let bytes = write(&pairs(1), Compression::Records(Codec::Gzip), 1, 0);
    let found = bytes.windows(9).position(|bytes| bytes == b"GzipCodec").unwrap();
    let mut other = bytes.clone();
    other[found..found + 9].copy_from_slice(b"LzopCodec");
    let error = read(&other, 0, u64::MAX).unwrap_err();
    assert!(error.to_string().contains("packed by org.apache.hadoop.io.compress.LzopCodec"), "{error}");
}
