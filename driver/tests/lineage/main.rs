//! Any lineage of random operators gives what plain vectors give: at any number of partitions and slots, in threads, in
//! processes and on a cluster, which needs the binary `rsk` beside this one, with little memory, with tasks that fail and with map outputs that are lost while it runs.
//!
//! It has a `main` of its own, because a process that is started as an executor must become one first.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod op;
mod model;
mod rdd;
mod fault;

use fault::Faults;
use libtest_mimic::{Arguments, Failed, Trial};
use op::{Op, Pair};
use proptest::prelude::*;
use rsk::{Config, Context, prelude::*};

fn main() {
    rsk::executor_if_asked();
    let tests: [(&str, fn()); 6] = [
        ("any_lineage_gives_what_vectors_give", in_threads),
        ("any_lineage_in_processes_gives_what_vectors_give", in_processes),
        ("any_lineage_on_a_cluster_gives_what_vectors_give", on_a_cluster),
        ("injected_failures_losses_and_deaths_are_survived_on_a_cluster", survived_on_a_cluster),
        ("injected_failures_and_losses_are_survived", survived_in_threads),
        ("injected_failures_losses_and_deaths_are_survived_in_processes", survived_in_processes),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            std::panic::catch_unwind(test).map_err(|_| Failed::from("it panicked: see above"))
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.into_iter().map(trial).collect()).exit();
}

/// Two agents with a slot each, of which executors are bought.
const CLUSTER: &str = "cluster";

/// Where and how a lineage runs.
#[derive(Debug, Clone, Copy)]
struct Run {
    partitions: usize,
    slots: u32,
    executors: &'static str,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]
    fn in_threads(input in op::pairs(120), ops in op::ops(), partitions in 1usize..7, slots in 1u32..4) {
        agree(&input, &ops, Run { partitions, slots, executors: "threads" });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8) })]
    fn in_processes(input in op::pairs(120), ops in op::ops(), partitions in 1usize..5, slots in 1u32..3) {
        agree(&input, &ops, Run { partitions, slots, executors: "processes" });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4) })]
    fn on_a_cluster(input in op::pairs(120), ops in op::ops(), partitions in 1usize..5) {
        agree(&input, &ops, Run { partitions, slots: 2, executors: CLUSTER });
    }
}

/// The faults of the property tests do happen, and their jobs still give the right answer.
fn survived_in_threads() {
    survived("threads", &["panic", "lose", "damage"]);
}

fn survived_in_processes() {
    survived("processes", &["panic", "lose", "damage", "abort"]);
}

fn survived_on_a_cluster() {
    survived(CLUSTER, &["panic", "lose", "damage", "abort"]);
}

fn survived(executors: &'static str, kinds: &[&str]) {
    let input: Vec<Pair> = (0..400).map(|n| (n % 40, i64::from(n))).collect();
    let ops =
        [Op::Sums(3), Op::Fault, Op::Groups(4), Op::Fault, Op::Union, Op::Sort(3), Op::Fault, Op::Index(2)];
    let happened = agree(&input, &ops, Run { partitions: 5, slots: 2, executors });
    for kind in kinds {
        assert!(happened.iter().any(|fault| fault.ends_with(kind)), "no {kind} among {happened:?}");
    }
}

/// Runs the operators, and says which faults happened meanwhile.
fn agree(input: &[Pair], ops: &[Op], run: Run) -> Vec<String> {
    let mut model = input.to_vec();
    let mut small = Vec::new();
    for op in ops {
        if model.len() <= 5_000 || !op.grows() {
            model = model::apply(model, op);
            small.push(op.clone());
        }
    }
    let faults = Faults::laid(run.executors);
    let first = outcome(input, &small, run, &faults);
    let calm = outcome(input, &small, run, &Faults::none());
    assert_eq!(first, calm, "another context, where nothing fails, gives the same records in the same order");
    let mut sorted = first;
    sorted.sort_unstable();
    model.sort_unstable();
    assert_eq!(sorted, model);
    faults.happened()
}

/// What a context of its own makes of it.
fn outcome(input: &[Pair], ops: &[Op], run: Run, faults: &Faults) -> Vec<Pair> {
    let mut config = Config::default();
    let work_dir = faults.work_dir();
    for setting in ["memory=16m", "resubmit_delay=0", &format!("work_dir={}", work_dir.display())] {
        config.set(setting).unwrap();
    }
    let master = if run.executors == CLUSTER {
        "local-cluster[2,1,512]".to_owned()
    } else {
        config.set(&format!("executors={}", run.executors)).unwrap();
        format!("local[{}]", run.slots)
    };
    let ctx = Context::with_config(&master, config).unwrap();
    let source = ctx.parallelize(input.to_vec(), run.partitions).unwrap().boxed();
    let rdd = ops.iter().fold(source, |rdd, op| rdd::apply(&ctx, &rdd, op, &faults.folder()));
    let first = rdd.collect().unwrap();
    assert_eq!(first, rdd.collect().unwrap(), "a run repeated gives the same records in the same order");
    assert_eq!(rdd.count().unwrap(), first.len() as u64);
    match ops.last() {
        Some(Op::Sort(_)) => assert!(first.is_sorted(), "{first:?}"),
        Some(Op::SortDescending(_)) => assert!(first.is_sorted_by(|a, b| a >= b), "{first:?}"),
        Some(Op::SortWithin(n)) => {
            let parts = rdd.glom().collect().unwrap();
            assert_eq!(parts.len(), *n);
            assert!(parts.iter().all(|part| part.is_sorted_by_key(|(key, _)| *key)), "{parts:?}");
        }
        _ => {}
    }
    first
}
