//! Between our messages and those that travel. Nothing else knows the generated types but the stream that carries them.
//!
//! What arrives is checked here once: a missing field, a kind that this build does not know and a text that is no role
//! are typed errors.

mod resource;
mod executor;
mod agent;
mod framework;
mod operate;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

/// What `proto/proto/*.proto` compiles to.
#[expect(
    unreachable_pub,
    clippy::pedantic,
    clippy::large_enum_variant,
    clippy::allow_attributes,
    reason = "generated"
)]
pub(crate) mod pb {
    tonic::include_proto!("rsk.v1");
}

/// A message that arrived, or was to be sent, is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A part that is always there is not.
    #[error("a message without {0}")]
    Missing(&'static str),
    /// The other side is a later build, or no peer at all.
    #[error("{0} of a kind that this build of rsk does not know")]
    Unknown(&'static str),
    /// A part does not hold what it should.
    #[error("a message with a wrong {what}: {why}")]
    Invalid {
        /// The part.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Messages are bounded; see [`crate::CONTROL_BYTES_MAX`].
    #[error("a message of {bytes} bytes, where {max} are the most: make it smaller")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
}

/// What travels, and as what.
pub trait Wire: Sized {
    /// The generated type.
    type Pb: prost::Message + Default + 'static;
    /// As it travels.
    fn into_pb(self) -> Self::Pb;
    /// As it arrived.
    fn from_pb(pb: Self::Pb) -> Result<Self, WireError>;
}

/// A part that must be there.
fn need<T: Wire>(pb: Option<T::Pb>, what: &'static str) -> Result<T, WireError> {
    T::from_pb(pb.ok_or(WireError::Missing(what))?)
}

/// Parts that may be there.
fn maybe<T: Wire>(pb: Option<T::Pb>) -> Result<Option<T>, WireError> {
    pb.map(T::from_pb).transpose()
}

fn all<T: Wire>(pb: Vec<T::Pb>) -> Result<Vec<T>, WireError> {
    pb.into_iter().map(T::from_pb).collect()
}

fn all_into<T: Wire>(all: Vec<T>) -> Vec<T::Pb> {
    all.into_iter().map(T::into_pb).collect()
}

/// A text that must read as what it names.
fn parse<T: std::str::FromStr<Err: ToString>>(text: &str, what: &'static str) -> Result<T, WireError> {
    text.parse().map_err(|error: T::Err| WireError::Invalid { what, why: error.to_string() })
}

fn hash(bytes: &[u8]) -> Result<crate::BlobHash, WireError> {
    let why = || format!("it has {} bytes and not 32", bytes.len());
    let bytes = bytes.try_into().map_err(|_| WireError::Invalid { what: "hash", why: why() })?;
    Ok(crate::BlobHash(bytes))
}

fn hashes(files: BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, crate::BlobHash>, WireError> {
    files.into_iter().map(|(name, bytes)| Ok((name, hash(&bytes)?))).collect()
}

fn hashes_into(files: BTreeMap<String, crate::BlobHash>) -> BTreeMap<String, Vec<u8>> {
    files.into_iter().map(|(name, hash)| (name, hash.0.to_vec())).collect()
}

/// Whole milliseconds, as far as numbers go.
fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
