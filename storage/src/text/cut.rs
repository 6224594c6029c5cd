//! `text.cut(pattern)`: the pieces between the matches of a pattern.

use super::Text;
use std::fmt;

/// What [`Text::cut`] looks for: a `char`, an array of `char`s, a `&'static str`, or a function from `char` to `bool`.
///
/// ```
/// use rsk_storage::Text;
/// assert_eq!(Text::from("a;b,c").cut([',', ';']).count(), 3);
/// ```
pub trait CutPattern {
    /// Where the first match in `text` starts, and how many bytes it has.
    fn first_match(&mut self, text: &str) -> Option<(usize, usize)>;
}

impl CutPattern for char {
    #[inline]
    fn first_match(&mut self, text: &str) -> Option<(usize, usize)> {
        match u8::try_from(*self) {
            Ok(byte) if byte.is_ascii() => memchr::memchr(byte, text.as_bytes()).map(|at| (at, 1)),
            _ => text.find(*self).map(|at| (at, self.len_utf8())),
        }
    }
}

impl<const N: usize> CutPattern for [char; N] {
    fn first_match(&mut self, text: &str) -> Option<(usize, usize)> {
        (|character| self.contains(&character)).first_match(text)
    }
}

impl CutPattern for &'static str {
    #[inline]
    fn first_match(&mut self, text: &str) -> Option<(usize, usize)> {
        text.find(*self).map(|at| (at, self.len()))
    }
}

impl<F: FnMut(char) -> bool> CutPattern for F {
    #[inline]
    fn first_match(&mut self, text: &str) -> Option<(usize, usize)> {
        text.char_indices().find(|(_, found)| self(*found)).map(|(at, found)| (at, found.len_utf8()))
    }
}

/// The pieces of a [`Text`], by [`Text::cut`].
#[derive(Clone)]
pub struct Cut<P> {
    text: Text,
    pattern: P,
    /// Where the next piece starts; nothing after the last.
    start: Option<usize>,
    /// Where to look on: beyond `start` after a match of no bytes, beyond the text after one at its end.
    look: usize,
}

impl<P> Cut<P> {
    pub(super) fn new(text: Text, pattern: P) -> Self {
        Cut { text, pattern, start: Some(0), look: 0 }
    }
}

impl<P: CutPattern> Iterator for Cut<P> {
    type Item = Text;

    #[inline]
    fn next(&mut self) -> Option<Text> {
        let (text, start) = (self.text.as_str(), self.start?);
        let found = text.get(self.look..).and_then(|rest| self.pattern.first_match(rest));
        let Some((at, bytes)) = found else {
            self.start = None;
            return Some(Text::from(&text[start..]));
        };
        let end = self.look + at;
        self.start = Some(end + bytes);
        self.look = end + bytes;
        if bytes == 0 {
            self.look += text[end..].chars().next().map_or(1, char::len_utf8);
        }
        Some(Text::from(&text[start..end]))
    }
}

impl<P: CutPattern> std::iter::FusedIterator for Cut<P> {}

impl<P> fmt::Debug for Cut<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cut").field("text", &self.text).field("start", &self.start).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces<P: CutPattern>(text: &str, pattern: P) -> Vec<Text> {
        Text::from(text).cut(pattern).collect()
    }

    proptest::proptest! {
        #[test]
        fn pieces_are_those_of_str(text in "[ab,\u{e9}\u{1f980}]{0,40}") {
            for character in ['a', ',', 'é', '🦀'] {
                assert_eq!(pieces(&text, character), text.split(character).collect::<Vec<_>>());
            }
            for pattern in ["", "a", ",a", "aa", "é", "🦀b", "abababab"] {
                assert_eq!(pieces(&text, pattern), text.split(pattern).collect::<Vec<_>>(), "{pattern:?}");
            }
            assert_eq!(pieces(&text, [',', 'é']), text.split([',', 'é']).collect::<Vec<_>>());
            assert_eq!(pieces(&text, char::is_alphabetic), text.split(char::is_alphabetic).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_edges() {
        assert_eq!(pieces("", ','), [""]);
        assert_eq!(pieces(",", ','), ["", ""]);
        assert_eq!(pieces("a🦀", ""), ["", "a", "🦀", ""]);
        assert_eq!(pieces("", ""), ["", ""]);
    }
}
