//! Many small tasks, taken from a queue by two threads.

use crate::{Result, both};
use std::{path::PathBuf, sync::Mutex};

/// Tasks as boxed functions: as little as a task that is chosen at run time can be.
pub(crate) fn count(tasks: u64) -> Result<u64> {
    let queue: Vec<Box<dyn Fn() -> u64 + Send>> = (0..tasks).map(|_| Box::new(|| 1u64) as _).collect();
    drain(queue, |task| Ok(task()))
}

/// A task a file: the file holds an index into a mebibyte, and the bytes there are summed.
pub(crate) fn listing(folder: &str) -> Result<u64> {
    let table: Vec<u8> = (0..1u32 << 20).map(|index| (index % 251) as u8).collect();
    let files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    drain(files, |file| {
        let text = std::fs::read_to_string(file)?;
        let mut sum = 0;
        for line in text.lines() {
            sum += u64::from(*table.get(line.parse::<usize>()?).ok_or("an index is out of range")?);
        }
        Ok(sum)
    })
}

fn drain<T: Send>(queue: Vec<T>, run: impl Fn(T) -> Result<u64> + Sync) -> Result<u64> {
    let queue = Mutex::new(queue);
    let take = || queue.lock().ok()?.pop();
    let share = || {
        let mut sum = 0;
        while let Some(task) = take() {
            sum += run(task)?;
        }
        Ok(sum)
    };
    let (first, second) = both(share, share)?;
    Ok(first + second)
}
