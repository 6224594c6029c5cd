//! How many steps each vertex is away from one: `shortest_paths [MASTER] [EDGES] [SOURCE]`, in Pregel's manner.
//!
//! A vertex that learns of a shorter way tells its neighbours; the shortest of several messages is enough.

use rsk::{pregel::Pregel, prelude::*};

const USAGE: &str = "[EDGES] [SOURCE]\nHow many steps each vertex of EDGES is away from SOURCE.";

const FAR: u32 = u32::MAX;

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("edges.txt"))?;
        let source = rsk::arg(1, 1u32)?;

        let edges = ctx.text_file(&input)?.try_map(|line| examples::edge(&line)).map_values(|to| (to, ()));
        let vertices = edges.flat_map(|(from, (to, ()))| [from, to]).distinct().map(|vertex| (vertex, FAR));

        let steps = Pregel::new(&vertices, &edges).with(source).run(
            FAR,
            // Everybody hears `FAR` at first, which moves the source alone.
            |source, vertex, steps, heard| {
                let heard = if vertex == source { 0 } else { heard };
                (heard < *steps).then_some(heard)
            },
            |_, edge| edge.state.checked_add(1),
            |_, a, b| a.min(b),
        )?;

        for (steps, vertices) in
            steps.map(|(vertex, steps)| (steps, vertex)).group_by_key().sort_by_key(1).collect()?
        {
            let far = if steps == FAR { "unreachable".to_owned() } else { format!("{steps} steps") };
            println!("{far:12} {} vertices", vertices.len());
        }
        Ok(())
    })
}
