//! Counts on the side while a job does something else: `accumulator [MASTER] [INPUT]`.
//!
//! In an action each task that succeeded counts once, however often it was tried.

use rsk::prelude::*;

const USAGE: &str = "[INPUT]\nCounts the lines of INPUT that are requests, and the others.";

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("access.log"))?;
        let (good, bad) = (ctx.accumulator(0u64), ctx.accumulator(0u64));

        ctx.text_file(&input)?
            .with((good.clone(), bad.clone()))
            .for_each(|(good, bad), line| if line.contains(" HTTP/") { good.add(1) } else { bad.add(1) })?;
        println!("{} lines are requests, {} are not", good.value(), bad.value());
        Ok(())
    })
}
