//! What the host tells a command.

use std::{io, time::Duration};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use guest::frame::Frame;
use rustix::process::Pid;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::timeout,
};

use super::{command::resize, end::signal};
use crate::mux::port::FdStream;

/// Frames of stdin that wait for the command: 1 MiB at most. Behind them signals wait, too.
const QUEUE_FRAMES: usize = 16;

/// How often a host whose stdin nobody reads is asked whether it is still there.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// What a terminal takes for the end of its input.
const END_OF_TRANSMISSION: &[u8] = b"\x04";

/// Obeys the host's frames. Returns when it is gone, or speaks nonsense.
pub(super) async fn obey(
    frames: &mut (impl Stream<Item = io::Result<Frame>> + Unpin),
    stdin: mpsc::Sender<Option<Bytes>>,
    to_host: mpsc::Sender<Frame>,
    leader: Pid,
    terminal: Option<FdStream>,
) {
    while let Some(Ok(frame)) = frames.next().await {
        match frame {
            Frame::Stdin(bytes) => queue(&stdin, Some(bytes), &to_host).await,
            Frame::StdinEnd => queue(&stdin, None, &to_host).await,
            Frame::Signal(number) => signal(number, leader, terminal.as_ref()),
            Frame::Resize(size) => {
                if let Some(terminal) = &terminal {
                    // It may have ended just now.
                    let _ = resize(terminal, size);
                }
            }
            Frame::Stdout(_) | Frame::Stderr(_) | Frame::Started | Frame::Ended(_) | Frame::NotStarted(_) => {
                return;
            }
        }
    }
}

/// Queues bytes for the command. While it reads none, nothing else is read from the host, and so not whether
/// it is gone; an empty frame of output finds that out.
async fn queue(stdin: &mpsc::Sender<Option<Bytes>>, bytes: Option<Bytes>, to_host: &mpsc::Sender<Frame>) {
    loop {
        match timeout(ASK_EVERY, stdin.reserve()).await {
            Ok(Ok(place)) => return place.send(bytes),
            // The command closed its stdin; what comes for it is dropped.
            Ok(Err(_)) => return,
            Err(_) => {
                let _ = to_host.send(Frame::Stdout(Bytes::new())).await;
            }
        }
    }
}

pub(super) fn stdin_queue() -> (mpsc::Sender<Option<Bytes>>, mpsc::Receiver<Option<Bytes>>) {
    mpsc::channel(QUEUE_FRAMES)
}

/// Writes what is queued to the command, until its end or until the command reads no more.
pub(super) async fn feed(
    mut queue: mpsc::Receiver<Option<Bytes>>,
    mut stdin: impl AsyncWrite + Unpin,
    is_terminal: bool,
) {
    while let Some(next) = queue.recv().await {
        let fed = match next {
            Some(bytes) => stdin.write_all(&bytes).await,
            None if is_terminal => stdin.write_all(END_OF_TRANSMISSION).await,
            None => return,
        };
        if fed.is_err() {
            return;
        }
    }
}
