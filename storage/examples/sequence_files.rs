//! `sequence_files DIR`: the files that `tests/fixtures/sequence/SequenceFiles.java` writes, by rsk.

use rsk_storage::{Codec, Compression, SequenceError, SequenceWriter, Writable};
use std::{error::Error, fs::File, path::Path};

fn text(n: u8) -> String {
    format!("line {n}{}", " café ".repeat(usize::from(n % 7)))
}

fn write<K: Writable, V: Writable>(
    path: &Path,
    compression: Compression,
    pair: impl Fn(u8) -> (K, V),
) -> Result<(), Box<dyn Error>> {
    let mut file = SequenceWriter::with_sizes(File::create(path)?, compression, [0xa5; 16], 300, 400)?;
    (0..60).map(pair).try_for_each(|(key, value)| file.write(&key, &value)).map_err(named(path))?;
    file.finish().map_err(named(path))?;
    Ok(())
}

fn named(path: &Path) -> impl Fn(SequenceError) -> String + use<'_> {
    |error| format!("{}: {error}", path.display())
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("which folder?")?;
    let path = |name: &str| Path::new(&folder).join(format!("{name}.seq"));
    let long = |n: u8| i64::from(n).pow(3);
    write(&path("none"), Compression::None, |n| (long(n), text(n)))?;
    for (name, codec) in [
        ("default", Codec::Deflate),
        ("gzip", Codec::Gzip),
        ("bzip2", Codec::Bzip2),
        ("snappy", Codec::Snappy),
        ("lz4", Codec::Lz4),
    ] {
        for (kind, packing) in
            [("record", Compression::Records(codec)), ("block", Compression::Blocks(codec))]
        {
            write(&path(&format!("{kind}-{name}")), packing, |n| (long(n), text(n)))?;
        }
        write(&path(&format!("record-null-{name}")), Compression::Records(codec), |n| (text(n), ()))?;
        write(&path(&format!("block-null-{name}")), Compression::Blocks(codec), |n| ((), text(n)))?;
    }
    let none = Compression::None;
    write(&path("int-double"), none, |n| (i32::from(n) - 30, f64::from(n) / 8.0 - 2.0))?;
    write(&path("float-bytes"), none, |n| (f32::from(n) / 4.0, text(n).into_bytes()))?;
    write(&path("byte-boolean"), none, |n| (n.wrapping_mul(4).cast_signed(), n % 3 == 0))?;
    write(&path("short-null"), none, |n| ((u16::from(n) * 1000).cast_signed(), ()))
}
