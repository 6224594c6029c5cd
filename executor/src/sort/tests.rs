use super::*;
use crate::fixture::{Fixture, caught};
use proptest::prelude::*;
use rsk_proto::TaskError;

/// Of each record's share of memory, so that a few hundred records spill.
const PADDING: usize = 3000;
const SHARE: u64 = 1 << 20;

type Record = (u8, usize, String);

/// Made as they are read: what was there before a sort begins is not its growth.
fn padded(keys: Vec<u8>) -> impl Iterator<Item = Record> {
    keys.into_iter().enumerate().map(|(at, key)| (key, at, "x".repeat(PADDING)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sorts_as_a_vector_does_and_stably_whatever_spilled(
        keys in proptest::collection::vec(any::<u8>(), 0..2500),
    ) {
        let fixture = Fixture::new();
        let task = fixture.task(SHARE);
        let mut model: Vec<Record> = padded(keys.clone()).collect();
        model.sort_by_key(|record| record.0);
        let sorted: Vec<Record> = sort(&task, padded(keys.clone()), |a, b| a.0.cmp(&b.0)).collect();
        prop_assert!(sorted == model, "by whole records");
        prop_assert!(keys.len() < 500 || task.metrics().spilled_bytes > 0);
    }

    #[test]
    fn sorts_keys_of_bytes_as_a_vector_does_and_stably_whatever_spilled(
        keys in proptest::collection::vec("[ab\u{0}]{0,12}", 0..1500), is_descending: bool, long in 0usize..1_000_000,
    ) {
        let fixture = Fixture::new();
        let pairs = move || {
            let value = move |at| (at, "x".repeat(if at == 7 { long } else { PADDING }));
            keys.clone().into_iter().enumerate().map(move |(at, key)| (key, value(at)))
        };
        let mut model: Vec<(String, (usize, String))> = pairs().collect();
        model.sort_by(|a, b| if is_descending { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
        for share in [SHARE, 1 << 30] {
            let task = fixture.task(share);
            let sorted = sort_by_bytes(&task, pairs(), |key: &String| key.as_bytes(), is_descending);
            prop_assert!(sorted.eq(model.iter().cloned()), "in {share} bytes");
            prop_assert!(model.len() < 500 || (share == SHARE) == (task.metrics().spilled_bytes > 0));
        }
    }

    #[test]
    fn any_number_of_runs_is_merged_stably(runs in proptest::collection::vec(
        proptest::collection::vec(0u8..20, 0..20), 0..20,
    )) {
        let runs: Vec<Vec<(u8, usize)>> = runs.into_iter().enumerate().map(|(run, mut keys)| {
            keys.sort_unstable();
            keys.into_iter().map(|key| (key, run)).collect()
        }).collect();
        let mut model: Vec<_> = runs.concat();
        model.sort_by_key(|record| record.0);
        let order = Whole(|a: &(u8, usize), b: &(u8, usize)| a.0.cmp(&b.0));
        prop_assert!(merge::Merge::new(order, runs.into_iter().map(Vec::into_iter)).eq(model));
    }
}

#[test]
fn more_runs_than_can_be_merged_at_once_take_another_pass() {
    let fixture = Fixture::new();
    let task = fixture.task(SHARE);
    let records = (0..12_000u32).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 24, n, "x".repeat(2000)));
    let sorted = sort(&task, records, |a, b| a.0.cmp(&b.0)).map(|(key, at, _)| (key, at));
    let mut model: Vec<_> = (0..12_000u32).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 24, n)).collect();
    model.sort_unstable();
    assert!(sorted.eq(model));
}

#[test]
fn a_killed_task_leaves_its_merge() {
    let fixture = Fixture::new();
    let records = (0..3000u32).map(|n| (n, "x".repeat(2000)));
    let mut sorted = sort(&fixture.task(SHARE), records, |a, b| b.0.cmp(&a.0));
    assert_eq!(sorted.next().map(|record| record.0), Some(2999));
    fixture.kill();
    assert!(matches!(caught(|| sorted.count()), Err(TaskError::Killed(_))));
}
