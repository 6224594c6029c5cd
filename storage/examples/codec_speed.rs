//! `codec_speed pack CODEC FILE TO` and `codec_speed unpack CODEC FILE`: how fast one codec is, in MB of text a second.

use rsk_storage::Codec;
use std::{
    error::Error,
    fs::File,
    io::{self, BufReader, Write},
    time::Instant,
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [how, name, from, to @ ..] = &args[..] else {
        return Err("what, which codec, and which file?".into());
    };
    let codec = Codec::ALL.into_iter().find(|codec| codec.name() == name).ok_or("no such codec")?;
    let mut from = BufReader::with_capacity(128 << 10, File::open(from)?);
    let start = Instant::now();
    let bytes = match (&how[..], to) {
        ("unpack", []) => io::copy(&mut codec.reader(from), &mut io::sink())?,
        ("pack", [to]) => {
            let mut to = codec.writer(File::create(to)?);
            let bytes = io::copy(&mut from, &mut to)?;
            to.finish()?;
            bytes
        }
        _ => return Err("pack CODEC FILE TO, or unpack CODEC FILE".into()),
    };
    let seconds = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let speed = bytes as f64 / 1e6 / seconds;
    writeln!(io::stdout(), "{how:6} {codec:14} {speed:7.0} MB/s of {bytes} bytes")?;
    Ok(())
}
