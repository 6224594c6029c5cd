//! A table that every task looks things up in: `broadcast [MASTER] [SIZE]`. It is sent once to each executor.

use rsk::prelude::*;

const USAGE: &str = "[SIZE]\nLooks up SIZE squares in a table that is sent once to each executor.";

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let size = rsk::arg(0, 1_000_000u64)?;
        let squares = ctx.broadcast((0..size).map(|n| n * n).collect::<Vec<u64>>());

        for round in 1..=3 {
            let looked_up =
                ctx.range(0..size, 8).with((squares.clone(), round)).map(|(squares, round), n| {
                    let index = usize::try_from(n * round % squares.len() as u64).unwrap_or(0);
                    squares[index] % 1_000
                });
            println!("round {round}: {}", looked_up.reduce(|a, b| a + b)?);
        }
        Ok(())
    })
}
