//! `batch_files DIR`: the rows that `tests/fixtures/batches/batches.py` writes, by rsk, as Parquet and Arrow files.

#[path = "../tests/fixtures/batches/visit.rs"]
mod visit;

use rsk_proto::{PartitionId, TaskId};
use rsk_storage::{
    ArrowCodec, ArrowPartWriter, CommitLog, ParquetCodec, ParquetPartWriter, PartAttempt, PartFile,
    RowSchema, SaveMode, Storage, WriteError,
};
use std::{error::Error, fs, path::Path};
use visit::Visit;

/// Writes one part as an output of its own, and takes it out of that.
fn file(
    folder: &Path,
    name: &str,
    write: impl FnOnce(PartAttempt) -> Result<Option<PartFile>, WriteError>,
) -> Result<(), Box<dyn Error>> {
    let out = folder.join(format!("{name}-out"));
    let storage = Storage::default();
    let output = CommitLog::open(&storage, &out.as_path().into(), SaveMode::Error)?;
    let attempt = output.target().attempt(&storage, PartitionId(0), TaskId(0));
    output.grant(&write(attempt)?.ok_or("no part")?)?;
    output.commit()?;
    let end = if name.starts_with("file") { "arrow" } else { "parquet" };
    fs::rename(out.join(format!("part-00000.{end}")), folder.join(format!("{name}.{end}")))?;
    fs::remove_dir_all(out)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("which folder?")?;
    let folder = Path::new(&folder);
    let visits: Vec<Visit> = (0..60).map(visit::visit).collect();
    let schema = RowSchema::of::<Visit>()?;
    let batches = visits.chunks(20).map(|rows| schema.batch(rows)).collect::<Result<Vec<_>, _>>()?;
    for codec in ParquetCodec::ALL {
        file(folder, &format!("{codec:?}").to_lowercase(), |attempt| {
            let mut part = ParquetPartWriter::create(attempt, codec, 1);
            batches.iter().try_for_each(|batch| part.write(batch))?;
            part.finish()
        })?;
    }
    for codec in ArrowCodec::ALL {
        file(folder, &format!("file-{codec:?}").to_lowercase(), |attempt| {
            let mut part = ArrowPartWriter::create(attempt, codec);
            batches.iter().try_for_each(|batch| part.write(batch))?;
            part.finish()
        })?;
    }
    Ok(())
}
