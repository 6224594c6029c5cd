//! Sorts lines by their first ten bytes: `tera_sort [MASTER] [INPUT] [OUTPUT]`. Reads the output's parts in order to read
//! all lines sorted.

use rsk::prelude::*;

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        let input = rsk::arg(0, examples::data("licence.txt"))?;
        let output = rsk::arg(1, examples::fresh_folder("tera_sort"))?;

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
