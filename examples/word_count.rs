//! Counts words: `word_count [MASTER] [INPUT] [OUTPUT]`. Prints the ten commonest and writes all of them as part files.

use rsk::prelude::*;

fn main() -> rsk::Result<()> {
    rsk::run(|ctx| {
        let args = rsk::args();
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/data/licence.txt");
        let input = args.first().map_or(sample, String::as_str);
        let fresh = std::env::temp_dir().join(format!("word_count-{}", std::process::id()));
        let output = args.get(1).map_or(fresh, Into::into);

        let counts = ctx
            .text_file(input)?
            .flat_map(|line| line.words())
            .map(|word| (word, 1u64))
            .reduce_by_key(|a, b| a + b);
        counts.map(|(word, count)| format!("{word}\t{count}")).save_as_text_file(&output)?;

        let ten = counts.map_partitions(|words| {
            let mut words: Vec<_> = words.map(|(word, count)| (count, word)).collect();
            words.sort_by(|a, b| b.cmp(a));
            words.truncate(10);
            words
        });
        let mut ten = ten.collect()?;
        ten.sort_by(|a, b| b.cmp(a));
        for (count, word) in ten.iter().take(10) {
            println!("{count:8} {word}");
        }
        println!("all counts are in {}", output.display());
        Ok(())
    })
}
