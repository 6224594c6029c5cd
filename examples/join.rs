//! Joins two files by the first word of their lines: `join [MASTER] [LEFT] [RIGHT]`.

use rsk::{Text, prelude::*};

/// A line as its first word and the rest.
fn keyed(line: &Text) -> (Text, Text) {
    let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
    (Text::from(key), Text::from(rest.trim()))
}

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        let people = ctx.text_file(&rsk::arg(0, examples::data("people.txt"))?)?.map(|line| keyed(&line));
        let orders = ctx.text_file(&rsk::arg(1, examples::data("orders.txt"))?)?.map(|line| keyed(&line));

        for (key, (person, order)) in people.left_outer_join(&orders).sort_by_key(1).collect()? {
            let order = order.unwrap_or_else(|| Text::from("nothing"));
            println!("{key:4} {person:12} {order}");
        }
        Ok(())
    })
}
