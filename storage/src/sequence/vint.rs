//! Hadoop's integers of one to nine bytes: small ones are themselves, others stand behind a byte that says how many bytes and
//! which sign they have.

use std::io;

/// One byte for -112 to 127.
pub(super) fn write(number: i64, to: &mut Vec<u8>) {
    if let Ok(byte @ -112..) = i8::try_from(number) {
        to.extend_from_slice(&byte.to_be_bytes());
        return;
    }
    // What is negative is written as its complement.
    let (base, rest) = if number < 0 { (-120_i8, !number) } else { (-112_i8, number) };
    let bytes = rest.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let count = i8::try_from(bytes.len() - zeros).unwrap_or(i8::MAX);
    to.extend_from_slice(&(base - count).to_be_bytes());
    to.extend_from_slice(&bytes[zeros..]);
}

/// Takes a number's bytes from `next`.
pub(super) fn read(mut next: impl FnMut() -> io::Result<u8>) -> io::Result<i64> {
    let first = i8::from_be_bytes([next()?]);
    let (is_negative, count) = match first {
        -112.. => return Ok(first.into()),
        -120..=-113 => (false, -112 - first),
        _ => (true, -120 - first),
    };
    let mut number = 0_i64;
    for _ in 0..count {
        number = number << 8 | i64::from(next()?);
    }
    Ok(if is_negative { !number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(mut bytes: &[u8]) -> io::Result<i64> {
        let number = read(|| {
            let (first, rest) = bytes.split_first().ok_or(io::ErrorKind::UnexpectedEof)?;
            bytes = rest;
            Ok(*first)
        });
        assert!(number.is_err() || bytes.is_empty());
        number
    }

    fn written(number: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(number, &mut bytes);
        bytes
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_comes_back(number: i64, shift in 0u32..64) {
            for number in [number, number >> shift] {
                assert_eq!(read_all(&written(number)).unwrap(), number);
                assert!(read_all(&written(number)[..written(number).len() - 1]).is_err());
            }
        }
    }

    #[test]
    fn bytes_are_those_of_hadoop() {
        for (number, bytes) in [
            (0, &[0][..]),
            (127, &[127]),
            (-112, &[0x90]),
            (128, &[0x8f, 0x80]),
            (-113, &[0x87, 0x70]),
            (255, &[0x8f, 0xff]),
            (256, &[0x8e, 1, 0]),
            (-256, &[0x87, 0xff]),
            (-257, &[0x86, 1, 0]),
            (i64::MAX, &[0x88, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
            (i64::MIN, &[0x80, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(written(number), bytes, "{number}");
            assert_eq!(read_all(bytes).unwrap(), number);
        }
    }
}
