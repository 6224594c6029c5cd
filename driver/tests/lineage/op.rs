//! One operator on pairs, applicable to RDDs and to vectors alike.

use proptest::prelude::*;
use rsk::StorageLevel;

pub(crate) type Pair = (u32, i64);

/// Those that depend on the order within a shuffle's output hide it, since a vector has another. A number is one of
/// partitions, unless it says otherwise.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Map(u32),
    Filter(u32),
    FlatMap(usize),
    MapValues(i64),
    /// A record for all, out of one a partition.
    Total,
    Glom,
    Sums(usize),
    Groups(usize),
    Counts(usize),
    Greatest(usize),
    Least(usize),
    Distinct,
    Union,
    UnionWith(Vec<Pair>),
    Intersection(Vec<Pair>),
    Zip,
    Join(Vec<Pair>),
    OuterJoin(Outer, Vec<Pair>),
    Cogroup(Vec<Pair>),
    Cogroup3(Vec<Pair>, Vec<Pair>),
    Subtract(Vec<Pair>),
    Sort(usize),
    SortDescending(usize),
    SortWithin(usize),
    Repartition(usize),
    Coalesce(usize),
    PartitionBy(usize),
    Index(usize),
    UniqueId,
    /// By a seed.
    Sample(u64),
    Persist(StorageLevel),
    ByRef(StorageLevel),
    Checkpoint,
    Fault,
}

/// Which side's keys stay without a partner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outer {
    Left,
    Right,
    Full,
}

impl Op {
    /// May it give more records than it gets?
    pub(crate) fn grows(&self) -> bool {
        matches!(self, Op::Union | Op::FlatMap(2) | Op::Join(_) | Op::OuterJoin(..))
    }
}

pub(crate) fn pairs(most: usize) -> impl Strategy<Value = Vec<Pair>> {
    prop::collection::vec((0u32..40, -1_000i64..1_000), 0..most)
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 0..8)
}

fn op() -> impl Strategy<Value = Op> {
    let few = || pairs(12);
    let level = || {
        prop::sample::select(vec![
            StorageLevel::MemoryOnly,
            StorageLevel::MemoryOnlySer,
            StorageLevel::MemoryAndDisk,
            StorageLevel::DiskOnly,
        ])
    };
    let outer = prop::sample::select(vec![Outer::Left, Outer::Right, Outer::Full]);
    prop_oneof![
        1 => (1u32..50).prop_map(Op::Map),
        1 => (1u32..5).prop_map(Op::Filter),
        1 => (0usize..3).prop_map(Op::FlatMap),
        1 => (-9i64..9).prop_map(Op::MapValues),
        1 => Just(Op::Total),
        1 => Just(Op::Glom),
        1 => (1usize..6).prop_map(Op::Sums),
        1 => (1usize..6).prop_map(Op::Groups),
        1 => (1usize..6).prop_map(Op::Counts),
        1 => (1usize..6).prop_map(Op::Greatest),
        1 => (1usize..6).prop_map(Op::Least),
        1 => Just(Op::Distinct),
        1 => Just(Op::Union),
        1 => few().prop_map(Op::UnionWith),
        1 => few().prop_map(Op::Intersection),
        1 => Just(Op::Zip),
        1 => few().prop_map(Op::Join),
        1 => (outer, few()).prop_map(|(outer, pairs)| Op::OuterJoin(outer, pairs)),
        1 => few().prop_map(Op::Cogroup),
        1 => (few(), few()).prop_map(|(second, third)| Op::Cogroup3(second, third)),
        1 => few().prop_map(Op::Subtract),
        1 => (1usize..6).prop_map(Op::Sort),
        1 => (1usize..6).prop_map(Op::SortDescending),
        1 => (1usize..6).prop_map(Op::SortWithin),
        1 => (1usize..6).prop_map(Op::Repartition),
        1 => (1usize..6).prop_map(Op::Coalesce),
        1 => (1usize..6).prop_map(Op::PartitionBy),
        1 => (1usize..6).prop_map(Op::Index),
        1 => Just(Op::UniqueId),
        1 => any::<u64>().prop_map(Op::Sample),
        1 => level().prop_map(Op::Persist),
        1 => level().prop_map(Op::ByRef),
        1 => Just(Op::Checkpoint),
        // As likely as several of them together: without faults half of the test would be idle.
        4 => Just(Op::Fault),
    ]
}
