//! How many steps each vertex is away from one: `shortest_paths [MASTER] [EDGES] [SOURCE]`, in Pregel's manner.

use rsk::{pregel::pregel, prelude::*};

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        println!("replaced when pregel is there: {}", ctx.default_partitions());
        Ok(())
    })
}
