//! Ranks pages by who links to them: `page_rank [MASTER] [EDGES] [ITERATIONS]`. A line of EDGES is `from to`, two numbers.
//!
//! The links are grouped and cached once; as `ranks` keeps their partitioning, no iteration shuffles them again.

use rsk::prelude::*;

const USAGE: &str = "[EDGES] [ITERATIONS]\nRanks pages by who links to them.";

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("edges.txt"))?;
        let iterations = rsk::arg(1, 10usize)?;

        let links =
            ctx.text_file(&input)?.try_map(|line| examples::edge(&line)).distinct().group_by_key().cache();
        let mut ranks = links.map_values(|_| 1.0f64).boxed();
        for _ in 0..iterations {
            ranks = links
                .join(&ranks)
                .flat_map(|(_, (targets, rank))| {
                    let share = rank / targets.len() as f64;
                    targets.into_iter().map(move |target| (target, share))
                })
                .reduce_by_key(|a, b| a + b)
                .map_values(|sum| 0.15 + 0.85 * sum)
                .boxed();
        }

        let (pages, sum) = ranks.values().aggregate(
            (0u64, 0.0),
            |(pages, sum), rank| (pages + 1, sum + rank),
            |a, b| (a.0 + b.0, a.1 + b.1),
        )?;
        // Floats have no total order; millionths of a rank do.
        for (rank, page) in ranks.map(|(page, rank)| ((rank * 1e6) as u64, page)).top(10)? {
            println!("{page:10} {:.6}", rank as f64 / 1e6);
        }
        println!("pages {pages} sum {sum:.6}");
        Ok(())
    })
}
