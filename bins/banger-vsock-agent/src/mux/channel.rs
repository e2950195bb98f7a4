//! One session's stream: over the port, or over a connection of its own.
//!
//! yamux has a half-close, but no way to give up a stream after it: a peer that was told "no more from me"
//! and goes on writing is never told that nobody reads. So ends are told inside the stream: it is a
//! sequence of chunks, each of 2 bytes of length (big-endian) and so many bytes, and the chunk of length 0
//! is the end of its direction. yamux's own close is not used; dropping a stream resets it, and a reset
//! before the end is an error at the other side, never mistaken for an end. Over vsock it is the same: Firecracker
//! takes the end of one direction for the end of both (Firecracker, src/vmm/src/devices/virtio/vsock/csm).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::io::{AsyncRead as Reads, AsyncWrite as Writes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::FRAME_BYTES_MAX;

const HEADER_BYTES: usize = 2;
/// A chunk and its header fill one frame.
pub(crate) const CHUNK_BYTES_MAX: usize = FRAME_BYTES_MAX - HEADER_BYTES;

/// What carries a session's bytes: a stream of the multiplexer, or a connection.
pub(crate) trait Carrier: Reads + Writes + Unpin + Send {}

impl<T: Reads + Writes + Unpin + Send> Carrier for T {}

/// Both directions of one session.
pub(crate) struct Channel {
    stream: Box<dyn Carrier>,
    incoming: Incoming,
    outgoing: Outgoing,
}

#[derive(Default)]
struct Incoming {
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    chunk_bytes_left: usize,
    has_ended: bool,
}

#[derive(Default)]
struct Outgoing {
    chunk: Vec<u8>,
    written_bytes: usize,
    has_ended: bool,
}

impl Channel {
    pub(crate) fn new(stream: impl Carrier + 'static) -> Self {
        Self { stream: Box::new(stream), incoming: Incoming::default(), outgoing: Outgoing::default() }
    }

    /// Reads the header of the next chunk; returns its length.
    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Incoming { header, header_bytes, .. } = &mut self.incoming;
        while let rest @ [_, ..] = &mut header[*header_bytes..] {
            *header_bytes += at_least_one(ready!(Pin::new(&mut self.stream).poll_read(cx, rest))?)?;
        }
        *header_bytes = 0;
        Poll::Ready(Ok(usize::from(u16::from_be_bytes(*header))))
    }

    /// Hands the chunk at hand on.
    fn poll_push(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Outgoing { chunk, written_bytes, .. } = &mut self.outgoing;
        while let rest @ [_, ..] = &chunk[*written_bytes..] {
            *written_bytes += ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
        }
        chunk.clear();
        *written_bytes = 0;
        Poll::Ready(Ok(()))
    }
}

fn at_least_one(len: usize) -> io::Result<usize> {
    if len == 0 {
        return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the other side gave the session up"));
    }
    Ok(len)
}

impl AsyncRead for Channel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.incoming.has_ended || buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if this.incoming.chunk_bytes_left == 0 {
            this.incoming.chunk_bytes_left = ready!(this.poll_header(cx))?;
            if this.incoming.chunk_bytes_left == 0 {
                this.incoming.has_ended = true;
                return Poll::Ready(Ok(()));
            }
        }
        let len = this.incoming.chunk_bytes_left.min(buf.remaining());
        let into = buf.initialize_unfilled_to(len);
        let len = at_least_one(ready!(Pin::new(&mut this.stream).poll_read(cx, into))?)?;
        this.incoming.chunk_bytes_left -= len;
        buf.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Channel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.outgoing.has_ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        ready!(this.poll_push(cx))?;
        let bytes = &bytes[..bytes.len().min(CHUNK_BYTES_MAX)];
        let Some(len) = u16::try_from(bytes.len()).ok().filter(|len| *len > 0) else {
            return Poll::Ready(Ok(0));
        };
        this.outgoing.chunk.extend_from_slice(&len.to_be_bytes());
        this.outgoing.chunk.extend_from_slice(bytes);
        match this.poll_push(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // The chunk is taken; whoever wants it gone flushes, as with any buffered writer.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_push(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.outgoing.has_ended {
            ready!(this.poll_push(cx))?;
            this.outgoing.chunk.extend_from_slice(&[0; HEADER_BYTES]);
            this.outgoing.has_ended = true;
        }
        Pin::new(this).poll_flush(cx)
    }
}
