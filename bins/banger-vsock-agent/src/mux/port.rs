//! The port between link and agent: a unix socket on the host, a character device in the guest.

use std::{
    fs::File,
    future::Future,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, BufWriter, Interest, Join, ReadBuf, join, unix::AsyncFd},
    net::UnixStream,
    time::{Sleep, sleep},
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

/// Room for one frame of the multiplexer with its header.
const BUFFER_BYTES: usize = 32 * 1024;

type BoxRead = Box<dyn AsyncRead + Unpin + Send>;
type BoxWrite = Box<dyn AsyncWrite + Unpin + Send>;

/// Both directions of a port. What was read too far stays here between one use and the next.
pub(crate) struct Port {
    pub(crate) reader: BufReader<BoxRead>,
    pub(crate) writer: BufWriter<BoxWrite>,
}

impl Port {
    pub(crate) fn over_socket(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self::new(Box::new(reader), Box::new(writer))
    }

    /// Takes a virtio-serial port, opened for reading and writing and not blocking.
    pub(crate) fn over_device(device: File) -> io::Result<Self> {
        let device = FdStream::new(device.into())?;
        Ok(Self::new(Box::new(Patient { device: device.clone(), pause: None }), Box::new(device)))
    }

    fn new(reader: BoxRead, writer: BoxWrite) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, reader),
            writer: BufWriter::with_capacity(BUFFER_BYTES, writer),
        }
    }

    /// Lends the port to the multiplexer.
    pub(crate) fn lend(&mut self) -> Compat<Join<&mut BufReader<BoxRead>, &mut BufWriter<BoxWrite>>> {
        join(&mut self.reader, &mut self.writer).compat()
    }
}

/// A descriptor that does not block (a character device, a terminal), for any number of readers and
/// writers.
#[derive(Clone)]
pub(crate) struct FdStream(Arc<AsyncFd<File>>);

impl FdStream {
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&fd, true)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        #[expect(unsafe_code, reason = "the descriptor is owned by the file, which the registration owns")]
        let fd = unsafe { AsyncFd::register_with_interest(File::from(fd), interest) }?;
        Ok(Self(Arc::new(fd)))
    }

    pub(crate) fn file(&self) -> &File {
        self.0.get_ref()
    }
}

impl AsyncRead for FdStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(cx))?;
            let unfilled = buf.initialize_unfilled();
            if let Ok(read) = guard.try_io(|fd| fd.get_ref().read(unfilled)) {
                return Poll::Ready(read.map(|len| buf.advance(len)));
            }
        }
    }
}

impl AsyncWrite for FdStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_write_ready(cx))?;
            if let Ok(written) = guard.try_io(|fd| fd.get_ref().write(bytes)) {
                return Poll::Ready(written);
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A port reads as ended while no link is connected to it; a link will come.
struct Patient {
    device: FdStream,
    pause: Option<Pin<Box<Sleep>>>,
}

/// How long to wait for a link, where the device does not wake us.
const PAUSE: Duration = Duration::from_millis(50);

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.device).poll_read(cx, buf))?;
            if buf.filled().len() > before || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            self.pause = Some(Box::pin(sleep(PAUSE)));
        }
    }
}
