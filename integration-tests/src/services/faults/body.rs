//! A body that breaks off.

use super::Injected;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
};

pub(super) type AnyError = Box<dyn Error + Send + Sync>;
pub(super) type AnyBody = UnsyncBoxBody<Bytes, AnyError>;

/// So often whoever sends the body gets to send what it has, before it learns that there will be no more.
const TURNS: usize = 4;

/// Passes so many bytes on, then gives an error. It tells whom it may concern.
pub(super) struct Cut {
    body: AnyBody,
    left: u64,
    /// Was something left out?
    has_lost: bool,
    fault: Injected,
    then: Box<dyn Fn() + Send>,
    turns: usize,
}

impl Cut {
    pub(super) fn after(left: u64, body: AnyBody, fault: Injected, then: impl Fn() + Send + 'static) -> Self {
        Cut { body, left, has_lost: false, fault, then: Box::new(then), turns: 0 }
    }
}

impl Body for Cut {
    type Data = Bytes;
    type Error = AnyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnyError>>> {
        if self.left == 0 && (self.has_lost || !self.body.is_end_stream()) {
            self.turns += 1;
            if self.turns <= TURNS {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.fault.strike();
            (self.then)();
            return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset).into())));
        }
        let left = self.left;
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let Poll::Ready(Some(Ok(frame))) = polled else { return polled };
        let mut lost = false;
        let frame = frame.map_data(|data| {
            let passed = usize::try_from(left).map_or(data.len(), |left| data.len().min(left));
            lost = passed < data.len();
            data.slice(..passed)
        });
        self.has_lost |= lost;
        self.left -= frame.data_ref().map_or(0, |data| data.len() as u64);
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        // Of a body that is over where it would be cut, nothing was lost.
        self.body.is_end_stream() && !self.has_lost && self.turns == 0
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
