use super::*;
use crate::{CommitLog, RowSchema, SaveMode, Storage, TextOptions, plan_batches, rows_of};
use proptest::prelude::*;
use rsk_proto::{PartitionId, TaskId};
use serde::{Deserialize, Serialize};
use std::ops::{Bound, RangeBounds};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    n: Option<i64>,
    unsigned: u32,
    number: f64,
    text: String,
}

fn rows() -> impl Strategy<Value = Vec<Vec<Row>>> {
    let number = prop_oneof![4 => -5.0..5.0, 1 => Just(f64::NAN), 1 => Just(-0.0)];
    let unsigned = prop_oneof![0..10_u32, Just(u32::MAX)];
    let row = (prop::option::of(-5..5_i64), unsigned, number, "[a-c\u{e9}]{0,2}");
    let row = row.prop_map(|(n, unsigned, number, text)| Row { n, unsigned, number, text });
    prop::collection::vec(prop::collection::vec(row, 1..4), 1..6)
}

fn bound<T: Strategy<Value: Clone> + 'static>(
    value: T,
) -> impl Strategy<Value = (Bound<T::Value>, Bound<T::Value>)> {
    let bound = (0..3, value).prop_map(|(kind, value)| match kind {
        0 => Bound::Unbounded,
        1 => Bound::Included(value),
        _ => Bound::Excluded(value),
    });
    let bound = bound.boxed();
    (bound.clone(), bound)
}

/// What is read of one file of these groups.
fn read(groups: &[Vec<Row>], range: ColumnRange) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let storage = Storage::default();
    let output = CommitLog::open(&storage, &out.as_path().into(), SaveMode::Error).unwrap();
    let schema = RowSchema::of::<Row>().unwrap();
    let attempt = output.target().attempt(&storage, PartitionId(0), TaskId(0));
    let mut part = ParquetPartWriter::create(attempt, ParquetCodec::None, 1);
    groups.iter().for_each(|rows| part.write(&schema.batch(rows).unwrap()).unwrap());
    output.grant(&part.finish().unwrap().unwrap()).unwrap();
    output.commit().unwrap();
    let options = ParquetOptions { groups_with: vec![range], ..ParquetOptions::default() };
    let files = storage.list(&out.display().to_string()).unwrap();
    let partitions = plan_batches(&files, &TextOptions { splits_min: 3, ..TextOptions::default() });
    let batches = partitions.into_iter().flat_map(|partition| read_parquet(&storage, partition, &options));
    batches.flat_map(|batch| rows_of(&batch.unwrap()).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_row_that_is_looked_for_is_passed_over(
        groups in rows(), n in bound(-5..5_i64), unsigned in bound(0..12_u32), number in bound(-5.0..5.0),
        text in bound("[a-c\u{e9}]{0,2}"), other in bound(-5.0..5.0),
    ) {
        let all = groups.concat();
        let check = |range: ColumnRange, is_in: &dyn Fn(&Row) -> bool| {
            let read = read(&groups, range);
            let found = |rows: &[Row]| rows.iter().filter(|row| is_in(row)).map(|row| format!("{row:?}")).collect::<Vec<_>>();
            assert_eq!(found(&read), found(&all));
        };
        check(ColumnRange::new("n", n), &|row| row.n.is_some_and(|own| n.contains(&own)));
        check(ColumnRange::new("unsigned", unsigned), &|row| unsigned.contains(&row.unsigned));
        check(ColumnRange::new("number", number), &|row| number.contains(&row.number));
        check(ColumnRange::new("text", text.clone()), &|row| text.contains(&row.text));
        // An integer column, looked through by other numbers.
        #[expect(clippy::cast_precision_loss, reason = "small numbers are exact")]
        check(ColumnRange::new("n", other), &|row| row.n.is_some_and(|own| other.contains(&(own as f64))));
    }
}

#[test]
fn row_groups_are_those_that_were_written() {
    let row = |n: i64| Row { n: Some(n), unsigned: 0, number: 0.0, text: String::new() };
    let groups = [vec![row(1), row(2)], vec![row(3)], vec![row(7)]];
    let found =
        |range: ColumnRange| read(&groups, range).iter().map(|row| row.n.unwrap()).collect::<Vec<_>>();
    assert_eq!(found(ColumnRange::new("n", 3..=5)), [3]);
    assert_eq!(found(ColumnRange::new("n", 4..7)), [0; 0]);
    assert_eq!(found(ColumnRange::new("n", 2..)), [1, 2, 3, 7], "a group is read as a whole");
}
