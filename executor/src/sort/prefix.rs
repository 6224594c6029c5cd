//! Eight bytes of a key that already say most of its order.

use std::any::Any;

/// A number with the order of the key: a smaller one means a smaller key, an equal one means nothing. `None` where
/// the type is none of those that are known: text, bytes and integers.
///
/// ```
/// use rsk_executor::sort::prefix_of;
/// assert!(prefix_of(&"apple".to_owned()) < prefix_of(&"banana".to_owned()));
/// assert!(prefix_of(&-1i32) < prefix_of(&1i32));
/// assert_eq!(prefix_of(&1.5f64), None);
/// ```
#[inline]
pub fn prefix_of<K: 'static>(key: &K) -> Option<u64> {
    let key: &dyn Any = key;
    if let Some(text) = key.downcast_ref::<String>() {
        return Some(prefix_of_bytes(text.as_bytes()));
    }
    if let Some(bytes) = key.downcast_ref::<Vec<u8>>() {
        return Some(prefix_of_bytes(bytes));
    }
    unsigned(key).or_else(|| signed(key))
}

/// The first eight bytes, the first of them foremost; zero where there are fewer.
#[inline]
pub fn prefix_of_bytes(bytes: &[u8]) -> u64 {
    if let Some(first) = bytes.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    bytes.iter().rev().fold(0, |prefix, &byte| (prefix >> 8) | u64::from(byte) << 56)
}

fn unsigned(key: &dyn Any) -> Option<u64> {
    let narrow = key.downcast_ref::<u8>().map(|&n| u64::from(n));
    let narrow = narrow.or_else(|| key.downcast_ref::<u16>().map(|&n| u64::from(n)));
    let narrow = narrow.or_else(|| key.downcast_ref::<u32>().map(|&n| u64::from(n)));
    narrow.or_else(|| key.downcast_ref::<u64>().copied())
}

fn signed(key: &dyn Any) -> Option<u64> {
    let narrow = key.downcast_ref::<i8>().map(|&n| i64::from(n));
    let narrow = narrow.or_else(|| key.downcast_ref::<i16>().map(|&n| i64::from(n)));
    let narrow = narrow.or_else(|| key.downcast_ref::<i32>().map(|&n| i64::from(n)));
    let wide = narrow.or_else(|| key.downcast_ref::<i64>().copied())?;
    Some(wide.cast_unsigned() ^ 1 << 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_smaller_prefix_means_a_smaller_key(a: Vec<u8>, b: Vec<u8>, n: i64, m: i64) {
            assert!(prefix_of(&a) >= prefix_of(&b) || a < b);
            assert_eq!(prefix_of(&n).cmp(&prefix_of(&m)), n.cmp(&m));
        }
    }

    #[test]
    fn short_keys_and_zeros() {
        assert!(prefix_of(&vec![1u8]) <= prefix_of(&vec![1u8, 0]));
        assert!(prefix_of(&vec![1u8]) < prefix_of(&vec![1u8, 1]));
        assert_eq!(prefix_of_bytes(b""), 0);
    }
}
