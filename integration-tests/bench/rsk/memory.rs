//! What a job holds at most: `bench-memory [--conf k=v …] MASTER WHAT [INPUT]`. Prints the peak of the process.

use rsk::{StorageLevel, prelude::*};

/// Spread over all keys, and the same in each run.
fn mixed(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        let what = rsk::arg(0, String::new())?;
        let input = rsk::arg(1, String::new())?;
        let million = 1_000_000;
        let count = match what.as_str() {
            "sort" => {
                let lines = ctx.text_file(&input)?;
                let keyed = lines.map(|line| (line.bytes().take(10).collect::<Vec<u8>>(), line));
                keyed.sort_by_key(lines.partitions()).count()?
            }
            "words" => {
                let words = ctx.text_file(&input)?.flat_map(|line| line.words().collect::<Vec<_>>());
                words.map(|word| (word, 1u64)).reduce_by_key(|a, b| a + b).count()?
            }
            "reduce" => {
                let pairs = ctx.range(0..20 * million, 4).map(|n| (mixed(n) % 10_000_000, n));
                pairs.reduce_by_key(|a, b| a ^ b).count()?
            }
            "group" => {
                let pairs = ctx.range(0..20 * million, 4).map(|n| (mixed(n) % 2_000_000, n));
                pairs.group_by_key().count()?
            }
            "join" => {
                let left = ctx.range(0..5 * million, 4).map(|n| (mixed(n) % 5_000_000, n));
                let right =
                    ctx.range(0..5 * million, 4).map(|n| (mixed(n + 7) % 5_000_000, format!("{n:020}")));
                left.join(&right).count()?
            }
            "cache" => {
                let lines = ctx.text_file(&input)?.persist(StorageLevel::MemoryAndDisk);
                lines.count()?;
                lines.filter(|line| line.starts_with('a')).count()?
            }
            "cache-ser" => {
                let lines = ctx.text_file(&input)?.persist(StorageLevel::MemoryOnlySer);
                lines.count()?;
                lines.filter(|line| line.starts_with('a')).count()?
            }
            "repartition" => ctx.text_file(&input)?.repartition(64)?.count()?,
            _ => return Err(rsk::Error::Argument(format!("no such job: {what:?}"))),
        };
        println!("{what} {count} {}", peak());
        Ok(())
    })
}

/// The most that this process has held so far, as the kernel says it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned()
}
