//! PageRank over arrays, with the meaning of Spark's example: repeated edges count once; each node with an edge out
//! starts at 1; a node that nothing flows to has no rank afterwards.

use crate::{Result, both, input::each_line_of_half};
use std::path::Path;

type Edge = (u32, u32);

pub(crate) fn sum_of_ranks(input: &Path, iterations: u32) -> Result<f64> {
    let (front, back) = both(|| read_half(input, 0), || read_half(input, 1))?;
    let nodes = front.iter().chain(&back).map(|(source, target)| source.max(target) + 1).max().unwrap_or(0);
    let share = |from: u32, until: u32| {
        let ours = |edge: &&Edge| (from..until).contains(&edge.0);
        let mut edges: Vec<Edge> = front.iter().chain(&back).filter(ours).copied().collect();
        edges.sort_unstable();
        edges.dedup();
        Ok(edges)
    };
    let (low, high) = both(|| share(0, nodes / 2), || share(nodes / 2, nodes))?;
    drop((front, back));

    // 0 is "no rank": a rank is at least 0.15.
    let mut ranks = vec![0.0; nodes as usize];
    for edge in low.iter().chain(&high) {
        ranks[edge.0 as usize] = 1.0;
    }
    for _ in 0..iterations {
        let (first, second) = both(|| Ok(flow(&low, &ranks)), || Ok(flow(&high, &ranks)))?;
        for ((rank, one), two) in ranks.iter_mut().zip(first).zip(second) {
            *rank = if one + two > 0.0 { 0.15 + 0.85 * (one + two) } else { 0.0 };
        }
    }
    Ok(ranks.iter().sum())
}

/// What each node gets from the sources of `edges`, which are sorted.
fn flow(edges: &[Edge], ranks: &[f64]) -> Vec<f64> {
    let mut gets = vec![0.0; ranks.len()];
    for links in edges.chunk_by(|one, two| one.0 == two.0) {
        let each = ranks[links[0].0 as usize] / links.len() as f64;
        for (_, target) in links {
            gets[*target as usize] += each;
        }
    }
    gets
}

fn read_half(input: &Path, half: u64) -> Result<Vec<Edge>> {
    let mut edges = Vec::new();
    each_line_of_half(input, half, |line| {
        let (source, target) = std::str::from_utf8(line)?.split_once(' ').ok_or("a line is no edge")?;
        edges.push((source.parse()?, target.parse()?));
        Ok(())
    })?;
    Ok(edges)
}
