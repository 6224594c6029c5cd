use super::*;
use crate::fixture::{Fixture, caught};
use proptest::prelude::*;
use rsk_proto::TaskError;
use std::{cell::Cell, collections::BTreeMap};

/// Of each record's share of memory, so that a few hundred records spill.
const PADDING: usize = 3000;
const SHARE: u64 = 1 << 20;

/// Text rather than bytes: those are encoded one by one.
fn text(value: u8) -> String {
    String::from(char::from(value % 128)).repeat(PADDING)
}

fn padded(records: Vec<(u16, u8)>) -> impl Iterator<Item = (u16, String)> {
    records.into_iter().map(|(key, value)| (key, text(value)))
}

fn group<I: Iterator<Item = (u16, String)> + 'static>(
    task: &TaskContext,
    records: I,
) -> Vec<(u16, Vec<String>)> {
    let push = |mut held: Vec<String>, value| {
        held.push(value);
        held
    };
    let append = |mut held: Vec<String>, mut more| {
        held.append(&mut more);
        held
    };
    combine(task, records, |value| vec![value], push, append).collect()
}

fn model(records: &[(u16, u8)]) -> BTreeMap<u16, Vec<u8>> {
    let mut groups = BTreeMap::<u16, Vec<u8>>::new();
    for &(key, value) in records {
        groups.entry(key).or_default().push(value % 128);
    }
    groups
}

fn first_bytes(groups: Vec<(u16, Vec<String>)>) -> Vec<(u16, Vec<u8>)> {
    groups
        .into_iter()
        .map(|(key, values)| (key, values.iter().map(|value| value.as_bytes()[0]).collect()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn groups_are_whole_and_in_one_order_whatever_spilled(
        records in proptest::collection::vec((0u16..200, any::<u8>()), 0..1500),
    ) {
        let fixture = Fixture::new();
        let task = fixture.task(SHARE);
        let spilled = first_bytes(group(&task, padded(records.clone())));
        prop_assert!(records.len() < 500 || task.metrics().spilled_bytes > 0);
        let kept = first_bytes(group(&fixture.task(1 << 30), padded(records.clone())));
        prop_assert_eq!(&spilled, &kept, "values of a key in the order in which they came, too");
        prop_assert_eq!(spilled.into_iter().collect::<BTreeMap<_, _>>(), model(&records));
    }

    #[test]
    fn what_is_combined_early_adds_up(
        records in proptest::collection::vec((0u16..200, any::<u8>()), 0..1500),
    ) {
        let fixture = Fixture::new();
        let concat = |held: String, more: String| held + &more;
        let early = combine_early(&fixture.task(SHARE), padded(records.clone()), |value| value, concat);
        let mut sums = BTreeMap::<u16, String>::new();
        early.for_each(|(key, values)| sums.entry(key).or_default().push_str(&values));
        let expected: BTreeMap<u16, String> = model(&records)
            .into_iter()
            .map(|(key, values)| (key, values.into_iter().map(text).collect()))
            .collect();
        prop_assert_eq!(sums, expected);
    }
}

#[test]
fn many_keys_are_counted_in_buckets_and_come_in_the_order_of_few() {
    let fixture = Fixture::new();
    let count = |share: u64, n: u64| -> Vec<(u64, u64)> {
        let task = fixture.task(share);
        let records = (0..n).map(|i| (i.wrapping_mul(0x9e37_79b9) % 50_000, 1));
        combine(&task, records, |one| one, |a, b| a + b, |a, b| a + b).collect()
    };
    let (kept, spilled) = (count(1 << 30, 400_000), count(SHARE, 400_000));
    assert_eq!(kept, spilled);
    assert!(kept.iter().all(|&(_, n)| n == 8) && kept.len() == 50_000);
    let few = count(1 << 30, 10_000);
    let again: Vec<u64> =
        kept.iter().map(|&(key, _)| key).filter(|key| few.iter().any(|(few, _)| few == key)).collect();
    assert!(few.iter().map(|&(key, _)| key).eq(again), "one table or many: one order");
}

#[test]
fn a_bucket_that_does_not_fit_is_split_again() {
    let fixture = Fixture::new();
    let task = fixture.task(SHARE);
    let records = (0..10_000u32).map(|n| (n, "x".repeat(8000)));
    let keep = |held, _| held;
    let mut keys: Vec<_> = combine(&task, records, |value| value, keep, keep).map(|(key, _)| key).collect();
    // Each of 64 buckets has more than the share.
    assert!(task.metrics().spilled_bytes > 0);
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..10_000));
}

#[test]
fn one_key_that_outgrows_the_share_is_an_error_that_names_its_type() {
    let fixture = Fixture::new();
    for keys in [1, 100] {
        let hot = (0..1000u32).map(move |n| (if n % 3 == 0 { n % keys } else { 0 }, text(7)));
        let hot = hot.map(|(key, value)| (u16::try_from(key).unwrap(), value));
        let error = caught(|| group(&fixture.task(SHARE), hot)).unwrap_err();
        let TaskError::RecordTooLarge { what, bytes, .. } = error else { panic!("{error}") };
        assert!(what.contains("one key of type u16") && bytes > SHARE / 2, "{what}: {bytes}");
    }
}

#[test]
fn keys_with_one_hash_end_in_an_error_and_not_in_a_loop() {
    #[derive(PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    struct Same(u32);
    impl Hash for Same {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
    }
    let fixture = Fixture::new();
    let keep = |held: String, _| held;
    let records = (0..400).map(|n| (Same(n), "x".repeat(8000)));
    let combined = caught(|| combine(&fixture.task(SHARE), records, |value| value, keep, keep).count());
    assert!(matches!(combined, Err(TaskError::RecordTooLarge { .. })), "{combined:?}");
}

#[test]
fn early_combining_stops_where_nearly_all_keys_are_new() {
    let fixture = Fixture::new();
    let read = Rc::new(Cell::new(0u64));
    let count = Rc::clone(&read);
    let records = (0..300_000u64).inspect(move |_| count.set(count.get() + 1)).map(|n| (n, n));
    let mut early = combine_early(&fixture.task(1 << 30), records, |n| n, |a, b| a + b);
    let first: Vec<_> = early.by_ref().take(100_000).collect();
    assert_eq!((first.len(), read.get()), (100_000, 100_000));
    assert_eq!(early.next(), Some((100_000, 100_000)), "from here on one by one");
    assert_eq!(read.get(), 100_001);
    assert_eq!(early.count(), 199_999);
}

#[test]
fn nothing_is_read_before_the_first_record_is_asked_for() {
    let fixture = Fixture::new();
    let records = std::iter::from_fn(|| -> Option<(u8, u8)> { panic!("read") });
    drop(combine(&fixture.task(SHARE), records, |n| n, |a, _| a, |a, _| a));
}
