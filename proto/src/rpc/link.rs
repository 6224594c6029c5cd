//! The two halves of a stream.

use super::RpcError;
use crate::{CONTROL_BYTES_MAX, Cause, WireError, convert::Wire};
use prost::Message;
use std::fmt;
use tokio::sync::mpsc;
use tonic::{Code, Status, Streaming};

/// So many messages wait for a peer that reads slowly.
pub(super) const WAITING_MAX: usize = 1024;

/// Sends messages of one kind to one peer, in order. Clones send to the same peer; the stream ends with the last.
pub struct Sender<M: Wire> {
    to: mpsc::Sender<M::Pb>,
    peer: String,
}

/// Receives messages of one kind from one peer, in order.
pub struct Receiver<M: Wire> {
    from: Streaming<M::Pb>,
    peer: String,
}

impl<M: Wire> Sender<M> {
    /// A sender, and what it sends.
    pub(super) fn new(peer: &str) -> (Self, mpsc::Receiver<M::Pb>) {
        let (to, from) = mpsc::channel(WAITING_MAX);
        (Sender { to, peer: peer.to_owned() }, from)
    }

    /// Sends a message, and waits while too many wait for the peer.
    ///
    /// Errors: the message is too long, or the stream has ended.
    pub async fn send(&self, message: M) -> Result<(), RpcError> {
        let pb = self.checked(message)?;
        self.to.send(pb).await.map_err(|_| RpcError::Closed(self.peer.clone()))
    }

    /// Sends a message, or says that too many wait for the peer.
    pub fn try_send(&self, message: M) -> Result<(), RpcError> {
        let pb = self.checked(message)?;
        self.to.try_send(pb).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => RpcError::Full(self.peer.clone()),
            mpsc::error::TrySendError::Closed(_) => RpcError::Closed(self.peer.clone()),
        })
    }

    /// Ends when the peer has ended the stream.
    pub async fn closed(&self) {
        self.to.closed().await;
    }

    /// The other side, for people.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    fn checked(&self, message: M) -> Result<M::Pb, RpcError> {
        let pb = message.into_pb();
        let bytes = pb.encoded_len();
        if bytes <= CONTROL_BYTES_MAX {
            return Ok(pb);
        }
        let error = WireError::TooLong { bytes, max: CONTROL_BYTES_MAX };
        Err(RpcError::Message { peer: self.peer.clone(), error })
    }
}

impl<M: Wire> Receiver<M> {
    pub(super) fn new(from: Streaming<M::Pb>, peer: &str) -> Self {
        Receiver { from, peer: peer.to_owned() }
    }

    /// Waits for a message; `None`: the peer has ended the stream, and all that it sent has been received.
    ///
    /// Errors: what arrived is no message, or the stream broke. Nothing more is to be received then.
    pub async fn receive(&mut self) -> Result<Option<M>, RpcError> {
        let peer = || self.peer.clone();
        match self.from.message().await {
            Ok(None) => Ok(None),
            Ok(Some(pb)) => match M::from_pb(pb) {
                Ok(message) => Ok(Some(message)),
                Err(error) => Err(RpcError::Message { peer: peer(), error }),
            },
            Err(status) => Err(RpcError::Broken { peer: peer(), cause: cause_of(&status) }),
        }
    }

    /// The other side, for people.
    pub fn peer(&self) -> &str {
        &self.peer
    }
}

/// What a status says, in our words where the library's say nothing.
pub(super) fn cause_of(status: &Status) -> Cause {
    if status.code() == Code::OutOfRange {
        return Cause::new(format!(
            "a message is longer than {CONTROL_BYTES_MAX} bytes: {}",
            status.message()
        ));
    }
    let source = std::error::Error::source(status).map(|source| Box::new(Cause::of(source)));
    Cause { message: status.message().to_owned(), source }
}

impl<M: Wire> Clone for Sender<M> {
    fn clone(&self) -> Self {
        Sender { to: self.to.clone(), peer: self.peer.clone() }
    }
}

impl<M: Wire> fmt::Debug for Sender<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender to {}", self.peer)
    }
}

impl<M: Wire> fmt::Debug for Receiver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receiver from {}", self.peer)
    }
}
