//! Types as Hadoop's classes write them.

use super::vint;
use crate::Text;
use std::io;

/// A type that stands for one of Hadoop's `Writable` classes.
///
/// | type | class, of `org.apache.hadoop.io` |
/// |---|---|
/// | [`Text`], `String` | `Text` |
/// | `i8`, `i16`, `i32`, `i64` | `ByteWritable`, `ShortWritable`, `IntWritable`, `LongWritable` |
/// | `f32`, `f64` | `FloatWritable`, `DoubleWritable` |
/// | `bool` | `BooleanWritable` |
/// | `Vec<u8>` | `BytesWritable` |
/// | `()` | `NullWritable` |
///
/// A class of one's own is one more implementation:
///
/// ```
/// use rsk_storage::{Writable, WritableError};
/// #[derive(Debug, PartialEq)]
/// struct Point(f64, f64);
/// impl Writable for Point {
///     const CLASS: &'static str = "com.example.Point";
///     fn write(&self, to: &mut Vec<u8>) {
///         self.0.write(to);
///         self.1.write(to);
///     }
///     fn read(from: &mut &[u8]) -> Result<Self, WritableError> {
///         Ok(Point(f64::read(from)?, f64::read(from)?))
///     }
/// }
/// let mut bytes = Vec::new();
/// Point(1.0, 2.0).write(&mut bytes);
/// assert_eq!(Point::read(&mut &bytes[..])?, Point(1.0, 2.0));
/// assert!(Point::read(&mut &bytes[1..]).is_err());
/// # Ok::<(), WritableError>(())
/// ```
pub trait Writable: Sized + Send + 'static {
    /// The class, by its full name.
    const CLASS: &'static str;

    /// Appends its bytes.
    fn write(&self, to: &mut Vec<u8>);

    /// Takes its bytes from the beginning of `from`, and leaves the rest.
    fn read(from: &mut &[u8]) -> Result<Self, WritableError>;
}

/// Bytes are not what a class writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WritableError {
    /// They end early.
    #[error("its bytes end early")]
    Short,
    /// There are more than it takes.
    #[error("{0} bytes too many")]
    Long(usize),
    /// Text is not UTF-8.
    #[error("it is not UTF-8")]
    Utf8(#[from] std::str::Utf8Error),
    /// A length, or another number that it begins with, cannot be.
    #[error("{0} cannot be its length")]
    Length(i64),
}

fn take<'a>(from: &mut &'a [u8], bytes: usize) -> Result<&'a [u8], WritableError> {
    let (taken, rest) = from.split_at_checked(bytes).ok_or(WritableError::Short)?;
    *from = rest;
    Ok(taken)
}

/// Numbers are their big-endian bytes.
macro_rules! number {
    ($($type:ty: $class:literal,)*) => {$(
        impl Writable for $type {
            const CLASS: &'static str = concat!("org.apache.hadoop.io.", $class);

            fn write(&self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_be_bytes());
            }

            fn read(from: &mut &[u8]) -> Result<Self, WritableError> {
                let (bytes, rest) = from.split_first_chunk().ok_or(WritableError::Short)?;
                *from = rest;
                Ok(<$type>::from_be_bytes(*bytes))
            }
        }
    )*};
}

number! {
    i8: "ByteWritable",
    i16: "ShortWritable",
    i32: "IntWritable",
    i64: "LongWritable",
    f32: "FloatWritable",
    f64: "DoubleWritable",
}

impl Writable for bool {
    const CLASS: &'static str = "org.apache.hadoop.io.BooleanWritable";

    fn write(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }

    fn read(from: &mut &[u8]) -> Result<Self, WritableError> {
        Ok(take(from, 1)? != [0])
    }
}

impl Writable for () {
    const CLASS: &'static str = "org.apache.hadoop.io.NullWritable";

    fn write(&self, _: &mut Vec<u8>) {}

    fn read(_: &mut &[u8]) -> Result<Self, WritableError> {
        Ok(())
    }
}

impl Writable for Vec<u8> {
    const CLASS: &'static str = "org.apache.hadoop.io.BytesWritable";

    /// More than a file's record may have is refused by what writes the record.
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&u32::try_from(self.len()).unwrap_or(u32::MAX).to_be_bytes());
        to.extend_from_slice(self);
    }

    fn read(from: &mut &[u8]) -> Result<Self, WritableError> {
        let length = i32::read(from)?;
        let bytes = usize::try_from(length).map_err(|_| WritableError::Length(length.into()))?;
        take(from, bytes).map(Vec::from)
    }
}

fn write_text(text: &str, to: &mut Vec<u8>) {
    vint::write(i64::try_from(text.len()).unwrap_or(i64::MAX), to);
    to.extend_from_slice(text.as_bytes());
}

fn read_text<'a>(from: &mut &'a [u8]) -> Result<&'a str, WritableError> {
    let next = || take(from, 1).map(|byte| byte[0]).map_err(|_| io::ErrorKind::UnexpectedEof.into());
    let length = vint::read(next).map_err(|_| WritableError::Short)?;
    let bytes = usize::try_from(length).map_err(|_| WritableError::Length(length))?;
    Ok(std::str::from_utf8(take(from, bytes)?)?)
}

impl Writable for String {
    const CLASS: &'static str = "org.apache.hadoop.io.Text";

    fn write(&self, to: &mut Vec<u8>) {
        write_text(self, to);
    }

    fn read(from: &mut &[u8]) -> Result<Self, WritableError> {
        read_text(from).map(str::to_owned)
    }
}

impl Writable for Text {
    const CLASS: &'static str = "org.apache.hadoop.io.Text";

    fn write(&self, to: &mut Vec<u8>) {
        write_text(self, to);
    }

    fn read(from: &mut &[u8]) -> Result<Self, WritableError> {
        read_text(from).map(Text::from)
    }
}
