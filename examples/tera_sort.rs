//! Sorts lines by their first ten bytes: `tera_sort [MASTER] [INPUT] [OUTPUT]`. Reads the output's parts in order to read
//! all lines sorted.

use rsk::prelude::*;

const USAGE: &str = "[INPUT] [OUTPUT]\nSorts the lines of INPUT by their first ten bytes.";

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("licence.txt"))?;
        let output = examples::output(1, "tera_sort")?;

        let lines = ctx.text_file(&input)?;
        let sorted = lines
            .map(|line| {
                let key: Vec<u8> = line.bytes().take(10).collect();
                (key, line)
            })
            .sort_by_key(lines.partitions())
            .values();
        sorted.save_as_text_file(&output)?;
        println!("the sorted lines are in {output}");
        Ok(())
    })
}
