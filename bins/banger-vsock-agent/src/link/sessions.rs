//! Opens streams to the guest, while there is one.

use std::{
    future::poll_fn,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use guest::AGENT_PORT;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::timeout,
};
use tokio_util::compat::TokioAsyncReadCompatExt;
use yamux::{Connection, Mode};

use super::SESSIONS_MAX;
use crate::mux::{channel::Channel, config, handshake, port::Port};

/// The longest greeting line, in bytes.
pub(super) const GREETING_BYTES_MAX: usize = 32;

/// How long a monitor and its guest may take to take a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

type Request = oneshot::Sender<yamux::Stream>;

/// Asks for streams; cheap to clone.
#[derive(Clone)]
pub(super) struct Sessions {
    way: Way,
    room: Arc<Semaphore>,
}

/// How a stream is had.
#[derive(Clone)]
enum Way {
    /// From the one who has the port.
    Port { requests: mpsc::Sender<Request>, is_up: Arc<AtomicBool> },
    /// From the monitor's vsock socket.
    Vsock(Arc<PathBuf>),
}

/// The other end of [`Sessions`] over a port: the one who has it.
pub(super) struct Guest {
    requests: mpsc::Receiver<Request>,
    is_up: Arc<AtomicBool>,
}

/// A stream to the guest, and its place among [`SESSIONS_MAX`].
pub(super) struct Session {
    pub(super) channel: Channel,
    pub(super) place: OwnedSemaphorePermit,
}

impl Sessions {
    /// Sessions that share a port.
    pub(super) fn over_port() -> (Self, Guest) {
        let (requests, receiver) = mpsc::channel(SESSIONS_MAX);
        let is_up = Arc::new(AtomicBool::new(false));
        let guest = Guest { requests: receiver, is_up: is_up.clone() };
        (Self::new(Way::Port { requests, is_up }), guest)
    }

    /// Sessions that have a connection each, through the monitor's socket at `path`.
    pub(super) fn over_vsock(path: PathBuf) -> Self {
        Self::new(Way::Vsock(Arc::new(path)))
    }

    fn new(way: Way) -> Self {
        Self { way, room: Arc::new(Semaphore::new(SESSIONS_MAX)) }
    }

    /// Opens a stream; `None` while the guest is not up, or has [`SESSIONS_MAX`] already.
    pub(super) async fn open(&self) -> Option<Session> {
        let place = self.room.clone().try_acquire_owned().ok()?;
        let channel = match &self.way {
            Way::Port { is_up, .. } if !is_up.load(Ordering::Relaxed) => return None,
            Way::Port { requests, .. } => {
                let (answer, stream) = oneshot::channel();
                requests.send(answer).await.ok()?;
                Channel::new(stream.await.ok()?)
            }
            Way::Vsock(path) => {
                let connected = timeout(CONNECT_LIMIT, connect(path)).await.ok()?;
                Channel::new(connected.ok()?.compat())
            }
        };
        Some(Session { channel, place })
    }

    /// Opens a stream to the agent's port and does the handshake that a client does through the socket.
    pub(super) async fn open_agent(&self) -> Option<Session> {
        let mut session = self.open().await?;
        let greeting = format!("CONNECT {AGENT_PORT}\n");
        session.channel.write_all(greeting.as_bytes()).await.ok()?;
        session.channel.flush().await.ok()?;
        for _ in 0..GREETING_BYTES_MAX {
            if session.channel.read_u8().await.ok()? == b'\n' {
                return Some(session);
            }
        }
        None
    }
}

/// Connects to the agent's port through a monitor's vsock socket (Firecracker, docs/vsock.md). A monitor whose
/// guest does not listen closes the connection.
async fn connect(path: &Path) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(path).await?;
    stream.write_all(format!("CONNECT {AGENT_PORT}\n").as_bytes()).await?;
    let mut line = Vec::with_capacity(GREETING_BYTES_MAX);
    while line.last() != Some(&b'\n') && line.len() < GREETING_BYTES_MAX {
        line.push(stream.read_u8().await?);
    }
    if line.starts_with(b"OK ") && line.ends_with(b"\n") {
        return Ok(stream);
    }
    Err(io::ErrorKind::InvalidData.into())
}

impl Guest {
    /// Meets the guest and carries streams, again and again, until the port itself is gone.
    pub(super) async fn serve(mut self, mut port: Port) -> io::Error {
        loop {
            let mut nonce = [0; 16];
            if let Err(error) = getrandom::fill(&mut nonce) {
                return io::Error::other(error);
            }
            if let Err(error) = handshake::meet_guest(&mut port, nonce).await {
                return error;
            }
            self.is_up.store(true, Ordering::Relaxed);
            self.carry(&mut port).await;
            self.is_up.store(false, Ordering::Relaxed);
            // Whoever asked in the meantime is told at once.
            while self.requests.try_recv().is_ok() {}
        }
    }

    /// Returns when the multiplexer fails: the guest began anew, or the port is gone.
    async fn carry(&mut self, port: &mut Port) {
        let mut mux = Connection::new(port.lend(), config(), Mode::Client);
        let mut waiting = None;
        poll_fn(|cx| self.poll_carry(cx, &mut mux, &mut waiting)).await;
    }

    fn poll_carry<T>(
        &mut self,
        cx: &mut Context<'_>,
        mux: &mut Connection<T>,
        waiting: &mut Option<Request>,
    ) -> Poll<()>
    where
        T: futures::AsyncRead + futures::AsyncWrite + Unpin,
    {
        loop {
            match mux.poll_next_inbound(cx) {
                // The guest has nothing to open; what it opens is reset by being dropped.
                Poll::Ready(Some(Ok(_))) => continue,
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            if waiting.is_none() {
                match self.requests.poll_recv(cx) {
                    Poll::Ready(Some(request)) => *waiting = Some(request),
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            match mux.poll_new_outbound(cx) {
                Poll::Ready(Ok(stream)) => {
                    // Whoever no longer wants it drops it.
                    let _ = waiting.take().map(|request| request.send(stream));
                }
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
