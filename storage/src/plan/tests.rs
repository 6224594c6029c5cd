use super::*;
use proptest::prelude::*;

fn bytes_of(split: &Split) -> u64 {
    split.end - split.start
}

fn is_named(file: &InputFile, end: &str) -> bool {
    file.location.name().rsplit('.').next() == Some(end)
}

fn files(bytes: &[u64]) -> Vec<InputFile> {
    let name = |n: usize| if n % 5 == 4 { format!("{n}.gz") } else { format!("{n}.txt") };
    bytes.iter().enumerate().map(|(n, &bytes)| InputFile::new(&*name(n), bytes)).collect()
}

proptest! {
    #[test]
    fn every_byte_is_planned_once_in_order(
        bytes in prop::collection::vec(prop_oneof![Just(0), 1u64..400], 0..20),
        splits_min in 0u64..60,
        block_bytes in 0u64..300,
        packed: bool,
    ) {
        let files = files(&bytes);
        let options = TextOptions { packed, splits_min, block_bytes, ..TextOptions::default() };
        let partitions = plan(&files, &options);
        let mut splits = partitions.iter().flat_map(|partition| &partition.splits);
        for file in &files {
            let mut at = 0;
            loop {
                let split = splits.next().unwrap();
                prop_assert_eq!((&split.file, split.start), (file, at));
                let is_compressed = is_named(file, "gz");
                prop_assert!(is_compressed || bytes_of(split) <= block_bytes.max(1));
                prop_assert!(bytes_of(split) > 0 || file.bytes == 0);
                at = split.end;
                if at == file.bytes {
                    break;
                }
                prop_assert!(!is_compressed);
            }
        }
        prop_assert!(splits.next().is_none());
        for partition in &partitions {
            let sum: u64 = partition.splits.iter().map(bytes_of).sum();
            prop_assert!(partition.splits.len() == 1 || packed && sum <= block_bytes.max(1));
        }
        let is_plain = |file: &&InputFile| is_named(file, "txt");
        let plain: u64 = files.iter().filter(is_plain).map(|file| file.bytes).sum();
        let blocks: u64 = files.iter().filter(is_plain).map(|file| file.bytes.div_ceil(block_bytes.max(1))).sum();
        let is_all_plain = files.iter().all(|file| is_named(file, "txt"));
        prop_assert!(packed && !is_all_plain || partitions.len() as u64 >= splits_min.min(plain));
        prop_assert!(packed || partitions.len() as u64 >= blocks);
    }

    #[test]
    fn whole_files_are_dealt_out_in_order(
        bytes in prop::collection::vec(0u64..100_000, 0..40),
        partitions_min in 0u64..50,
    ) {
        let files = files(&bytes);
        let partitions = plan_whole(&files, partitions_min);
        prop_assert_eq!(partitions.concat(), files.clone());
        prop_assert!(partitions.iter().all(|partition| !partition.is_empty()));
        prop_assert_eq!(partitions.len() as u64, partitions_min.max(1).min(files.len() as u64));
    }
}

#[test]
fn small_files_share_a_partition_and_large_ones_do_not() {
    let options = TextOptions { packed: true, block_bytes: 100, ..TextOptions::default() };
    let partitions = plan(&files(&[30, 30, 30, 30, 250, 40, 0, 60, 1]), &options);
    let lengths: Vec<Vec<u64>> =
        partitions.iter().map(|partition| partition.splits.iter().map(bytes_of).collect()).collect();
    assert_eq!(lengths, [vec![30, 30, 30], vec![30], vec![250], vec![40, 0, 60], vec![1]]);
}

#[test]
fn as_many_splits_as_asked_of_one_file() {
    for asked in 1..40 {
        let options = TextOptions { splits_min: asked, ..TextOptions::default() };
        assert_eq!(plan(&files(&[1_000_003]), &options).len() as u64, asked);
    }
    assert_eq!(plan(&[], &TextOptions::default()), []);
}

#[test]
fn whole_files_are_dealt_out_by_bytes() {
    let partitions = plan_whole(&files(&[900_000, 10, 10, 10, 880_000]), 2);
    assert_eq!(partitions.iter().map(Vec::len).collect::<Vec<_>>(), [1, 4]);
}
