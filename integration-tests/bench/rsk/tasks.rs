//! Tasks that do next to nothing: what remains is the cost of a task. `bench-tasks [--conf k=v …] MASTER TASKS`.

use rsk::prelude::*;

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        let args = rsk::args();
        let tasks = args.first().and_then(|text| text.parse().ok());
        let tasks: u32 = tasks.ok_or_else(|| rsk::Error::Argument("MASTER TASKS".to_owned()))?;
        println!("answer {}", ctx.range(0..u64::from(tasks), tasks as usize).count()?);
        Ok(())
    })
}
