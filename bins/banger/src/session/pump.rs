//! The frames of a session: what goes in, what comes out, until the last one.

use std::{io, time::Duration};

use bytes::Bytes;
use futures::{Sink, SinkExt as _, Stream, StreamExt as _};
use guest::frame::Frame;
use tokio::sync::{mpsc, oneshot};

use super::{
    error::SessionError,
    local::{Outflow, Outlet},
};
use crate::exit;

/// The signal that a program gets when it writes to nobody.
const SIGPIPE: i32 = 13;

/// How long a command may go on after nobody reads what it writes.
const UNREAD_LIMIT: Duration = Duration::from_secs(2);

/// A frame that is no stdin, and who wants to know when it is on its way.
pub(crate) type Told = (Frame, Option<oneshot::Sender<()>>);
/// Where such frames are given.
pub(crate) type Control = mpsc::UnboundedSender<Told>;

/// Sends stdin and, before it, whatever else there is to tell (signals, sizes). Returns when both
/// channels are closed, or the connection is: then the frames that come say why.
pub(crate) async fn upward(
    mut to: impl Sink<Frame, Error = io::Error> + Unpin,
    mut stdin: mpsc::Receiver<Bytes>,
    mut control: mpsc::UnboundedReceiver<Told>,
) {
    let mut stdin_is_open = true;
    loop {
        let (frame, sent) = tokio::select! {
            biased;
            told = control.recv() => match told {
                Some(told) => told,
                None => return,
            },
            bytes = stdin.recv(), if stdin_is_open => {
                stdin_is_open = bytes.is_some();
                (bytes.map_or(Frame::StdinEnd, Frame::Stdin), None)
            }
        };
        if to.send(frame).await.is_err() {
            return;
        }
        if let Some(sent) = sent {
            sent.send(()).ok();
        }
    }
}

/// Writes what comes until the command's end, and returns its exit code.
pub(crate) async fn downward(
    mut from: impl Stream<Item = io::Result<Frame>> + Unpin,
    control: Control,
) -> Result<Ended, SessionError> {
    let (stdout, stderr) = (Outlet::stdout(), Outlet::stderr());
    let ended = read(&mut from, &stdout, &stderr, &control).await;
    stdout.finish().await;
    stderr.finish().await;
    ended
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The command ended with this code.
    Code(u8),
    /// It could not be started.
    NotStarted { code: u8, message: String },
}

async fn read(
    from: &mut (impl Stream<Item = io::Result<Frame>> + Unpin),
    stdout: &Outlet,
    stderr: &Outlet,
    control: &Control,
) -> Result<Ended, SessionError> {
    loop {
        let frame = from.next().await.ok_or(SessionError::Cut)?;
        match frame.map_err(|source| SessionError::Broken { source })? {
            Frame::Stdout(bytes) => {
                if stdout.send(bytes).await == Outflow::Closed {
                    // As in a pipe: who writes to nobody is told so, and ends.
                    control.send((Frame::Signal(SIGPIPE), None)).ok();
                    let rest = tokio::time::timeout(UNREAD_LIMIT, discard(from)).await;
                    return rest.unwrap_or(Ok(Ended::Code(exit::of_signal(SIGPIPE))));
                }
            }
            // Where nobody reads the errors, the command goes on.
            Frame::Stderr(bytes) => {
                stderr.send(bytes).await;
            }
            frame => {
                if let Some(ended) = last(frame) {
                    return Ok(ended);
                }
            }
        }
    }
}

async fn discard(from: &mut (impl Stream<Item = io::Result<Frame>> + Unpin)) -> Result<Ended, SessionError> {
    loop {
        let frame = from.next().await.ok_or(SessionError::Cut)?;
        if let Some(ended) = last(frame.map_err(|source| SessionError::Broken { source })?) {
            return Ok(ended);
        }
    }
}

fn last(frame: Frame) -> Option<Ended> {
    match frame {
        Frame::Ended(status) => Some(Ended::Code(status.code())),
        Frame::NotStarted(failure) => {
            Some(Ended::NotStarted { code: failure.code, message: failure.message })
        }
        _ => None,
    }
}
