//! The smallest program: one job of one task. `bench-trivial [--conf k=v …] MASTER`.

use rsk::prelude::*;

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        println!("answer {}", ctx.range(0..1, 1).count()?);
        Ok(())
    })
}
