//! The streams here: a thread each, so that none of them holds up another or a signal.

use std::{io, os::fd::AsFd, thread};

use bytes::Bytes;
use guest::frame::PAYLOAD_BYTES_MAX;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::{mpsc, oneshot};

/// How many pieces wait between a thread and the session, in each direction.
const PIECES_MAX: usize = 8;

/// Reads stdin in pieces until its end. The channel closes at the end, also after an error: a stream
/// that cannot be read has nothing more to give.
pub(crate) fn stdin() -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    thread::spawn(move || {
        let mut buffer = vec![0; PAYLOAD_BYTES_MAX];
        while let Ok(count @ 1..) = read_waiting(&mut buffer) {
            if sender.blocking_send(Bytes::copy_from_slice(&buffer[..count])).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Reads, and waits where the descriptor was made non-blocking by whoever shares it.
fn read_waiting(buffer: &mut [u8]) -> io::Result<usize> {
    let stdin = rustix::stdio::stdin();
    loop {
        match rustix::io::read(stdin, &mut *buffer) {
            Err(rustix::io::Errno::AGAIN) => ready(&stdin, PollFlags::IN)?,
            Err(rustix::io::Errno::INTR) => {}
            done => return Ok(done?),
        }
    }
}

fn ready(fd: &impl AsFd, flags: PollFlags) -> io::Result<()> {
    poll(&mut [PollFd::new(fd, flags)], None)?;
    Ok(())
}

/// A stream out of here.
#[derive(Debug)]
pub(crate) struct Outlet {
    pieces: mpsc::Sender<Bytes>,
    done: oneshot::Receiver<()>,
}

/// Whether what is written still goes anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outflow {
    Open,
    Closed,
}

impl Outlet {
    pub(crate) fn stdout() -> Self {
        Self::new(io::stdout())
    }

    pub(crate) fn stderr() -> Self {
        Self::new(io::stderr())
    }

    fn new(to: impl AsFd + Send + 'static) -> Self {
        let (pieces, mut receiver) = mpsc::channel::<Bytes>(PIECES_MAX);
        let (tell, done) = oneshot::channel();
        thread::spawn(move || {
            while let Some(piece) = receiver.blocking_recv() {
                if write_waiting(&to, &piece).is_err() {
                    break;
                }
            }
            tell.send(()).ok();
        });
        Self { pieces, done }
    }

    /// Hands bytes over; waits while those before them are not written.
    pub(crate) async fn send(&self, bytes: Bytes) -> Outflow {
        if self.pieces.send(bytes).await.is_ok() { Outflow::Open } else { Outflow::Closed }
    }

    /// Waits until all is written.
    pub(crate) async fn finish(self) {
        drop(self.pieces);
        self.done.await.ok();
    }
}

fn write_waiting(to: &impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::AGAIN) => ready(to, PollFlags::OUT)?,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
