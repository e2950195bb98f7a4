//! What a command says.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{Sink, SinkExt};
use guest::frame::Frame;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::{mpsc, watch},
    time::timeout,
};

use crate::mux::channel::CHUNK_BYTES_MAX;

/// What is read at a time, in bytes: with its frame's header it is one chunk.
const READ_BYTES: usize = CHUNK_BYTES_MAX - 16;

/// How long the output is listened to after the command ended: a process that it left behind may keep a pipe
/// open for ever. What the command itself wrote is in the pipe by then and comes without a wait.
const GRACE: Duration = Duration::from_millis(250);

/// The most bytes that a pipe holds (`/proc/sys/fs/pipe-max-size`): all that can be the command's own.
const PIPE_BYTES_MAX: usize = 1024 * 1024;

/// Passes a stream of output on, to its end, or until the command's end and a grace.
pub(super) async fn pump(
    mut from: impl AsyncRead + Unpin,
    frame: fn(Bytes) -> Frame,
    to: mpsc::Sender<Frame>,
    mut has_ended: watch::Receiver<bool>,
) {
    let mut left = PIPE_BYTES_MAX;
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ_BYTES);
        let is_over = *has_ended.borrow_and_update();
        let read = if is_over {
            timeout(GRACE, from.read_buf(&mut buffer)).await.unwrap_or(Ok(0))
        } else {
            tokio::select! {
                read = from.read_buf(&mut buffer) => read,
                _ = has_ended.changed() => continue,
            }
        };
        // A terminal whose other side is closed gives an error and no end.
        let len = read.unwrap_or(0);
        if len == 0 || to.send(frame(buffer.split().freeze())).await.is_err() {
            return;
        }
        left = if is_over { left.saturating_sub(len) } else { left };
        if left == 0 {
            return;
        }
    }
}

/// Writes frames to the host until there are no more; an error means that it is gone.
pub(super) async fn write(
    mut host: impl Sink<Frame, Error = io::Error> + Unpin,
    mut frames: mpsc::Receiver<Frame>,
) -> io::Result<()> {
    while let Some(frame) = frames.recv().await {
        host.feed(frame).await?;
        if frames.is_empty() {
            host.flush().await?;
        }
    }
    host.close().await
}
