//! A line or a word: short ones inline, and never a slice of something larger.

mod convert;
mod cut;
mod words;

pub use cut::{Cut, CutPattern};
pub use words::Words;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Deref};

/// Owned text, as lines and words are. It reads as a `str`.
///
/// Bounds: up to 24 bytes sit inside it, without an allocation; it keeps nothing alive but its own bytes. It hashes and
/// compares as `str`, so that a `HashMap<Text, _>` is asked with a `&str`.
///
/// ```
/// use rsk_storage::Text;
/// let line = Text::from("to be or not");
/// assert_eq!(line.len(), 12);
/// assert!(line.starts_with("to") && line == "to be or not");
/// assert_eq!(line.words().last().unwrap(), "not");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Text(CompactString);

impl Text {
    /// Empty text.
    ///
    /// ```
    /// assert_eq!(rsk_storage::Text::new(), "");
    /// ```
    pub const fn new() -> Self {
        Text(CompactString::const_new(""))
    }

    /// The words: what `str::split_whitespace` gives, as owned texts.
    ///
    /// Cost: one copy a word, without an allocation up to 24 bytes. The words do not keep this text alive.
    ///
    /// ```
    /// use rsk_storage::Text;
    /// let words: Vec<Text> = Text::from(" to  be\tor ").words().collect();
    /// assert_eq!(words, ["to", "be", "or"]);
    /// ```
    pub fn words(self) -> Words {
        Words::new(self)
    }

    /// The pieces between the matches of `pattern`: what `str::split` gives, as owned texts, empty ones too.
    ///
    /// The pattern is a `char`, an array of them, a `&'static str`, or a function that says which `char`s separate.
    ///
    /// Cost: as [`Text::words`].
    ///
    /// ```
    /// use rsk_storage::Text;
    /// let fields: Vec<Text> = Text::from("7,,b").cut(',').collect();
    /// assert_eq!(fields, ["7", "", "b"]);
    /// let fields: Vec<Text> = Text::from("k => v").cut(" => ").collect();
    /// assert_eq!(fields, ["k", "v"]);
    /// let fields: Vec<Text> = Text::from("a1b22c").cut(|c: char| c.is_ascii_digit()).collect();
    /// assert_eq!(fields, ["a", "b", "", "c"]);
    /// ```
    pub fn cut<P: CutPattern>(self, pattern: P) -> Cut<P> {
        Cut::new(self, pattern)
    }

    /// It, as a `str`.
    ///
    /// ```
    /// assert_eq!(rsk_storage::Text::from('é').as_str(), "é");
    /// ```
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// It, as a `String`: a copy where it sits inline, none where it does not.
    ///
    /// ```
    /// assert_eq!(rsk_storage::Text::from("a").into_string(), String::from("a"));
    /// ```
    pub fn into_string(self) -> String {
        self.0.into_string()
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
