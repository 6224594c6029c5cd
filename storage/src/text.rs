//! A line or a word: short ones inline, and never a slice of something larger.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, fmt, ops::Deref};

/// Owned text. Up to 24 bytes sit inside it; it keeps nothing alive but itself. Hashes and compares as `str`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Text(CompactString);

impl Text {
    /// The words, split at white space.
    ///
    /// Cost: one copy a word, without an allocation up to 24 bytes.
    pub fn words(self) -> Words {
        Words { text: self, at: 0 }
    }
}

/// The words of a [`Text`].
#[derive(Debug, Clone)]
pub struct Words {
    text: Text,
    at: usize,
}

impl Iterator for Words {
    type Item = Text;

    #[inline]
    fn next(&mut self) -> Option<Text> {
        let rest = self.text[self.at..].trim_start();
        let word = rest.split_whitespace().next()?;
        self.at = self.text.len() - rest.len() + word.len();
        Some(Text::from(word))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl From<&str> for Text {
    #[inline]
    fn from(text: &str) -> Self {
        Text(CompactString::new(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(CompactString::from(text))
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn words_are_those_of_str(text: String) {
            let words: Vec<Text> = Text::from(text.as_str()).words().collect();
            assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
        }
    }
}
