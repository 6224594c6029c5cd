//! `text.words()`: the words of a text, eight bytes at a time.

use super::Text;

/// The words of a [`Text`], by [`Text::words`].
#[derive(Debug, Clone)]
pub struct Words {
    text: Text,
    at: usize,
}

impl Words {
    pub(super) fn new(text: Text) -> Self {
        Words { text, at: 0 }
    }
}

impl Iterator for Words {
    type Item = Text;

    #[inline]
    fn next(&mut self) -> Option<Text> {
        let text = self.text.as_str();
        next_word(text, &mut self.at).map(Text::from)
    }

    #[inline]
    fn fold<B, F: FnMut(B, Text) -> B>(self, first: B, mut f: F) -> B {
        let (text, mut at, mut folded) = (self.text.as_str(), self.at, first);
        while let Some(word) = next_word(text, &mut at) {
            folded = f(folded, Text::from(word));
        }
        folded
    }
}

impl std::iter::FusedIterator for Words {}

/// The first word at or after `at`, which goes beyond it and the white space that ends it.
#[inline]
fn next_word<'a>(text: &'a str, at: &mut usize) -> Option<&'a str> {
    let bytes = text.as_bytes();
    let mut look = *at;
    loop {
        let stop = next_stop(bytes, look);
        let space_bytes = match bytes.get(stop) {
            None | Some(b' ' | b'\t'..=b'\r') => 1,
            _ => match character(text, stop) {
                (true, bytes) => bytes,
                (false, bytes) => {
                    look = stop + bytes;
                    continue;
                }
            },
        };
        let start = std::mem::replace(at, (stop + space_bytes).min(bytes.len()));
        if start < stop {
            return Some(&text[start..stop]);
        }
        if stop == bytes.len() {
            return None;
        }
        look = *at;
    }
}

/// The first byte at or after `at` that may be white space: a blank, a control character or one beyond ASCII.
///
/// Cost: eight bytes a step. In a byte below 128, the sum has its high bit set exactly if the byte is above a blank, and no
/// sum carries into the next byte.
#[inline]
fn next_stop(bytes: &[u8], mut at: usize) -> usize {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const BEYOND_BLANK: u64 = 0x5f5f_5f5f_5f5f_5f5f;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let eight = u64::from_le_bytes(*eight);
        let stops = (!((eight & !HIGH) + BEYOND_BLANK) | eight) & HIGH;
        if stops != 0 {
            return at + (stops.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| (b'!'..128).contains(byte)) {
        at += 1;
    }
    at
}

/// Is the character at `at` white space, and how many bytes has it?
#[inline(never)]
fn character(text: &str, at: usize) -> (bool, usize) {
    let character = text[at..].chars().next().unwrap_or(' ');
    (character.is_whitespace(), character.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(text: &str) {
        let expected: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(Text::from(text).words().collect::<Vec<_>>(), expected, "{text:?}");
        let mut folded: Vec<Text> = Vec::new();
        Text::from(text).words().for_each(|word| folded.push(word));
        assert_eq!(folded, expected, "{text:?}");
    }

    proptest::proptest! {
        #[test]
        fn words_are_those_of_str(text: String) {
            same(&text);
        }

        #[test]
        fn words_are_those_of_str_where_white_space_is_common(
            text in "[a-z!~\u{e9}\u{0}-\u{20}\u{7f}\u{85}\u{a0}\u{1680}\u{2003}\u{2028}\u{3000}\u{1f980}]{0,70}",
        ) {
            same(&text);
        }
    }

    #[test]
    fn each_character_of_the_first_plane_alone_and_between_letters() {
        for character in (0..0x1_0000).filter_map(char::from_u32) {
            same(&format!("{character}a{character}bcdefghij{character}"));
        }
    }

    #[test]
    fn a_long_word_is_one_word() {
        let word = "x".repeat(1000);
        assert_eq!(Text::from(format!(" {word} {word}")).words().collect::<Vec<_>>(), [&*word, &*word]);
    }
}
