//! What nobody is shown.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A key, a token, a password: it prints as `***`.
///
/// ```
/// use rsk_storage::Secret;
/// let secret = Secret::from("hush");
/// assert_eq!((format!("{secret:?}"), secret.reveal()), ("***".to_owned(), "hush"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(String);

impl Secret {
    /// It, for who must hand it on.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Secret(secret.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
