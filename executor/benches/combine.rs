//! Combining beside what one would write: `cargo bench -p rsk-executor --bench combine`. Prints nanoseconds of processor
//! time a record, the median of interleaved runs.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use rsk_executor::{
    DriverLink, Executor, ExecutorConfig, TaskContext, WorkDir,
    shuffle::{combine, combine_early},
};
use rsk_proto::{
    ByteSize, Cause, Data, MapOutputs, PartitionId, ShuffleId, StageId, TaskAttempt, TaskError, TaskId,
    TaskOutput, ValueId,
};
use rsk_storage::Storage;
use std::{collections::HashMap, hash::Hash, hint::black_box, sync::Arc};

const RUNS: usize = 7;

struct NoDriver;

impl DriverLink for NoDriver {
    fn value(&self, _: ValueId) -> Result<Arc<[u8]>, Cause> {
        Err(Cause::new("no driver"))
    }

    fn map_outputs(&self, shuffle: ShuffleId) -> Result<Arc<MapOutputs>, TaskError> {
        Err(TaskError::MapOutputMissing { shuffle, map: PartitionId(0) })
    }
}

/// Processor time of this process so far, in nanoseconds.
fn cpu_nanos() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default()
}

fn nanos_a_record(records: u64, run: impl FnOnce() -> u64) -> f64 {
    let started = cpu_nanos();
    black_box(run());
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let nanos = (cpu_nanos() - started) as f64 / records as f64;
    nanos
}

fn compare<K: Data + Hash + Eq>(what: &str, task: &TaskContext, records: u64, key: fn(u64) -> K) {
    let input = move || (0..black_box(records)).map(move |n| (key(n), 1u64));
    let add = |a: u64, b: u64| a + b;
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..RUNS {
        times[0].push(nanos_a_record(records, || {
            let mut sums = HashMap::<K, u64, foldhash::quality::FixedState>::default();
            input().for_each(|(key, one)| *sums.entry(key).or_default() += one);
            sums.len() as u64
        }));
        times[1].push(nanos_a_record(records, || combine(task, input(), |one| one, add, add).count() as u64));
        times[2]
            .push(nanos_a_record(records, || combine_early(task, input(), |one| one, add).count() as u64));
    }
    let [hand, combined, early] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[RUNS / 2]
    });
    println!("{what:<28} hash map {hand:6.1} ns   combine {combined:6.1} ns   early {early:6.1} ns");
}

fn mixed(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parent = tempfile::tempdir()?;
    let config = ExecutorConfig { slots: 2, memory: ByteSize::mib(1024) };
    let run = |_: &mut rsk_proto::Decoder<'_>, _: &TaskContext| Ok(TaskOutput::Inline(Vec::new()));
    let executor = Executor::new(
        config,
        run,
        Arc::new(NoDriver),
        WorkDir::create(parent.path())?,
        None,
        Storage::default(),
    );
    let (stage, partition) = (StageId(0), PartitionId(0));
    let attempt = TaskAttempt { task: TaskId(0), stage, stage_attempt: 0, partition, attempt: 0 };
    let task = TaskContext::new(executor, attempt, config.task_share(), Arc::default());
    compare("100 numbers", &task, 10_000_000, |n| mixed(n) % 100);
    compare("10 thousand numbers", &task, 10_000_000, |n| mixed(n) % 10_000);
    compare("100 thousand numbers", &task, 10_000_000, |n| mixed(n) % 100_000);
    compare("2 million numbers", &task, 10_000_000, |n| mixed(n) % 2_000_000);
    compare("100 texts", &task, 5_000_000, |n| format!("word {}", mixed(n) % 100));
    compare("100 thousand texts", &task, 5_000_000, |n| format!("word {}", mixed(n) % 100_000));
    Ok(())
}
