//! Counts the words that are not in a list that is brought along: `stop_words --conf files=stop.txt [MASTER] [INPUT]`, or
//! `rsk submit MASTER --files stop.txt stop_words [INPUT]`. Executors find the list in their own folder.

use rsk::prelude::*;
use std::{collections::HashSet, fs};

const USAGE: &str =
    "[INPUT]\nCounts the words that are not in the list stop.txt, brought with --files or --conf files.";

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("licence.txt"))?;
        let listed = fs::read_to_string(rsk::file("stop.txt")?)?.split_whitespace().count();

        let words = ctx.text_file(&input)?.flat_map(|line| line.words());
        let kept = words.try_map_partitions(|words| {
            let list = fs::read_to_string(rsk::file("stop.txt")?)?;
            let stop: HashSet<String> = list.split_whitespace().map(str::to_owned).collect();
            Ok::<_, rsk::Error>(words.filter(move |word| !stop.contains(&**word)))
        });
        println!("{} words, {} without the {listed} of the list", words.count()?, kept.count()?);
        Ok(())
    })
}
