//! Counts words into SequenceFiles, as Hadoop and Spark read and write them, and reads them back:
//! `sequence_file [MASTER] [INPUT] [OUTPUT]`.

use rsk::{Codec, Compression, Text, prelude::*};

const USAGE: &str = "[INPUT] [OUTPUT]\nCounts words into SequenceFiles and reads them back.";

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("licence.txt"))?;
        let output = examples::output(1, "sequence")?;

        // Text is Hadoop's Text, i64 its LongWritable: a u64 would not compile here, because Java has none.
        ctx.text_file(&input)?
            .flat_map(|line| line.words())
            .map(|word| (word, 1_i64))
            .reduce_by_key(|a, b| a + b)
            .save_as_sequence_file(&output, Compression::Blocks(Codec::Gzip))?;

        let counts = ctx.sequence_file::<Text, i64>(&output)?;
        for (count, word) in counts.map(|(word, count)| (count, word)).top(5)? {
            println!("{count:6} {word}");
        }
        println!("{} words in all, in {output}", counts.values().sum()?);
        Ok(())
    })
}
