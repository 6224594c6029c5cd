//! Counts words: `word_count [MASTER] [INPUT] [OUTPUT]`. Prints the ten commonest and writes all of them as part files.

use rsk::prelude::*;

const USAGE: &str = "[INPUT] [OUTPUT]\nCounts words: prints the ten commonest and writes all to OUTPUT.";

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("licence.txt"))?;
        let output = examples::output(1, "word_count")?;

        let counts = ctx
            .text_file(&input)?
            .flat_map(|line| line.words())
            .map(|word| (word, 1u64))
            .reduce_by_key(|a, b| a + b);
        counts.map(|(word, count)| format!("{word}\t{count}")).save_as_text_file(&output)?;

        for (count, word) in counts.map(|(word, count)| (count, word)).top(10)? {
            println!("{count:8} {word}");
        }
        println!("all counts are in {output}");
        Ok(())
    })
}
