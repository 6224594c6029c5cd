//! A task a small file, each with a mebibyte of value. `bench-listing [--conf k=v …] MASTER FOLDER`.

use rsk::prelude::*;

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        let args = rsk::args();
        let folder = args.first().ok_or_else(|| rsk::Error::Argument("MASTER FOLDER".to_owned()))?;
        let table: Vec<u8> = (0..1u32 << 20).map(|index| (index % 251) as u8).collect();
        let sum = ctx
            .text_file(folder)?
            .with(table)
            .map(|table, line| u64::from(table[line.parse::<usize>().expect("a line is an index")]))
            .reduce(|a, b| a + b)?;
        println!("answer {sum}");
        Ok(())
    })
}
