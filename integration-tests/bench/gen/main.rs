//! Makes the inputs: `words BYTES OUT`, `sort RECORDS OUT`, `graph NODES EDGES OUT`, `listing FILES OUT`.
//!
//! The same arguments give the same bytes: seeds are fixed, and there is no clock.

mod random;

use random::{Random, Zipf, vocabulary};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["words", bytes, out] => to_file(out, |to| words(number(bytes)?, to)),
        ["sort", records, out] => to_file(out, |to| sort(number(records)?, to)),
        ["graph", nodes, edges, out] => to_file(out, |to| graph(number(nodes)?, number(edges)?, to)),
        ["listing", files, out] => listing(number(files)?, out),
        _ => {
            Err(io::Error::other("words BYTES | sort RECORDS | graph NODES EDGES | listing FILES, then OUT"))
        }
    }
}

fn number(text: &str) -> io::Result<usize> {
    text.parse().map_err(|_| io::Error::other(format!("{text:?} is no number")))
}

fn to_file(path: &str, make: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(1 << 20, File::create(path)?);
    make(&mut to)?;
    to.flush()
}

/// Lines of ten words, drawn from a million by Zipf's law: few are common, most are rare.
fn words(bytes: usize, to: &mut impl Write) -> io::Result<()> {
    let vocabulary = vocabulary(1_000_000, 1);
    let law = Zipf::new(vocabulary.len(), 1.0);
    let mut random = Random(2);
    let mut written = 0;
    while written < bytes {
        for place in 0..10 {
            let word = &vocabulary[law.draw(&mut random)];
            to.write_all(word)?;
            to.write_all(if place == 9 { b"\n" } else { b" " })?;
            written += word.len() + 1;
        }
    }
    Ok(())
}

/// Lines of 100 bytes: a key of 10 printable bytes, the record's number in hex, filler.
fn sort(records: usize, to: &mut impl Write) -> io::Result<()> {
    let mut random = Random(3);
    for record in 0..records {
        let mut line = [b' '; 100];
        line[..10].fill_with(|| b' ' + random.byte_below(95));
        line[12..44].copy_from_slice(format!("{record:032X}").as_bytes());
        let mut bits = random.next();
        for (place, byte) in line.iter_mut().enumerate().take(99).skip(46) {
            *byte = b'A' + (bits % 26) as u8;
            if place % 4 == 0 {
                bits >>= 5;
            }
        }
        line[99] = b'\n';
        to.write_all(&line)?;
    }
    Ok(())
}

/// Lines `source target`: sources are uniform, targets follow a power law, and hubs are spread over the ids.
fn graph(nodes: usize, edges: usize, to: &mut impl Write) -> io::Result<()> {
    let law = Zipf::new(nodes, 0.8);
    let mut random = Random(4);
    let mut id_of_rank: Vec<usize> = (0..nodes).collect();
    for last in (1..nodes).rev() {
        id_of_rank.swap(last, random.below(last + 1));
    }
    for _ in 0..edges {
        let source = random.below(nodes);
        writeln!(to, "{source} {}", id_of_rank[law.draw(&mut random)])?;
    }
    Ok(())
}

/// A folder of small files, a line each: an index into the mebibyte that the tasks carry.
fn listing(files: usize, folder: &str) -> io::Result<()> {
    let mut random = Random(5);
    std::fs::create_dir(folder)?;
    for file in 0..files {
        std::fs::write(format!("{folder}/{file:05}.txt"), format!("{}\n", random.below(1 << 20)))?;
    }
    Ok(())
}
