//! When its first task runs: what is before is the submission and the start of executors. `bench-first [--conf k=v …] MASTER`.

use rsk::prelude::*;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        let now = |_| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
        let began = ctx.range(0..1, 1).map(now).collect()?;
        println!("first task at {:.6}\nanswer {}", began[0], began.len());
        Ok(())
    })
}
