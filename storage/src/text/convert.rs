//! What becomes a [`Text`], and what a [`Text`] compares with and stands for.

use super::Text;
use compact_str::CompactString;
use std::{borrow::Borrow, borrow::Cow, cmp::Ordering, convert::Infallible, str::FromStr};

macro_rules! from {
    ($($source:ty),*) => {$(
        impl From<$source> for Text {
            #[inline]
            fn from(source: $source) -> Self {
                Text(CompactString::from(source))
            }
        }
    )*};
}
from!(&str, String, &String, Box<str>, Cow<'_, str>);

impl From<char> for Text {
    fn from(character: char) -> Self {
        Text::from(&*character.encode_utf8(&mut [0; 4]))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.into_string()
    }
}

impl FromStr for Text {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Text::from(text))
    }
}

impl Borrow<str> for Text {
    #[inline]
    fn borrow(&self) -> &str {
        self
    }
}

impl AsRef<str> for Text {
    #[inline]
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Text {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

macro_rules! compares {
    ($($other:ty),*) => {$(
        impl PartialEq<$other> for Text {
            #[inline]
            fn eq(&self, other: &$other) -> bool {
                **self == **other
            }
        }
        impl PartialEq<Text> for $other {
            #[inline]
            fn eq(&self, other: &Text) -> bool {
                **self == **other
            }
        }
        impl PartialOrd<$other> for Text {
            #[inline]
            fn partial_cmp(&self, other: &$other) -> Option<Ordering> {
                (**self).partial_cmp(&**other)
            }
        }
        impl PartialOrd<Text> for $other {
            #[inline]
            fn partial_cmp(&self, other: &Text) -> Option<Ordering> {
                (**self).partial_cmp(&**other)
            }
        }
    )*};
}
compares!(&str, String, Cow<'_, str>);

impl PartialEq<str> for Text {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<Text> for str {
    #[inline]
    fn eq(&self, other: &Text) -> bool {
        *self == **other
    }
}

impl PartialOrd<str> for Text {
    #[inline]
    fn partial_cmp(&self, other: &str) -> Option<Ordering> {
        (**self).partial_cmp(other)
    }
}

impl PartialOrd<Text> for str {
    #[inline]
    fn partial_cmp(&self, other: &Text) -> Option<Ordering> {
        self.partial_cmp(&**other)
    }
}

impl Extend<char> for Text {
    fn extend<I: IntoIterator<Item = char>>(&mut self, characters: I) {
        self.0.extend(characters);
    }
}

impl<'a> Extend<&'a str> for Text {
    fn extend<I: IntoIterator<Item = &'a str>>(&mut self, pieces: I) {
        self.0.extend(pieces);
    }
}

impl Extend<Text> for Text {
    fn extend<I: IntoIterator<Item = Text>>(&mut self, pieces: I) {
        pieces.into_iter().for_each(|piece| self.0.push_str(&piece));
    }
}

impl<T> FromIterator<T> for Text
where
    Text: Extend<T>,
{
    fn from_iter<I: IntoIterator<Item = T>>(pieces: I) -> Self {
        let mut text = Text::new();
        text.extend(pieces);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        collections::HashMap,
        hash::{BuildHasher, RandomState},
    };

    proptest::proptest! {
        #[test]
        fn it_is_a_str_in_all_that_can_be_seen(a: String, b: String) {
            let (x, y) = (Text::from(a.as_str()), Text::from(b.clone()));
            assert_eq!((x.cmp(&y), x == y), (a.cmp(&b), a == b));
            assert_eq!((x.partial_cmp(&b), b.partial_cmp(&x)), (a.partial_cmp(&b), b.partial_cmp(&a)));
            assert_eq!(x, a);
            assert_eq!(a, x);
            assert_eq!(x, *a.as_str());
            assert_eq!(*a.as_str(), x);
            assert_eq!((x.partial_cmp(b.as_str()), *b.as_str() == y), (Some(a.cmp(&b)), y == b.as_str()));
            assert_eq!((format!("{x}|{x:?}|{x:>9.3}")), format!("{a}|{a:?}|{a:>9.3}"));
            let state = RandomState::new();
            assert_eq!(state.hash_one(&x), state.hash_one(a.as_str()));
            assert_eq!(a.chars().collect::<Text>(), a);
            assert_eq!([x, y].into_iter().collect::<Text>().into_string(), a + &b);
        }

        #[test]
        fn it_travels_as_a_string_does(text: String) {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            rsk_proto::encode_record(&Text::from(text.as_str()), &mut ours).unwrap();
            rsk_proto::encode_record(&text, &mut theirs).unwrap();
            assert_eq!(ours, theirs);
            assert_eq!(rsk_proto::decode_record::<Text>(&mut ours.as_slice()).unwrap(), text);
        }
    }

    #[test]
    fn a_map_of_texts_is_asked_with_a_str() {
        let map = HashMap::from([(Text::from("k"), 1)]);
        assert_eq!(map.get("k"), Some(&1));
        assert_eq!("7".parse::<Text>().map(String::from), Ok("7".to_owned()));
    }
}
