use super::*;
use crate::{
    TaskContext,
    fixture::{Fixture, caught},
};
use proptest::prelude::*;
use rsk_proto::{MapOutput, MapOutputId, Next, TaskError, TaskId};
use std::{fs, path::PathBuf};

type Record = (u64, String);
const SHUFFLE: rsk_proto::ShuffleId = rsk_proto::ShuffleId(3);

fn id(map: u32) -> MapOutputId {
    MapOutputId { shuffle: SHUFFLE, map: PartitionId(map), task: TaskId(u64::from(map) + 10) }
}

fn write(task: &TaskContext, map: u32, partitions: u32, records: &[Record]) -> Result<MapOutput, TaskError> {
    let mut writer = ShuffleWriter::new(task, id(map), partitions);
    records.iter().try_for_each(|record| writer.write(partition_of(&record.0, partitions), record))?;
    writer.finish()
}

fn read(task: &TaskContext, reduce: u32, partitions: u32) -> Result<Vec<Record>, TaskError> {
    caught(|| fetch(task, SHUFFLE, PartitionId(reduce), partitions).collect())
}

fn paths(fixture: &Fixture, map: u32) -> (PathBuf, PathBuf) {
    rsk_proto::map_output_paths(&fixture.work_dir().shuffle(), id(map))
}

fn record(n: u64, bytes: usize) -> Record {
    (n, format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(bytes / 16))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn each_record_arrives_once_in_map_order_whatever_spilled(
        maps in proptest::collection::vec(0u64..800, 0..4),
        partitions in 1u32..300,
        bytes in 16usize..3000,
    ) {
        let fixture = Fixture::new();
        let task = fixture.task(1 << 20);
        let all: Vec<Vec<Record>> =
            maps.iter().map(|&n| (0..n).map(|i| record(i, bytes)).collect()).collect();
        let outputs: Vec<_> =
            all.iter().zip(0..).map(|(records, map)| write(&task, map, partitions, records).unwrap()).collect();
        fixture.set_outputs(outputs);
        for reduce in 0..partitions {
            let model = all.iter().flatten().filter(|record| partition_of(&record.0, partitions).0 == reduce);
            let model: Vec<Record> = model.cloned().collect();
            prop_assert_eq!(read(&task, reduce, partitions).unwrap(), model);
        }
    }

    #[test]
    fn random_bytes_as_files_are_an_error_and_no_panic(data: Vec<u8>, index: Vec<u8>, keep_index: bool) {
        let fixture = Fixture::new();
        let task = fixture.task(1 << 20);
        let output = write(&task, 0, 2, &[record(1, 100), record(2, 100)]).unwrap();
        fixture.set_outputs([output]);
        let (data_path, index_path) = paths(&fixture, 0);
        fs::write(data_path, data).unwrap();
        if !keep_index {
            fs::write(index_path, index).unwrap();
        }
        for reduce in 0..2 {
            let read = read(&task, reduce, 2);
            let is_empty = read.as_ref().is_ok_and(Vec::is_empty);
            let is_failed = matches!(read, Err(TaskError::FetchFailed { .. }));
            prop_assert!(is_failed || (is_empty && keep_index));
        }
    }
}

#[test]
fn any_flipped_bit_is_seen_or_harmless() {
    let fixture = Fixture::new();
    let task = fixture.task(1 << 20);
    let records = [record(1, 32), record(2, 32), record(7, 32)];
    fixture.set_outputs([write(&task, 0, 2, &records).unwrap()]);
    let right: Vec<_> = (0..2).map(|reduce| read(&task, reduce, 2).unwrap()).collect();
    let (data, index) = paths(&fixture, 0);
    for path in [data, index] {
        let bytes = fs::read(&path).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, flipped).unwrap();
            let seen = (0..2).filter(|&reduce| match read(&task, reduce, 2) {
                Ok(records) => {
                    assert_eq!(records, right[reduce as usize], "bit {bit} of {path:?}");
                    false
                }
                Err(error) => {
                    assert!(matches!(error, TaskError::FetchFailed { .. }), "bit {bit} of {path:?}: {error}");
                    true
                }
            });
            assert!(seen.count() > 0, "bit {bit} of {path:?} is of no use");
        }
        fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn missing_cut_and_foreign_files_are_named() {
    let fixture = Fixture::new();
    let task = fixture.task(1 << 20);
    let records: Vec<_> = (0..100).map(|n| record(n, 100)).collect();
    let outputs = [0, 1].map(|map| write(&task, map, 4, &records).unwrap());
    fixture.set_outputs(outputs.clone());
    let (data, index) = paths(&fixture, 1);
    let failed = |what: &str| {
        let error = read(&task, 3, 4).unwrap_err();
        let TaskError::FetchFailed { block, cause, .. } = &error else { panic!("{error}") };
        let said = cause.chain().collect::<Vec<_>>().join(": ");
        assert!(said.contains(what), "{said}");
        assert_eq!((block.output, block.reduce, error.next()), (id(1), PartitionId(3), Next::RerunParent));
    };
    let (whole_data, whole_index) = (fs::read(&data).unwrap(), fs::read(&index).unwrap());
    fs::write(&data, &whole_data[..whole_data.len() - 1]).unwrap();
    failed("too short");
    fs::remove_file(&data).unwrap();
    failed("No such file");
    fs::write(&data, &whole_data).unwrap();
    fs::write(&index, &whole_index[..whole_index.len() - 1]).unwrap();
    failed("cut short");
    fs::copy(paths(&fixture, 0).1, &index).unwrap();
    failed("not the index of shuffle-3 map part-1");
    fs::remove_file(&index).unwrap();
    failed("No such file");
    write(&task, 1, 5, &records).unwrap();
    failed("for 4 partitions");
    fs::write(&data, &whole_data).unwrap();
    fs::write(&index, &whole_index).unwrap();
    assert!(read(&task, 3, 4).is_ok());
}

#[test]
fn a_large_block_is_checked_before_its_first_record_and_streamed() {
    let fixture = Fixture::new();
    let task = fixture.task(1 << 20);
    let records: Vec<_> = (0..3000).map(|n| record(n, 1000)).collect();
    fixture.set_outputs([write(&task, 0, 1, &records).unwrap()]);
    let growth = crate::memory::Growth::start();
    let mut read_back = fetch::<Record>(&task, SHUFFLE, PartitionId(0), 1);
    for record in &records {
        assert_eq!(read_back.next().as_ref(), Some(record));
        assert!(growth.bytes() < 1 << 19, "{} bytes", growth.bytes());
    }
    assert_eq!(read_back.next(), None);
    let data = paths(&fixture, 0).0;
    let mut bytes = fs::read(&data).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&data, bytes).unwrap();
    let first = caught(|| fetch::<Record>(&task, SHUFFLE, PartitionId(0), 1).next());
    assert!(matches!(first, Err(TaskError::FetchFailed { .. })), "not even the first record goes on");
}

#[test]
fn a_killed_task_leaves_a_long_block() {
    let fixture = Fixture::new();
    let task = fixture.task(1 << 30);
    let records: Vec<_> = (0..5000).map(|n| record(n, 16)).collect();
    fixture.set_outputs([write(&task, 0, 1, &records).unwrap()]);
    let mut read_back = fetch::<Record>(&task, SHUFFLE, PartitionId(0), 1);
    assert!(read_back.next().is_some());
    fixture.kill();
    assert!(matches!(caught(|| read_back.count()), Err(TaskError::Killed(_))));
}

#[test]
fn a_partition_out_of_range_and_a_record_too_large_are_named() {
    let fixture = Fixture::new();
    let mut writer = ShuffleWriter::new(&fixture.task(1 << 20), id(0), 2);
    let error = writer.write(PartitionId(2), &record(1, 16)).unwrap_err();
    assert!(matches!(error, TaskError::Contract(_)), "{error}");
    let error = writer.write(PartitionId(0), &record(1, 2 << 20)).unwrap_err();
    let TaskError::RecordTooLarge { what, limit, .. } = error else { panic!("{error}") };
    assert!(what.contains("(u64, alloc::string::String)") && limit == 1 << 20, "{what}");
}
