//! Who shares a cluster, by name.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const BYTES_MAX: usize = 128;

/// The name of a role: frameworks of one role share what the role gets. Everybody's role is `*`.
///
/// ```
/// # use rsk_proto::RoleName;
/// assert_eq!("prod".parse::<RoleName>()?.as_str(), "prod");
/// assert!("-prod".parse::<RoleName>().is_err());
/// # Ok::<(), rsk_proto::ParseRoleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(String);

/// A text cannot be the name of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no role: {why}")]
pub struct ParseRoleError {
    text: String,
    why: &'static str,
}

impl RoleName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RoleName {
    fn default() -> Self {
        RoleName("*".to_owned())
    }
}

impl FromStr for RoleName {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, ParseRoleError> {
        let why = if text.is_empty() {
            "a role has a name; everybody's is *"
        } else if text == "." || text == ".." || text.starts_with('-') {
            "it is not . or .., and begins with no dash"
        } else if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/') {
            "it has no blanks and no slashes"
        } else if text.len() > BYTES_MAX {
            "it has at most 128 bytes"
        } else {
            return Ok(RoleName(text.to_owned()));
        };
        Err(ParseRoleError { text: text.to_owned(), why })
    }
}

impl TryFrom<String> for RoleName {
    type Error = ParseRoleError;

    fn try_from(text: String) -> Result<Self, ParseRoleError> {
        text.parse()
    }
}

impl From<RoleName> for String {
    fn from(role: RoleName) -> String {
        role.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
