//! Streams of our own messages between a master and those who dial it.
//!
//! It is gRPC, but nobody sees that: a client is [`MasterClient`], a server is whoever implements [`Service`] and puts
//! [`routes`] behind a listener.

mod link;
mod client;
mod server;
#[cfg(test)]
mod tests;

pub use client::MasterClient;
pub use link::{Receiver, Sender};
pub use server::{Service, routes};

/// What can travel: implemented by the messages of this crate, and by nothing else.
pub use crate::convert::Wire as Message;
use crate::{Cause, Refusal, WireError};

/// Why a conversation with a master, or with one who dialled it, cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// No address.
    #[error("{0:?} is no address of a master: one reads like host:5050")]
    Address(String),
    /// Nobody answers there, or not in time.
    #[error("no master can be reached at {address}: is it running, and is that its address?")]
    Unreachable {
        /// Who was dialled.
        address: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// Who answers there is no master, or one of quite another version.
    #[error("what answers at {address} does not speak as a master of rsk {build} does", build = env!("CARGO_PKG_VERSION"))]
    NoMaster {
        /// Who was dialled.
        address: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// The master will not.
    #[error("the master at {address} refuses: {refusal}")]
    Refused {
        /// Who was dialled.
        address: String,
        /// Why.
        refusal: Refusal,
    },
    /// A message is none.
    #[error("{peer} sent, or was to be sent, {error}")]
    Message {
        /// The other side.
        peer: String,
        /// What is wrong.
        error: WireError,
    },
    /// The stream broke.
    #[error("the stream with {peer} broke")]
    Broken {
        /// The other side.
        peer: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// The other side ended the stream.
    #[error("{0} has ended the stream")]
    Closed(String),
    /// The other side does not read what it is sent, and no more waits for it.
    #[error("{0} does not read what it is sent")]
    Full(String),
}
