//! What an agent says of itself, for those who choose among agents.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// Names and values of an agent, such as its rack. Reads and prints Mesos' form.
///
/// ```
/// # use rsk_proto::Attributes;
/// let attributes: Attributes = "rack:r1;zone:a".parse()?;
/// assert_eq!(attributes.get("rack"), Some("r1"));
/// assert_eq!(attributes.to_string(), "rack:r1;zone:a");
/// # Ok::<(), rsk_proto::ParseAttributesError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(pub BTreeMap<String, String>);

/// A piece of a text is no attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{piece:?} is no attribute: {why}; attributes read like rack:r1;zone:a")]
pub struct ParseAttributesError {
    /// The piece that is wrong.
    pub piece: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Attributes {
    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl FromStr for Attributes {
    type Err = ParseAttributesError;

    fn from_str(text: &str) -> Result<Self, ParseAttributesError> {
        let mut all = BTreeMap::new();
        for piece in text.split(';').map(str::trim).filter(|piece| !piece.is_empty()) {
            let refuse = |why| ParseAttributesError { piece: piece.to_owned(), why };
            let (name, value) = piece.split_once(':').ok_or_else(|| refuse("it has no colon"))?;
            let (name, value) = (name.trim(), value.trim());
            if name.is_empty() || value.is_empty() {
                return Err(refuse("it has both a name and a value"));
            }
            if all.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(refuse("its name is given twice"));
            }
        }
        Ok(Attributes(all))
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            write!(f, "{}{name}:{value}", if at == 0 { "" } else { ";" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        for (text, piece, why) in [
            ("rack", "rack", "it has no colon"),
            ("a:b;:c", ":c", "it has both a name and a value"),
            ("a:b;c:", "c:", "it has both a name and a value"),
            ("a:b;a:c", "a:c", "its name is given twice"),
        ] {
            let error = ParseAttributesError { piece: piece.to_owned(), why };
            assert_eq!(text.parse::<Attributes>(), Err(error));
        }
        assert_eq!("".parse(), Ok(Attributes::default()));
    }
}
