//! Jobs of one task, one after another: what remains is the cost of a job. `bench-jobs [--conf k=v …] MASTER JOBS`.

use rsk::prelude::*;

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        let counts = (0..rsk::arg(0, 500u32)?).map(|_| ctx.range(0..1, 1).count());
        println!("answer {}", counts.sum::<rsk::Result<u64>>()?);
        Ok(())
    })
}
