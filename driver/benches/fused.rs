//! Chains of narrow operators beside the loop one would have written: `cargo bench -p rsk --bench fused`.
//!
//! Prints the medians of interleaved runs on one slot, and their ratio; 1.05 is the bound for the first chain. Counts the
//! process's time on CPUs, so that a busy machine disturbs less.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use rsk::{Context, Result, prelude::*};
use std::hint::black_box;

const RUNS: usize = 7;

/// Seconds of CPU that this process has used, in user mode and in the kernel. Units: the kernel counts 100 a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn seconds(run: impl FnOnce() -> u64) -> f64 {
    let started = cpu_seconds();
    black_box(run());
    cpu_seconds() - started
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn compare(what: &str, n: u64, by_hand: fn(u64) -> u64, fused: impl Fn(u64) -> Result<u64>) -> Result<()> {
    let (n, check) = (black_box(n), black_box(n / 1000));
    assert_eq!(by_hand(check), fused(check)?, "{what}: both compute the same");
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        times.0.push(seconds(|| by_hand(n)));
        times.1.push(seconds(|| fused(n).unwrap_or_default()));
    }
    let (hand, rsk) = (median(times.0), median(times.1));
    println!("{what:<42} by hand {hand:.3} s   rsk {rsk:.3} s   ratio {:.3}", rsk / hand);
    Ok(())
}

fn step(x: u64) -> u64 {
    x.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7
}

fn add(a: u64, b: u64) -> u64 {
    a.wrapping_add(b)
}

fn main() -> Result<()> {
    let ctx = Context::new("local")?;
    functions(&ctx)?;
    places(&ctx)
}

/// Operators with a function of a record.
fn functions(ctx: &Context) -> Result<()> {
    compare(
        "map filter map reduce",
        1_000_000_000,
        |n| {
            let mut sum = 0u64;
            for x in 0..n {
                let y = step(x);
                if !y.is_multiple_of(8) {
                    sum = sum.wrapping_add(y ^ (y >> 3));
                }
            }
            sum
        },
        |n| ctx.range(0..n, 1).map(step).filter(|y| !y.is_multiple_of(8)).map(|y| y ^ (y >> 3)).reduce(add),
    )?;
    compare(
        "with map filter reduce",
        1_000_000_000,
        |n| {
            let factor = black_box(0x9e37_79b9_7f4a_7c15_u64);
            (0..n).fold(0, |sum, x| {
                let y = x.wrapping_mul(factor) >> 7;
                if y.is_multiple_of(8) { sum } else { sum.wrapping_add(y) }
            })
        },
        |n| {
            let rdd = ctx.range(0..n, 1).with(0x9e37_79b9_7f4a_7c15_u64);
            rdd.map(|factor, x| x.wrapping_mul(*factor) >> 7).filter(|y| !y.is_multiple_of(8)).reduce(add)
        },
    )?;
    compare(
        "try_map reduce",
        1_000_000_000,
        |n| {
            let mut sum = 0u64;
            for x in 0..n {
                match x.checked_mul(3) {
                    Some(y) => sum = sum.wrapping_add(step(y)),
                    None => return 0,
                }
            }
            sum
        },
        |n| ctx.range(0..n, 1).try_map(|x| x.checked_mul(3).ok_or("too large")).map(step).reduce(add),
    )?;
    compare(
        "flat_map_into reduce",
        200_000_000,
        |n| {
            let mut sum = 0u64;
            for x in 0..n {
                for i in 0..x % 4 {
                    sum = sum.wrapping_add(step(x + i));
                }
            }
            sum
        },
        |n| {
            let rdd = ctx.range(0..n, 1);
            rdd.flat_map_into(|x, out| out.extend((0..x % 4).map(|i| step(x + i)))).reduce(add)
        },
    )
}

/// Operators that look at where records are.
fn places(ctx: &Context) -> Result<()> {
    compare(
        "union map reduce",
        1_000_000_000,
        |n| (0..n).fold(0, |sum, x| sum.wrapping_add(step(x) ^ x)),
        |n| ctx.range(0..n, 1).union(&ctx.range(0..0, 1)).map(|x| step(x) ^ x).reduce(add),
    )?;
    compare(
        "zip_with_unique_id reduce",
        1_000_000_000,
        |n| {
            let (by, from) = (black_box(1), black_box(0));
            (0..n).zip(0..).fold(0, |sum, (x, index)| sum.wrapping_add(step(x) ^ (index * by + from)))
        },
        |n| ctx.range(0..n, 1).zip_with_unique_id().map(|(x, id)| step(x) ^ id).reduce(add),
    )?;
    compare(
        "zip reduce",
        1_000_000_000,
        |n| {
            let mut sum = 0u64;
            for (x, y) in (0..n).zip(1..=n) {
                sum = sum.wrapping_add(step(x) ^ y);
            }
            sum
        },
        |n| ctx.range(0..n, 1).zip(&ctx.range(1..n + 1, 1))?.map(|(x, y)| step(x) ^ y).reduce(add),
    )?;
    compare(
        "coalesce map reduce",
        1_000_000_000,
        |n| {
            let mut sum = 0u64;
            for x in 0..n {
                sum = sum.wrapping_add(step(x));
            }
            sum
        },
        |n| ctx.range(0..n, 4).coalesce(1)?.map(step).reduce(add),
    )
}
