//! A chain of causes that crosses the wire as data.

use serde::{Deserialize, Serialize};
use std::{error::Error, fmt};

/// An error and what caused it, as messages: what is left of any `std::error::Error` after it has travelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What happened, lower case, naming the thing.
    pub message: String,
    /// Why.
    pub source: Option<Box<Cause>>,
}

impl Cause {
    /// A cause with no further cause.
    pub fn new(message: impl Into<String>) -> Self {
        Cause { message: message.into(), source: None }
    }

    /// The whole chain of an error.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        Cause { message: error.to_string(), source: error.source().map(|source| Box::new(Cause::of(source))) }
    }

    /// The same failure, said from further out: `self` becomes the reason.
    #[must_use]
    pub fn within(self, message: impl Into<String>) -> Self {
        Cause { message: message.into(), source: Some(Box::new(self)) }
    }

    /// From the outermost message to the root.
    pub fn chain(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self), |cause| cause.source.as_deref()).map(|cause| cause.message.as_str())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
