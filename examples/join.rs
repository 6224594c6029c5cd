//! Joins two files by the first word of their lines: `join [MASTER] [LEFT] [RIGHT]`.

use rsk::{Text, prelude::*};

const USAGE: &str = "[LEFT] [RIGHT]\nJoins two files by the first word of their lines.";

/// A line as its first word and the rest.
fn keyed(line: &str) -> Result<(Text, Text), String> {
    let (key, rest) = line.split_once(' ').ok_or_else(|| format!("no space parts {line:?}"))?;
    Ok((Text::from(key), Text::from(rest.trim())))
}

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let people = ctx.text_file(&rsk::arg(0, examples::data("people.txt"))?)?.try_map(|line| keyed(&line));
        let orders = ctx.text_file(&rsk::arg(1, examples::data("orders.txt"))?)?.try_map(|line| keyed(&line));

        for (key, (person, order)) in people.left_outer_join(&orders).sort_by_key(1).collect()? {
            let order = order.unwrap_or_else(|| Text::from("nothing"));
            println!("{key:4} {person:12} {order}");
        }
        Ok(())
    })
}
