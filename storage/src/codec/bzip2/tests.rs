use super::*;
use crate::codec::Codec;
use proptest::prelude::*;
use std::io::Write;

/// Blocks of at most 100 kB each, so that little text has several.
fn pack(text: &[u8]) -> Vec<u8> {
    let mut to = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    to.write_all(text).unwrap();
    to.finish().unwrap()
}

fn lines(count: u64, length: u64) -> Vec<u8> {
    (0..count).flat_map(|n| format!("{n} {}\n", n.pow(3) % (10 << (n % length))).into_bytes()).collect()
}

/// What the blocks of a split give, and what follows them.
fn split(packed: &[u8], from: usize, to: u64) -> io::Result<(Vec<u8>, u64)> {
    let mut reader = Bzip2Reader::new(&packed[from..], from as u64, to);
    let mut text = Vec::new();
    reader.read_to_end(&mut text)?;
    Ok((text, reader.border().unwrap()))
}

#[test]
fn splits_at_every_place_give_each_block_once() {
    let text = lines(30_000, 20);
    let packed = [pack(&text), pack(b""), pack(&text[..1000])].concat();
    let whole = [&text[..], &text[..1000]].concat();
    assert!(split(&packed, 0, u64::MAX).unwrap() == (whole.clone(), whole.len() as u64));
    let mut borders = std::collections::BTreeSet::new();
    for cut in (1..packed.len()).step_by(packed.len() / 40) {
        let (head, border) = split(&packed, 0, cut as u64).unwrap();
        assert!(head == whole, "it may be read on beyond its border");
        let (tail, rest) = split(&packed, cut, u64::MAX).unwrap();
        let border = usize::try_from(border).unwrap();
        assert!(tail == whole[border..] && rest == tail.len() as u64, "cut at {cut}");
        borders.insert(border);
    }
    assert!(borders.len() > 3, "{borders:?}");
}

#[test]
fn a_magic_within_a_block_ends_nothing() {
    let text = lines(20_000, 20);
    let packed = pack(&text);
    let mut reader = Bzip2Reader::new(&packed[..], 0, u64::MAX);
    reader.step().unwrap();
    reader.step().unwrap();
    let State::Open(whole) = std::mem::replace(&mut reader.state, State::Over) else { panic!("no block") };
    // As if some of the block's own bits were a magic.
    let stream = reader.bits.block_as_stream(whole.start, whole.start + 4801);
    reader.state =
        State::Open(Open { decoder: Decompress::new(false), stream, end: whole.start + 4801, ..whole });
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == text);
}

#[test]
fn blocks_in_another_order_do_not_match_the_checksum_of_the_stream() {
    let text = lines(30_000, 20);
    let packed = pack(&text);
    let mut bits = Bits::new(&packed[..], 0);
    let mut starts = Vec::new();
    let mut at = 32;
    while let Some((found, magic)) = bits.find(at, u64::MAX, |_| true).unwrap() {
        starts.push((found, magic));
        at = found + 1;
    }
    assert!(starts.len() > 3, "{starts:?}");
    assert_eq!(starts.last().unwrap().1, Magic::End);
    // The second block's checksum, with a bit changed, is seen by the block; a missing end by the stream.
    let mut damaged = packed.clone();
    let second = usize::try_from(starts[1].0 / 8).unwrap();
    damaged[second + 8] ^= 1;
    assert!(split(&damaged, 0, u64::MAX).is_err());
    assert!(split(&damaged, second, u64::MAX).is_err(), "nor is it left out by a split that begins there");
    let end = usize::try_from(starts.last().unwrap().0 / 8).unwrap();
    assert!(split(&packed[..end], 0, u64::MAX).is_err());
    let mut damaged = packed.clone();
    *damaged.last_mut().unwrap() ^= 0x10;
    assert!(split(&damaged, 0, u64::MAX).is_err() || damaged.last() == packed.last());
}

#[test]
fn a_block_whose_magic_is_gone_is_missed_by_who_reads_up_to_it() {
    let packed = pack(&lines(30_000, 20));
    let mut bits = Bits::new(&packed[..], 0);
    let (second, _) = bits.find(33, u64::MAX, |magic| magic == Magic::Block).unwrap().unwrap();
    let mut damaged = packed.clone();
    damaged[usize::try_from(second / 8).unwrap() + 2] ^= 0x80;
    assert!(split(&damaged, 0, second / 8).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn all_lines_come_once_whatever_the_splits(
        count in 0u64..20_000,
        length in 1u64..24,
        ends in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
        streams in 1usize..4,
    ) {
        let mut text = lines(count, length);
        if !ends {
            text.pop();
        }
        let packed: Vec<u8> =
            text.chunks(text.len().div_ceil(streams).max(1)).flat_map(pack).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bz2");
        std::fs::write(&path, &packed).unwrap();
        let length = packed.len() as u64;
        let mut borders: Vec<u64> = cuts.iter().map(|cut| cut.index(packed.len() + 1) as u64).collect();
        borders.extend([0, length]);
        borders.sort_unstable();
        let mut read = Vec::new();
        for ends in borders.windows(2) {
            let splits = vec![crate::Split {
                file: crate::InputFile::new(&*path, length),
                start: ends[0],
                end: ends[1],
            }];
            for line in crate::read_lines(&crate::Storage::default(), crate::TextPartition { splits }, &crate::TextOptions::default()) {
                read.push(line.unwrap());
            }
        }
        let text = String::from_utf8(text).unwrap();
        prop_assert!(read == text.lines().collect::<Vec<_>>(), "{} lines of {}", read.len(), count);
        prop_assert!(Codec::Bzip2.can_split());
    }

    #[test]
    fn any_bits_are_an_error_or_nothing(bytes: Vec<u8>, from in 0usize..40, to in 0u64..400) {
        let packed = [&b"BZh9"[..], &BLOCK_MAGIC, &bytes, &BLOCK_MAGIC, &END_MAGIC, &bytes].concat();
        drop(split(&packed, from.min(packed.len()), to));
    }
}
