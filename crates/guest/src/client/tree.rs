//! Files out of a guest.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use hyper::body::{Body as _, Incoming};
use tokio::io::{AsyncRead, ReadBuf};

/// A tar stream from a guest. A stream that the guest could not finish ends in an error, never early.
#[derive(Debug)]
pub struct TreeReader {
    body: Incoming,
    chunk: Bytes,
}

impl TreeReader {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, chunk: Bytes::new() }
    }
}

impl AsyncRead for TreeReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.chunk.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                Some(Ok(frame)) => self.chunk = frame.into_data().unwrap_or_default(),
            }
        }
        let len = self.chunk.len().min(buf.remaining());
        buf.put_slice(&self.chunk[..len]);
        self.chunk.advance(len);
        Poll::Ready(Ok(()))
    }
}
