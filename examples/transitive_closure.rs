//! All pairs of a graph between which there is a path: `transitive_closure [MASTER] [EDGES]`.

use rsk::prelude::*;

const USAGE: &str = "[EDGES]\nCounts the pairs of vertices between which there is a path.";

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("edges.txt"))?;
        let edges = ctx.text_file(&input)?.try_map(|line| examples::edge(&line));

        // An edge x → y by its end y, to be joined with paths that begin there.
        let by_end = edges.map(|(from, to)| (to, from)).cache();
        let mut paths = edges.distinct().boxed().cache();
        let (mut before, mut count) = (0, paths.count()?);
        while count > before {
            let longer = paths.join(&by_end).map(|(_, (to, from))| (from, to));
            let all = paths.union(&longer).distinct_into(ctx.default_partitions())?.boxed().cache();
            (before, count) = (count, all.count()?);
            paths = all;
        }
        println!("{count} pairs are connected");
        Ok(())
    })
}
