//! Whole files as one record each.

use crate::{InputFile, InvalidUtf8, ReadError, Split, Storage, Text, TextOptions, open::Source};
use std::io::Read;

/// One whole file as text, unpacked if its name ends as a [`Codec`](crate::Codec)'s does.
///
/// Bounds: the file is in memory; one larger than [`TextOptions::record_bytes_max`] is an error.
/// Errors: as [`crate::read_lines`]; for bytes that are not UTF-8 the offset is that of their line.
///
/// ```
/// use rsk_storage::{Storage, TextOptions, whole_text};
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(file.path(), "two\nlines")?;
/// let storage = Storage::default();
/// let files = storage.list(&file.path().display().to_string())?;
/// assert_eq!(whole_text(&storage, &files[0], &TextOptions::default())?, "two\nlines");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn whole_text(storage: &Storage, file: &InputFile, options: &TextOptions) -> Result<Text, ReadError> {
    let split = Split { file: file.clone(), start: 0, end: file.bytes };
    let mut source = Source::open(storage, &split, 0)?;
    let mut bytes = Vec::new();
    source.read(options.record_bytes_max.saturating_add(1), &mut bytes)?;
    check_size(file, bytes.len(), options.record_bytes_max)?;
    if !source.is_packed() && (bytes.len() as u64) < file.bytes {
        return Err(shrunk(file, bytes.len()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Text::from(text)),
        Err(invalid) if options.invalid_utf8 == InvalidUtf8::Lossy => {
            Ok(Text::from(String::from_utf8_lossy(invalid.as_bytes())))
        }
        Err(invalid) => {
            let (bytes, error) = (invalid.as_bytes(), invalid.utf8_error());
            let line = memchr::memrchr(b'\n', &bytes[..error.valid_up_to()]).map_or(0, |end| end + 1);
            let source = std::str::from_utf8(&bytes[line..]).err().unwrap_or(error);
            Err(ReadError::Utf8 { path: file.location.clone(), offset: line as u64, source })
        }
    }
}

/// One whole file as it is; a compressed one stays compressed.
///
/// Bounds: the file is in memory; one larger than `record_bytes_max` is an error.
///
/// ```
/// use rsk_storage::{Storage, read_binary};
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(file.path(), [0xff, 0])?;
/// let storage = Storage::default();
/// let files = storage.list(&file.path().display().to_string())?;
/// assert_eq!(read_binary(&storage, &files[0], 1 << 20)?, [0xff, 0]);
/// assert!(read_binary(&storage, &files[0], 1).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_binary(storage: &Storage, file: &InputFile, record_bytes_max: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let mut opened = storage.open(file, 0, 0..file.bytes)?;
    let read = (&mut opened).take(record_bytes_max.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| opened.fail(error))?;
    check_size(file, bytes.len(), record_bytes_max)?;
    if (bytes.len() as u64) < file.bytes {
        return Err(shrunk(file, bytes.len()));
    }
    Ok(bytes)
}

fn check_size(file: &InputFile, bytes: usize, limit: u64) -> Result<(), ReadError> {
    if bytes as u64 > limit {
        return Err(ReadError::too_large(format!("{}, read whole,", file.location), bytes, limit));
    }
    Ok(())
}

fn shrunk(file: &InputFile, bytes: usize) -> ReadError {
    ReadError::Shrunk { path: file.location.clone(), listed: file.bytes, bytes: bytes as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, InputFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        (folder, InputFile::new(path, bytes.len() as u64))
    }

    #[test]
    fn text_is_checked_and_unpacked() {
        let (_folder, bad) = file("a.txt", b"fine\nno: \xff\n");
        let mut options = TextOptions::default();
        let error = whole_text(&Storage::default(), &bad, &options).unwrap_err();
        assert!(error.to_string().contains("in the line at byte 5:"), "{error}");
        options.invalid_utf8 = InvalidUtf8::Lossy;
        assert_eq!(whole_text(&Storage::default(), &bad, &options).unwrap(), "fine\nno: \u{fffd}\n");
        let packed =
            ruzstd::encoding::compress_to_vec(&b"packed"[..], ruzstd::encoding::CompressionLevel::Fastest);
        let (_folder, packed) = file("a.zst", &packed);
        assert_eq!(whole_text(&Storage::default(), &packed, &options).unwrap(), "packed");
        options.record_bytes_max = 5;
        assert!(matches!(
            whole_text(&Storage::default(), &packed, &options),
            Err(ReadError::TooLarge { .. })
        ));
        let (_folder, wrong) = file("a.gz", b"plain");
        assert!(matches!(
            whole_text(&Storage::default(), &wrong, &options),
            Err(ReadError::Format { format: "gzip", .. })
        ));
    }

    #[test]
    fn a_file_that_shrank_or_is_gone_is_an_error() {
        let (_folder, mut short) = file("a", b"123");
        short.bytes = 4;
        assert!(matches!(
            whole_text(&Storage::default(), &short, &TextOptions::default()),
            Err(ReadError::Shrunk { .. })
        ));
        assert!(matches!(read_binary(&Storage::default(), &short, 10), Err(ReadError::Shrunk { .. })));
        let gone = InputFile::new("/none/a", 0);
        assert!(matches!(read_binary(&Storage::default(), &gone, 10), Err(ReadError::Io(..))));
    }
}
