//! Tasks that do next to nothing: what remains is the cost of a task. `bench-tasks [--conf k=v …] MASTER TASKS`.

use rsk::prelude::*;

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        let tasks = rsk::arg(0, 10_000u32)?;
        println!("answer {}", ctx.range(0..u64::from(tasks), tasks as usize).count()?);
        Ok(())
    })
}
